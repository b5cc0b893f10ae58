package checkpoint

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Run reports, sweeps when the training has ended, and leaves at once when this
// program is to stop.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	ended := make(chan struct{})
	opt := fast
	opt.Ended = ended
	reported := make(chan Verdict)
	done := make(chan error)
	w := newWatcher(t, opt, dir)
	go func() {
		done <- w.Run(context.Background(), func(v Verdict, rank int) error {
			reported <- v
			return nil
		})
	}()
	write(t, dir, "rank_0/llama_rank_0-1_20.ckpt", training(1, 20, 20))
	require.Equal(t, "llama_rank_0-1_20.ckpt", filepath.Base((<-reported).Path))
	write(t, dir, "rank_0/llama_rank_0-1_40.ckpt", training(1, 40, 40)[:60])
	close(ended)
	v := <-reported
	require.Equal(t, "llama_rank_0-1_40.ckpt", filepath.Base(v.Path))
	require.False(t, v.Complete)
	require.NoError(t, <-done)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, Watch(ctx, []string{dir}, fast, nil), context.Canceled)
}

// A notification of the kernel is enough: with polls an hour apart a
// checkpoint is still reported.
func TestRunIsWoken(t *testing.T) {
	dir := t.TempDir()
	opt := WatchOptions{Interval: time.Hour, Settle: time.Millisecond}
	w := newWatcher(t, opt, dir)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	reported, stop := make(chan string), make(chan error)
	go func() {
		stop <- w.Run(ctx, func(v Verdict, rank int) error {
			reported <- filepath.Base(v.Path)
			return nil
		})
	}()
	write(t, dir, "llama_rank_0-1_20.ckpt", training(1, 20, 20))
	require.Equal(t, "llama_rank_0-1_20.ckpt", <-reported)
	// Nothing is pending now. Run puts up its watch at about this time, so the
	// next save is repeated until one falls after that.
	for saved := false; !saved; {
		part := write(t, dir, "llama_rank_0-1_40.part", training(1, 40, 40))
		require.NoError(t, os.Rename(part, filepath.Join(dir, "llama_rank_0-1_40.ckpt")))
		select {
		case name := <-reported:
			require.Equal(t, "llama_rank_0-1_40.ckpt", name)
			saved = true
		case <-time.After(100 * time.Millisecond):
		}
	}
	// The repeated ones may be told once more.
	cancel()
	for {
		select {
		case <-reported:
			continue
		case err := <-stop:
			require.ErrorIs(t, err, context.Canceled)
		}
		return
	}
}
