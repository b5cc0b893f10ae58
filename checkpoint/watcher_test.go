package checkpoint

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if order := os.Getenv("CHECKPOINT_TEST_WRITER"); order != "" {
		writer(order)
		return
	}
	goleak.VerifyTestMain(m)
}

// fast is for tests: nothing waits for longer than it must.
var fast = WatchOptions{Interval: 10 * time.Millisecond, Settle: 5 * time.Millisecond}

func newWatcher(t *testing.T, opt WatchOptions, dirs ...string) *Watcher {
	t.Helper()
	w, err := NewWatcher(context.Background(), dirs, opt)
	require.NoError(t, err)
	return w
}

// settle polls until nothing is pending and returns all that was found.
func settle(t *testing.T, w *Watcher) []Found {
	t.Helper()
	var out []Found
	for {
		found, err := w.Poll(context.Background())
		require.NoError(t, err)
		out = append(out, found...)
		if !w.pending() {
			return out
		}
		<-time.After(w.opt.Settle) // the condition is time: a file must rest
	}
}

func sweep(t *testing.T, w *Watcher) []Found {
	t.Helper()
	out, err := w.Sweep(context.Background())
	require.NoError(t, err)
	return out
}

func paths(found []Found) []string {
	var out []string
	for _, f := range found {
		out = append(out, fmt.Sprintf("%s %v", filepath.Base(f.Path), f.Complete))
	}
	return out
}

// However MindSpore writes, a checkpoint is reported once, when it is whole and
// not before.
func TestWatcherReportsWholeCheckpointsOnce(t *testing.T) {
	tests := map[string][]string{
		"in-place": {"created", "half", "chmod"},
		"rename":   {"created", "half", "closed"},
		"library":  {"half", "closed"},
	}
	for order, states := range tests {
		t.Run(order, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "output")
			w := newWatcher(t, fast, dir) // the directory is not there yet
			require.Empty(t, settle(t, w))
			s := startSave(t, order, filepath.Join(dir, "checkpoint/rank_3/llama_rank_3-1_20.ckpt"))
			for _, state := range states {
				s.until(state)
				require.Empty(t, settle(t, w), "after %s", state)
			}
			s.until("saved")
			found := settle(t, w)
			require.Len(t, found, 1)
			require.True(t, found[0].Complete)
			require.Equal(t, s.path, found[0].Path)
			require.Equal(t, 3, found[0].Rank)
			require.Equal(t, int64(20), *found[0].Step)
			require.Empty(t, settle(t, w), "reported twice")
			s.kill()
			require.Empty(t, sweep(t, w), "reported twice")
		})
	}
}

// Weights alone do not say where they end. While they are open to writing, as
// up to MindSpore 2.3, a pause between two tensors must not look like the end.
func TestWatcherWaitsLongerForWeights(t *testing.T) {
	dir := t.TempDir()
	w := newWatcher(t, WatchOptions{Interval: time.Hour, Settle: time.Nanosecond}, dir)
	weights := recordBytes("w", "Float32", []int64{2}, make([]byte, 8))
	path := write(t, dir, "rank_0/llama_rank_0-network.ckpt", weights)
	look := func() []string {
		found, err := w.Poll(context.Background())
		require.NoError(t, err)
		return paths(found)
	}
	for range 3 {
		require.Empty(t, look())
	}
	require.NoError(t, os.Chmod(path, 0o400))
	require.Equal(t, []string{"llama_rank_0-network.ckpt true"}, look())
}

// What must not be read is said once, not taken for checkpoints or for their end.
func TestWatcherWarnsOfWhatItMayNotRead(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	dir := t.TempDir()
	var warnings []error
	opt := fast
	opt.Warn = func(err error) { warnings = append(warnings, err) }
	w := newWatcher(t, opt, dir)
	write(t, dir, "rank_0/llama_rank_0-1_20.ckpt", training(1, 20, 20))
	require.Len(t, settle(t, w), 1)
	require.NoError(t, os.Chmod(filepath.Join(dir, "rank_0"), 0))
	require.Empty(t, settle(t, w))
	require.Empty(t, settle(t, w))
	require.Len(t, warnings, 1)
	require.ErrorIs(t, warnings[0], os.ErrPermission)
	require.NoError(t, os.Chmod(filepath.Join(dir, "rank_0"), 0o700))
	require.Empty(t, settle(t, w), "reported twice")
}

// A writer that is killed leaves something behind; the sweep says what.
func TestSweepReportsWhatAKilledWriterLeft(t *testing.T) {
	tests := []struct{ order, state, left, reason string }{
		{"in-place", "created", "llama_rank_0-1_20.ckpt", "is empty"},
		{"in-place", "half", "llama_rank_0-1_20.ckpt", "cut off"},
		{"in-place", "chmod", "llama_rank_0-1_20.ckpt", "cut off"},
		{"rename", "created", "llama_rank_0-1_20.tmp", "left behind"},
		{"rename", "half", "llama_rank_0-1_20.tmp", "left behind"},
		{"rename", "closed", "llama_rank_0-1_20.tmp", "left behind"},
		{"library", "half", ".tmpoEMK45", "left behind"},
		{"library", "closed", "llama_rank_0-1_20.tmp", "left behind"},
	}
	for _, test := range tests {
		t.Run(test.order+" "+test.state, func(t *testing.T) {
			dir := t.TempDir()
			w := newWatcher(t, fast, dir)
			s := startSave(t, test.order, filepath.Join(dir, "rank_0/llama_rank_0-1_20.ckpt"))
			s.until(test.state)
			require.Empty(t, settle(t, w))
			s.kill()
			require.Empty(t, settle(t, w), "a poll cannot know that the writer is dead")
			found := sweep(t, w)
			require.Equal(t, []string{test.left + " false"}, paths(found))
			require.Contains(t, found[0].Reason, test.reason)
			require.Empty(t, sweep(t, w), "reported twice")
		})
	}
}

// The last checkpoint of a training is not missed, however soon the training
// ends after writing it.
func TestSweepReportsTheLastCheckpoint(t *testing.T) {
	dir := t.TempDir()
	slow := WatchOptions{Interval: time.Hour, Settle: time.Hour}
	w := newWatcher(t, slow, dir)
	s := startSave(t, "rename", filepath.Join(dir, "rank_0/llama_rank_0-1_20.ckpt"))
	s.until("saved")
	found, err := w.Poll(context.Background())
	require.NoError(t, err)
	require.Empty(t, found, "not settled yet")
	s.kill()
	require.Equal(t, []string{"llama_rank_0-1_20.ckpt true"}, paths(sweep(t, w)))
}

// What was there before is not the training's, whatever its state.
func TestWatcherIgnoresWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	old := write(t, dir, "rank_0/llama_rank_0-1_20.ckpt", training(1, 20, 20))
	write(t, dir, "rank_0/llama_rank_0-1_40.ckpt", training(1, 40, 40)[:50])
	write(t, dir, "rank_0/llama_rank_0-1_60.tmp", nil)
	w := newWatcher(t, fast, dir)
	require.Empty(t, settle(t, w))
	require.Empty(t, sweep(t, w))
	// Written anew, it is: r0.8 does so with the weights at each save.
	require.NoError(t, os.Remove(old))
	write(t, dir, "rank_0/llama_rank_0-1_20.ckpt", training(1, 20, 21))
	require.Equal(t, []string{"llama_rank_0-1_20.ckpt true"}, paths(settle(t, w)))
}

// After a restart of this program, checkpoints made meanwhile are reported,
// those reported before are not, and those from before the training neither.
func TestWatcherGoesOnAfterARestart(t *testing.T) {
	dir := t.TempDir()
	before := write(t, dir, "rank_0/llama_rank_0-1_10.ckpt", training(1, 10, 10))
	start := time.Now()
	require.NoError(t, os.Chtimes(before, start.Add(-time.Minute), start.Add(-time.Minute)))
	w := newWatcher(t, fast, dir)
	write(t, dir, "rank_0/llama_rank_0-1_20.ckpt", training(1, 20, 20))
	first := settle(t, w)
	require.Equal(t, []string{"llama_rank_0-1_20.ckpt true"}, paths(first))

	write(t, dir, "rank_0/llama_rank_0-1_30.ckpt", training(1, 30, 30))
	again := fast
	again.Since = start
	again.Seen = func(path string, size int64, modified time.Time) bool {
		v := first[0]
		return v.Path == path && v.Bytes == size && v.Modified.Equal(modified)
	}
	w = newWatcher(t, again, dir)
	require.Equal(t, []string{"llama_rank_0-1_30.ckpt true"}, paths(settle(t, w)))
	require.Empty(t, sweep(t, w))
}

// keep_checkpoint_max deletes the oldest before the next is written.
func TestWatcherLivesWithDeletion(t *testing.T) {
	dir := t.TempDir()
	w := newWatcher(t, fast, dir)
	var got []string
	for step := int64(20); step <= 100; step += 20 {
		write(t, dir, fmt.Sprintf("rank_0/llama_rank_0-1_%d.ckpt", step), training(1, step, step))
		got = append(got, paths(settle(t, w))...)
		if step > 20 {
			require.NoError(t, os.Remove(filepath.Join(dir, fmt.Sprintf("rank_0/llama_rank_0-1_%d.ckpt", step-20))))
		}
	}
	require.Len(t, got, 5)
	require.Empty(t, settle(t, w))
	require.Len(t, w.files, 1, "what is gone is forgotten")
	require.NoError(t, os.RemoveAll(dir))
	require.Empty(t, settle(t, w))
	require.Empty(t, sweep(t, w))
}

// All directories that mindformers writes to are watched, other files there
// are not checkpoints, and links neither loop nor double.
func TestWatcherFindsItsWay(t *testing.T) {
	dir := t.TempDir()
	w := newWatcher(t, fast, filepath.Join(dir, "checkpoint"), dir)
	weights := recordBytes("w", "Float32", []int64{2}, make([]byte, 8))
	write(t, dir, "checkpoint/rank_1/llama_rank_1-1_20.ckpt", training(1, 20, 20))
	write(t, dir, "checkpoint/rank_1/meta.json", []byte("{}"))
	write(t, dir, "checkpoint/rank_1/llama_rank_1-graph.meta", []byte("\x0a\x050.1.1"))
	write(t, dir, "checkpoint/rank_1/tmp6n69lvz1", []byte("{"))
	write(t, dir, "checkpoint_network/rank_1/llama_rank_1-network.ckpt", weights)
	write(t, dir, "checkpoint_trainable/rank_1/llama_rank_1-trainable_params-1_20.ckpt", weights)
	write(t, dir, "strategy/ckpt_strategy_rank_1.ckpt", []byte{8, 0})
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "checkpoint/loop")))
	require.NoError(t, os.Symlink("llama_rank_1-1_20.ckpt", filepath.Join(dir, "checkpoint/rank_1/newest.ckpt")))
	require.NoError(t, os.Symlink("self", filepath.Join(dir, "self")))
	elsewhere := t.TempDir()
	write(t, elsewhere, "llama_rank_2-1_20.ckpt", training(1, 20, 20))
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(dir, "checkpoint/rank_2")))
	require.ElementsMatch(t, []string{
		"llama_rank_1-1_20.ckpt true",
		"llama_rank_1-network.ckpt true",
		"llama_rank_1-trainable_params-1_20.ckpt true",
		"llama_rank_2-1_20.ckpt true",
	}, paths(settle(t, w)))
}
