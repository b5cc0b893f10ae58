package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// cardMachine is a stand-in for the driver's npu-smi, with a file of cards.
type cardMachine struct {
	t   *testing.T
	dir string
}

// newCardMachine makes the next house one with cards.
func newCardMachine(t *testing.T, cards ...string) *cardMachine {
	t.Helper()
	m := &cardMachine{t: t, dir: t.TempDir()}
	program, err := os.ReadFile("../../testdata/npu-smi/npu-smi")
	require.NoError(t, err)
	path := filepath.Join(m.dir, "npu-smi")
	require.NoError(t, os.WriteFile(path, program, 0o700))
	t.Setenv("FTD_NPU_SMI", path)
	m.have(cards...)
	return m
}

// have says which cards there are, all at once: somebody may be reading.
func (m *cardMachine) have(cards ...string) {
	m.t.Helper()
	next := filepath.Join(m.dir, "next")
	require.NoError(m.t, os.WriteFile(next, []byte(strings.Join(cards, "\n")+"\n"), 0o600))
	require.NoError(m.t, os.Rename(next, filepath.Join(m.dir, "cards")))
}

// training submits a command that prints the cards it sees, and stays.
func (h *house) training(name string, priority, cards int) string {
	h.t.Helper()
	job, err := h.client.Submit(h.t.Context(), api.Submit{
		Command: []string{"sh", "-c", `echo "sees $ASCEND_RT_VISIBLE_DEVICES"; exec sleep 1000`},
		Dir:     h.dir, Name: name, Priority: priority, Cards: &cards,
	})
	require.NoError(h.t, err)
	return job.ID
}

// sees waits until a job's training runs, and wants it to see these cards.
func (h *house) sees(id, cards string) {
	h.t.Helper()
	h.eventually(id+" sees "+cards, func() bool {
		log, _ := os.ReadFile(filepath.Join(h.job(id).Dir, "train.1", "rank_0.log"))
		return string(log) == "sees "+cards+"\n"
	})
}

// waits waits until a job is at a place in the line for cards.
func (h *house) waits(id string, position int) *api.Waiting {
	h.t.Helper()
	var w *api.Waiting
	h.eventually(id+" waits", func() bool {
		w = h.job(id).Waiting
		return w != nil && w.For == api.WaitForCards && w.Position == position && strings.HasPrefix(w.Reason, "it needs")
	})
	return w
}

func (h *house) eventually(what string, condition func() bool) {
	h.t.Helper()
	require.Eventually(h.t, condition, time.Minute, 20*time.Millisecond, what)
}

// Jobs wait for a free card, no two share one, strangers and sick cards are
// let alone, and a restarted daemon knows who holds what.
func TestTrainingsWaitForCards(t *testing.T) {
	cards := []string{"card 0 OK 3379", "card 1 OK 3379", "card 2 Alarm 3380", "card 3 OK 41000"}
	m := newCardMachine(t, append(cards, "process 3 4711 python 37600")...)
	h := newHouse(t) // two slots; whoever waits for a card takes none
	first, second := h.training("first", 0, 1), h.training("second", 0, 1)
	h.sees(first, "0")
	h.sees(second, "1")
	require.Equal(t, []int{0}, h.job(first).Cards)
	none := h.training("without", 0, 0)
	h.sees(none, "")
	require.Empty(t, h.job(none).Cards)

	third := h.training("third", 0, 1)
	require.Equal(t, "it needs a card: card 0 is held by the job first ("+first+"), card 1 is held by the job second ("+second+"), "+
		"card 2 is not healthy (npu-smi says Alarm), card 3 is used by process 4711 (python)", h.waits(third, 1).Reason)
	urgent := h.training("urgent", 5, 1)
	h.waits(urgent, 1)
	h.waits(third, 2)
	table := ok(t, "ps")
	require.Regexp(t, `third +running +waiting #2 .* - *\n`, table)
	require.Regexp(t, `second +running +starting .* 1 *\n`, table)
	shown := ok(t, "show", third)
	require.Regexp(t, `waits for +a card since .*, #2 in line: it needs a card: card 0 is held by the job first`, shown)
	require.Contains(t, shown, "waiting for cards, 2nd in line: it needs a card")
	listed := decode[[]api.Card](t, ok(t, "cards", "-o", "json"))
	var states []string
	for _, c := range listed {
		states = append(states, c.State)
	}
	require.Equal(t, []string{"held", "held", "unhealthy", "occupied"}, states)
	require.Equal(t, first, listed[0].Job)

	h.kill()
	h.open()
	h.waits(urgent, 1)
	h.waits(third, 2)
	require.Equal(t, []int{0}, h.job(first).Cards)
	require.Equal(t, []int{1}, h.job(second).Cards)

	ok(t, "stop", first)
	h.sees(urgent, "0")
	h.waits(third, 1)
	m.have(cards[0], cards[1], cards[2], "card 3 OK 3379") // the stranger has gone
	h.sees(third, "3")

	never := h.ended(h.training("never", 0, 5))
	require.Equal(t, "cards-too-few", never.Error.Code)
	require.Equal(t, "the training needs 5 cards, and ftd may use 4", never.Error.Message)

	// Whoever follows a job is told what it waits for. Stopped, it leaves the line.
	followed := background(t, "train", "--name", "large", "--cards", "2", "--dir", h.dir, "--", "true")
	h.eventually("the large one", func() bool {
		_, err := h.client.Job(t.Context(), "large")
		return err == nil
	})
	large := h.job("large").ID
	h.waits(large, 1)
	ok(t, "stop", large)
	out, _, status := followed()
	require.Equal(t, exitJob, status)
	require.Contains(t, out, "waiting for 2 cards, #1 in line: it needs 2 cards, and 0 can be had: card 0 is held by the job urgent")
}

// While npu-smi hangs the daemon answers, and afterwards the line moves on.
func TestADriverThatHangs(t *testing.T) {
	m := newCardMachine(t, "card 0 OK 3379")
	hang := filepath.Join(m.dir, "hang")
	require.NoError(t, os.WriteFile(hang, nil, 0o600))
	h := newHouse(t)
	id := h.training("patient", 0, 1)
	h.eventually("the wait", func() bool { return h.job(id).Waiting != nil })
	require.Equal(t, "the cards are being looked at", h.job(id).Waiting.Reason)
	require.NoError(t, os.Remove(hang))
	var pid int
	h.eventually("the hung program", func() bool {
		text, _ := os.ReadFile(filepath.Join(m.dir, "hung"))
		var err error
		pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil
	})
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	h.sees(id, "0")
}

func TestScreensOfCardsAndOfTheLine(t *testing.T) {
	var out bytes.Buffer
	writeCards(&out, []api.Card{
		{ID: 0, NPU: 0, Chip: 0, Name: "910B3", State: "held", Health: "OK", Job: "01k9xq4t8m", Why: "held by the job first-try (01k9xq4t8m)",
			Power: api.Float(301.5).Ptr(), Temperature: api.Float(58).Ptr(), MemoryUsed: 58231 << 20, MemoryTotal: 65536 << 20},
		{ID: 1, NPU: -1, Chip: -1, State: "unhealthy", Why: "not shown by npu-smi"},
	}, false)
	golden(t, "cards.txt", out.String())

	out.Reset()
	jobs := jobList()
	jobs[0].Waiting = &api.Waiting{For: api.WaitForSlot, Position: 3, Since: noon, Reason: "as many jobs are at work as there are slots"}
	jobs[1].Cards, jobs[1].Priority = []int{0, 1}, 10
	writeJobs(&out, jobs, true, *at(3 * time.Minute))
	golden(t, "ps-cards.txt", out.String())

	out.Reset()
	job := trainedJob()
	job.Waiting = &api.Waiting{For: api.WaitForCards, Position: 1, Cards: 4, Since: noon, Reason: "it needs 4 cards, and 2 can be had: …"}
	job.Priority = 10
	writeJob(&out, &job, *at(time.Minute), palette{})
	require.Contains(t, out.String(), "waits for   4 cards since 1 min 00 s, #1 in line: it needs 4 cards, and 2 can be had: …\npriority    10\n")
}
