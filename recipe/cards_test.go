package recipe

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

func TestHowManyCardsATrainingWants(t *testing.T) {
	dir := t.TempDir()
	config := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	cpu := config("cpu.yaml", "context:\n  mode: 0\n  device_target: \"CPU\"\n")
	ascend := config("ascend.yaml", "context: {device_target: Ascend, device_id: 0}\n")
	for _, c := range []struct {
		about string
		with  map[string]any
		env   map[string]string
		want  CardRequest
	}{
		{"a command takes one", nil, nil, CardRequest{Count: 1}},
		{"one for each worker", map[string]any{"workers": int64(4)}, nil, CardRequest{Count: 4}},
		{"as is said", map[string]any{"workers": int64(4), "cards": int64(2)}, nil, CardRequest{Count: 2}},
		{"none as is said", map[string]any{"cards": int64(0)}, map[string]string{visibleCards: "3"}, CardRequest{}},
		{"a config for the CPU", map[string]any{"config": cpu, "workers": int64(2)}, nil, CardRequest{}},
		{"but it is said otherwise", map[string]any{"config": cpu, "cards": int64(1)}, nil, CardRequest{Count: 1}},
		{"a config for cards", map[string]any{"config": ascend}, nil, CardRequest{Count: 1}},
		{"a config that is not there yet", map[string]any{"config": filepath.Join(dir, "later.yaml")}, nil, CardRequest{Count: 1}},
		{"those of its environment", nil, map[string]string{visibleCards: "3,5"}, CardRequest{Count: 2, Only: []int{3, 5}}},
		{"none of its environment", nil, map[string]string{visibleCards: ""}, CardRequest{}},
		{"the older way", nil, map[string]string{deviceID: "6"}, CardRequest{Count: 1, Only: []int{6}}},
		{"which means nothing for several", map[string]any{"workers": int64(2)}, map[string]string{deviceID: "6"}, CardRequest{Count: 2}},
	} {
		t.Run(c.about, func(t *testing.T) {
			got, err := cardsWanted(&StepContext{With: c.with, Env: c.env})
			require.NoError(t, err)
			require.Equal(t, c.want.Count, got.Count)
			require.ElementsMatch(t, c.want.Only, got.Only)
		})
	}
	later := &StepContext{With: map[string]any{"config": filepath.Join(dir, "later.yaml"), "run_mode": "train"}}
	plan, err := trainKind{}.Plan(t.Context(), later)
	require.NoError(t, err)
	require.Zero(t, plan.Cards, "not known yet")
	later.With["config"] = ascend
	plan, err = trainKind{}.Plan(t.Context(), later)
	require.NoError(t, err)
	require.Equal(t, 1, plan.Cards)
	_, err = cardsWanted(&StepContext{With: map[string]any{"cards": int64(-1)}})
	require.ErrorContains(t, err, "from 0 to")
}

// cardHost hands out the same cards to everybody.
type cardHost struct {
	*memoryHost
	cards []int
	err   error
	asked []CardRequest
	// asking, if not nil, is called while somebody asks.
	asking func()
}

func (h *cardHost) TakeCards(_ context.Context, _ string, want CardRequest) ([]int, error) {
	h.asked = append(h.asked, want)
	if h.asking != nil {
		h.asking()
	}
	return h.cards, h.err
}

func (h *cardHost) AwaitCards(ctx context.Context, _ string) error {
	require.NoError(h.t, ctx.Err(), "the stop is not the end of this wait")
	return errors.New("card 2 is still used")
}

// A stop is over when the cards are free, or it says that they are not.
func TestAStopWaitsForTheCards(t *testing.T) {
	h := &cardHost{memoryHost: newHost(t), cards: []int{2}}
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	j := training(t, h.memoryHost, "sleep", "1000")
	go func() { ended <- Run(ctx, j, h, h.settings()) }()
	eventually(t, "the training", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.attempts["train"]) == 1 && h.attempts["train"][0].shim.PID != 0
	})
	cancel(ErrStop)
	require.ErrorIs(t, <-ended, ErrStop)
	require.Contains(t, h.output, "the training has stopped, but card 2 is still used")
}

// A training sees its own cards and no others, counted from 0.
func TestATrainingSeesItsCards(t *testing.T) {
	seen := func(t *testing.T, cards []int, env map[string]string) string {
		t.Helper()
		h := &cardHost{memoryHost: newHost(t), cards: cards}
		j := training(t, h.memoryHost, "sh", "-c", `echo "$ASCEND_RT_VISIBLE_DEVICES/$DEVICE_ID"`)
		j.Env = env
		settings := h.settings()
		settings.Start = append(settings.Start, "DEVICE_ID=7") // of whoever started the daemon
		require.NoError(t, Run(t.Context(), j, h, settings))
		require.Len(t, h.asked, 1)
		log, err := os.ReadFile(filepath.Join(h.attempts["train"][0].Dir, logparse.RankLog(0)))
		require.NoError(t, err)
		return string(log)
	}
	require.Equal(t, "2/0\n", seen(t, []int{2}, nil))
	require.Equal(t, "1,3/0\n", seen(t, []int{1, 3}, nil))
	require.Equal(t, "/7\n", seen(t, nil, nil), "cards are not handed out")
	require.Equal(t, "5/0\n", seen(t, []int{5}, map[string]string{visibleCards: "5", deviceID: "0"}), "as it was chosen")
	require.Equal(t, "/4\n", seen(t, []int{4}, map[string]string{deviceID: "4"}))
}

func TestATrainingWithoutCardsIsNotStarted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	h := &cardHost{memoryHost: newHost(t), err: ErrStop, asking: func() { cancel(ErrStop) }}
	j := training(t, h.memoryHost, "false")
	require.ErrorIs(t, Run(ctx, j, h, h.settings()), ErrStop)
	require.Equal(t, StepStopped, h.attempts["train"][0].state)

	h = &cardHost{memoryHost: newHost(t), err: &Problem{Code: "cards", Message: "never", Remedy: "buy some"}}
	j = training(t, h.memoryHost, "false")
	var p *Problem
	require.True(t, errors.As(Run(t.Context(), j, h, h.settings()), &p))
	require.Equal(t, "cards", p.Code)
	require.NoFileExists(t, filepath.Join(h.attempts["train"][0].Dir, logparse.RankLog(0)))
}
