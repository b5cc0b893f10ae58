package launcher

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/checkpoint"
	"ftd/logparse"
)

func TestFollowToTheEnd(t *testing.T) {
	for _, format := range []string{"0.6", "0.8", "1.6"} {
		t.Run(format, func(t *testing.T) {
			spec := training(t, "--format", format, "--epochs", "2", "--steps", "10", "--step-ms", "1", "--save-every", "5")
			spec.Checkpoints = []string{"output"}
			run := launch(t, spec)
			o := memory()
			require.NoError(t, run.Follow(t.Context(), o))
			s := o.now()
			stepsOnce(t, s, 1, 20)
			require.Len(t, s.Checkpoints, 4)
			require.Contains(t, s.Kinds, logparse.KindEnd)
			require.Contains(t, s.Kinds, logparse.KindPhase)
			require.EqualValues(t, len(content(run.Log())), s.Positions[0].Offset)

			// Once more, as after a crash just before the end was recorded.
			require.NoError(t, run.Follow(t.Context(), o))
			stepsOnce(t, o.now(), 1, 20)
		})
	}
}

func TestFollowACrash(t *testing.T) {
	run := launch(t, training(t, "--steps", "10", "--crash-at", "4"))
	o := memory()
	require.NoError(t, run.Follow(t.Context(), o))
	stepsOnce(t, o.now(), 1, 3)
	require.Equal(t, []string{"python-exception"}, o.now().Problems)
	lines, err := LastLines(run.Log(), 2)
	require.NoError(t, err)
	require.Contains(t, lines[1], "Crash: the trainer was told to crash at step 4")
}

// stubborn is an observer that fails once, in the middle.
type stubborn struct {
	*journal
	fails int
}

func (s *stubborn) Batch(ctx context.Context, b Batch) error {
	if s.now().Batches == s.fails {
		s.fails = -1
		return os.ErrDeadlineExceeded
	}
	return s.journal.Batch(ctx, b)
}

func TestNothingIsLostWhenAnObserverFails(t *testing.T) {
	run := launch(t, training(t, "--steps", "40", "--step-ms", "10"))
	o := &stubborn{memory(), 2}
	require.ErrorIs(t, run.Follow(t.Context(), o), os.ErrDeadlineExceeded)
	require.NoError(t, run.Follow(t.Context(), o))
	stepsOnce(t, o.now(), 1, 40)
}

func TestLogDeletedUnderTheReader(t *testing.T) {
	run := launch(t, training(t, "--steps", "60", "--step-ms", "10"))
	o := memory()
	done := make(chan error, 1)
	go func() { done <- run.Follow(t.Context(), o) }()
	until(t, func() bool { return len(o.now().Steps) > 3 }, func() string { return "steps" })
	require.NoError(t, os.Remove(run.Log()))
	require.NoError(t, <-done)
	stepsOnce(t, o.now(), 1, 60)
}

// A log that is emptied by somebody cannot be read completely; what is
// written afterwards counts again from offset 0 and must have another key.
func TestLogEmptiedUnderTheReader(t *testing.T) {
	run := launch(t, training(t, "--steps", "500", "--step-ms", "8"))
	o := memory()
	done := make(chan error, 1)
	go func() { done <- run.Follow(t.Context(), o) }()
	until(t, func() bool { return len(o.now().Steps) > 50 }, func() string { return "steps" })
	require.NoError(t, os.Truncate(run.Log(), 0))
	require.NoError(t, <-done)
	seen := map[stepKey]bool{}
	files := map[FileID]bool{}
	last := int64(0)
	for _, k := range o.now().Steps {
		require.Greater(t, k.Step, last)
		last = k.Step
		k.Step = 0
		require.False(t, seen[k], "two records with the key %v", k)
		seen[k], files[k.File] = true, true
	}
	require.EqualValues(t, 500, last)
	require.Len(t, files, 2)
}

// FTD_LONG_LINE is its length in bytes; make test-deep writes a gigabyte.
func TestVeryLongLine(t *testing.T) {
	size := 64 << 20
	if text := os.Getenv("FTD_LONG_LINE"); text != "" {
		size = atoi(text)
	}
	run := launch(t, training(t, "--steps", "3", "--long-line", itoa(size)))
	o := memory()
	require.NoError(t, run.Follow(t.Context(), o))
	stepsOnce(t, o.now(), 1, 3)
}

func TestFollowIsCancelled(t *testing.T) {
	run := launch(t, training(t, "--steps", "100000"))
	ctx, cancel := context.WithCancel(t.Context())
	o := memory()
	done := make(chan error, 1)
	go func() { done <- run.Follow(ctx, o) }()
	until(t, func() bool { return len(o.now().Steps) > 0 }, func() string { return "steps" })
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	st, err := run.Status()
	require.NoError(t, err)
	require.Equal(t, StateRunning, st.State)
}

// A busy log must not become a transaction for each line.
func TestBatchesAreFew(t *testing.T) {
	run := launch(t, training(t, "--steps", "5000", "--step-ms", "0"))
	o := memory()
	require.NoError(t, run.Follow(t.Context(), o))
	stepsOnce(t, o.now(), 1, 5000)
	require.Less(t, o.now().Batches, 500)
}

func TestUnfinishedCheckpointIsReported(t *testing.T) {
	spec := command(t, "sh", "-c", `mkdir -p output/rank_0; printf half > output/rank_0/tiny_rank_0-1_5.ckpt; kill -9 $$`)
	spec.Checkpoints = []string{"output"}
	run := launch(t, spec)
	o := &verdicts{journal: memory()}
	require.NoError(t, run.Follow(t.Context(), o))
	require.Len(t, o.all, 1)
	require.False(t, o.all[0].Complete)
	require.NotEmpty(t, o.all[0].Reason)
	require.Equal(t, filepath.Join(spec.Dir, "output/rank_0/tiny_rank_0-1_5.ckpt"), o.all[0].Path)
}

type verdicts struct {
	*journal
	all []checkpoint.Verdict
}

func (v *verdicts) Checkpoint(_ context.Context, c checkpoint.Verdict, _ int) error {
	v.all = append(v.all, c)
	return nil
}

func TestLastLines(t *testing.T) {
	log := filepath.Join(t.TempDir(), "rank_0.log")
	lines, err := LastLines(log, 3)
	require.NoError(t, err)
	require.Empty(t, lines, "there is no log yet")
	text := strings.Repeat("filler\n", 20000) + "one\n\n  \n 10%\r 20%\r 30% \r\n\xff" + strings.Repeat("y", 5000) + "\nno end"
	require.NoError(t, os.WriteFile(log, []byte(text), 0o600))
	lines, err = LastLines(log, 4)
	require.NoError(t, err)
	require.Equal(t, []string{"one", " 30%"}, lines[:2])
	require.Len(t, lines[2], 1024)
	require.Equal(t, "no end", lines[3])
}
