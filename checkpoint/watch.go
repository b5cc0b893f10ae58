package checkpoint

import (
	"context"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Watch is [NewWatcher] and [Watcher.Run] in one.
func Watch(ctx context.Context, dirs []string, opt WatchOptions, found func(v Verdict, rank int) error) error {
	w, err := NewWatcher(ctx, dirs, opt)
	if err != nil {
		return err
	}
	return w.Run(ctx, found)
}

// Run polls until the training has ended, then sweeps once and returns nil, so
// that the last checkpoint is never missed. An error of found ends it. When
// ctx is done it returns at once and without a sweep: this program stops, the
// training goes on, and a later watch with [WatchOptions.Seen] takes over.
func (w *Watcher) Run(ctx context.Context, found func(v Verdict, rank int) error) error {
	bell := newBell()
	defer bell.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var rest time.Duration // after a look that took long
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.opt.Ended:
			out, err := w.Sweep(ctx)
			return tell(out, err, found)
		case <-bell.troubles(): //nolint:errcheck // whatever it is, the answer is to look
		case <-bell.rings():
			// Many changes come at once; one look after a moment is enough.
			timer.Reset(max(w.opt.Settle/2, rest))
			if err := bell.quiet(ctx, timer.C); err != nil {
				return err
			}
		case <-timer.C:
		}
		began := time.Now()
		out, err := w.Poll(ctx)
		if rest = 0; time.Since(began) > longLook {
			rest = 4 * time.Since(began)
		}
		if err := tell(out, err, found); err != nil {
			return err
		}
		bell.watch(w.seen)
		timer.Reset(max(w.wait(), rest))
	}
}

// longLook is how long a look may take before the next one waits longer: most of
// the time nothing is looked at, however much there is to see.
const longLook = 250 * time.Millisecond

// wait is the time to the next look.
func (w *Watcher) wait() time.Duration {
	if w.pending() {
		return min(w.opt.Settle, w.opt.Interval)
	}
	return w.opt.Interval
}

// tell reports all that was found even if the looking failed later.
func tell(out []Found, err error, found func(v Verdict, rank int) error) error {
	for _, f := range out {
		if err := found(f.Verdict, f.Rank); err != nil {
			return err
		}
	}
	return err
}

// bell wakes a watcher when something changes in a directory. It may miss
// anything: polling is what counts.
type bell struct {
	notify *fsnotify.Watcher // nil where the kernel has no more watches
	dirs   map[string]bool
}

func newBell() *bell {
	n, err := fsnotify.NewWatcher()
	if err != nil {
		n = nil
	}
	return &bell{notify: n, dirs: map[string]bool{}}
}

func (b *bell) close() {
	if b.notify != nil {
		_ = b.notify.Close() // nothing was written
	}
}

func (b *bell) rings() <-chan fsnotify.Event {
	if b.notify == nil {
		return nil
	}
	return b.notify.Events
}

// troubles are what kept the kernel from ringing, such as too many events: the
// answer to them is to look.
func (b *bell) troubles() <-chan error {
	if b.notify == nil {
		return nil
	}
	return b.notify.Errors
}

// quiet takes in the rings until after comes.
func (b *bell) quiet(ctx context.Context, after <-chan time.Time) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-after:
			return nil
		case <-b.notify.Events:
		case <-b.notify.Errors: //nolint:errcheck // a look follows anyway
		}
	}
}

// watch puts the bell up in new directories. A directory that was deleted and
// made again needs it anew, so that what is gone is forgotten.
func (b *bell) watch(dirs []string) {
	if b.notify == nil {
		return
	}
	now := make(map[string]bool, len(dirs))
	for _, d := range dirs {
		now[d] = b.dirs[d] || b.notify.Add(d) == nil
	}
	b.dirs = now
}
