package launcher

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"ftd/checkpoint"
	"ftd/logparse"
)

// FollowOption changes how a run is followed.
type FollowOption func(*follow)

// WithWakeups lets the kernel's notifications shorten the time until a new log
// line is seen, 100 ms without. One is enough for a whole process.
func WithWakeups(w *logparse.Wakeups) FollowOption {
	return func(f *follow) { f.wakeups = w }
}

// WithSeen tells which checkpoints were reported before this program was
// restarted, by path, size and time of modification.
func WithSeen(seen func(path string, size int64, modified time.Time) bool) FollowOption {
	return func(f *follow) { f.seen = seen }
}

// WithSignatures looks for the errors of another table than
// logparse.Signatures; nil changes nothing.
func WithSignatures(t *logparse.Table) FollowOption {
	return func(f *follow) {
		if t != nil {
			f.reading = []logparse.Option{logparse.WithTable(t)}
		}
	}
}

// WithWarn is told of what cannot be read, once each.
func WithWarn(warn func(error)) FollowOption {
	return func(f *follow) { f.warn = warn }
}

// Follow reads what the run logs from where the observer's last stored Batch
// ended, and watches for its checkpoints, until the run is over and everything
// was read. It may be called again after it failed or was cancelled, by
// another process too: no record is lost and none is doubled.
func (r *Run) Follow(ctx context.Context, o Observer, options ...FollowOption) error {
	f := &follow{run: r, observer: &serial{o: o}, ended: make(chan struct{}), warned: map[string]bool{}}
	for _, option := range options {
		option(f)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if _, err := r.Wait(ctx); err != nil {
			return err
		}
		close(f.ended)
		return nil
	})
	if r.spec.RankLogs == "" {
		group.Go(func() error { return f.log(ctx, 0, r.Log()) })
	} else {
		group.Go(func() error { return f.log(ctx, LauncherRank, r.Log()) })
		group.Go(func() error { return f.log(ctx, SchedulerRank, r.SchedulerLog()) })
		group.Go(func() error { return f.ranks(ctx, group) })
	}
	group.Go(func() error { return f.checkpoints(ctx) })
	return group.Wait()
}

// follow is one following.
type follow struct {
	run      *Run
	observer *serial
	wakeups  *logparse.Wakeups
	seen     func(string, int64, time.Time) bool
	warn     func(error)
	reading  []logparse.Option
	ended    chan struct{} // closed when the run is over
	warned   map[string]bool
}

func (f *follow) checkpoints(ctx context.Context) error {
	if len(f.run.spec.Checkpoints) == 0 {
		return nil
	}
	made := f.run.Made()
	return checkpoint.Watch(ctx, checkpointDirs(f.run.spec), checkpoint.WatchOptions{
		Seen: func(path string, size int64, modified time.Time) bool {
			return !made(path) || f.seen != nil && f.seen(path, size, modified)
		},
		Warn:  f.warn,
		Ended: f.ended,
	}, func(v checkpoint.Verdict, rank int) error {
		return f.observer.checkpoint(ctx, v, rank)
	})
}

// trouble tells of something once.
func (f *follow) trouble(err error) {
	if f.warn != nil && !f.warned[err.Error()] {
		f.warned[err.Error()] = true
		f.warn(err)
	}
}

// serial lets one call at a time through to an observer.
type serial struct {
	mu sync.Mutex
	o  Observer
}

func (s *serial) position(ctx context.Context, rank int) (Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.o.Position(ctx, rank)
}

func (s *serial) batch(ctx context.Context, b Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.o.Batch(ctx, b)
}

func (s *serial) checkpoint(ctx context.Context, v checkpoint.Verdict, rank int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.o.Checkpoint(ctx, v, rank)
}
