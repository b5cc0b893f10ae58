package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// WatchOptions say what a [Watcher] reports. The zero value reports what is
// made after the watcher was, and is right for a training that is started now.
type WatchOptions struct {
	// Interval is the time between two looks; 1 s if zero. Notifications of
	// the kernel shorten it, they never replace it: none come from other
	// machines on a network filesystem.
	Interval time.Duration
	// Settle is how long a file that its writer has closed to writing must
	// stay unchanged before it is read; 200 ms if zero.
	Settle time.Duration
	// Since and Seen are for going on with a watch after this program was
	// restarted. With Since, a file that is already there counts as new if it
	// was changed at that time or later; set it to the training's start. With
	// Seen, one counts as new unless Seen says that it was reported already;
	// the arguments are Path, Bytes and Modified of its verdict.
	Since time.Time
	Seen  func(path string, size int64, modified time.Time) bool
	// Verify is used for each file.
	Verify Options
	// Warn is told, once each, of directories and files that cannot be read.
	Warn func(error)
	// Ended, for [Watcher.Run] and [Watch], is closed when the training and
	// all its processes are gone.
	Ended <-chan struct{}
}

// clockSlack allows for file times that come from the kernel's coarse clock,
// which may be one tick behind the time that a program reads.
const clockSlack = 10 * time.Millisecond

// Found is what a [Watcher] reports: a checkpoint that is complete, or what a
// dead writer left unfinished.
type Found struct {
	Verdict
	Rank int
}

// Watcher finds the checkpoints that a training makes below some directories,
// which need not exist yet. It is used by one goroutine at a time:
//
//	w, err := NewWatcher(ctx, dirs, opt) // before the training is started
//	found, err := w.Poll(ctx)            // again and again, or Run
//	found, err := w.Sweep(ctx)           // once after all its processes are gone
//
// Each checkpoint is reported once for each time it was written.
type Watcher struct {
	dirs   []string
	opt    WatchOptions
	files  map[string]*watched
	warned map[string]bool
	seen   []string // the directories of the last scan
}

// watched is what the watcher knows of one file.
type watched struct {
	last   seenFile
	since  time.Time // last is unchanged since
	judged bool      // last needs no further look
	told   bool      // last was reported, or was there before
	whole  bool      // last was found complete
}

// same says whether a file was not written to since.
func (f seenFile) same(g seenFile) bool {
	return f.size == g.size && f.modified.Equal(g.modified) && f.file == g.file
}

// NewWatcher notes what is there already, so that it will not be reported
// unless the options ask for it.
func NewWatcher(ctx context.Context, dirs []string, opt WatchOptions) (*Watcher, error) {
	if opt.Interval <= 0 {
		opt.Interval = time.Second
	}
	if opt.Settle <= 0 {
		opt.Settle = 200 * time.Millisecond
	}
	w := &Watcher{dirs: dirs, opt: opt, files: map[string]*watched{}, warned: map[string]bool{}}
	s, err := look(ctx, dirs)
	if err != nil {
		return nil, err
	}
	w.update(s)
	for _, f := range w.files {
		if !w.countsAsNew(f.last) {
			f.judged, f.told = true, true
		}
	}
	return w, nil
}

// countsAsNew decides about a file that was there when the watch began.
func (w *Watcher) countsAsNew(f seenFile) bool {
	if w.opt.Since.IsZero() && w.opt.Seen == nil {
		return false
	}
	if !w.opt.Since.IsZero() && f.modified.Before(w.opt.Since.Add(-clockSlack)) {
		return false
	}
	return w.opt.Seen == nil || !w.opt.Seen(f.path, f.size, f.modified)
}

// update takes over what a scan saw.
func (w *Watcher) update(s *scan) {
	now := time.Now()
	present := make(map[string]bool, len(s.files))
	for _, f := range s.files {
		present[f.path] = true
		old := w.files[f.path]
		if old == nil || !old.last.same(f) {
			w.files[f.path] = &watched{last: f, since: now}
			continue
		}
		old.last = f // its mode may have changed
	}
	for path := range w.files {
		if present[path] {
			continue
		}
		// A directory that could not be read does not mean that its files are
		// gone: they would be reported twice.
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			delete(w.files, path)
		}
	}
	w.seen = s.dirs
	for path, err := range s.problems {
		w.warn(path, err)
	}
}

func (w *Watcher) warn(path string, err error) {
	if w.warned[path] || w.opt.Warn == nil {
		return
	}
	w.warned[path] = true
	w.opt.Warn(fmt.Errorf("checkpoints in %s are not seen: %w", path, err))
}

// settled says whether a file has been left alone long enough to be judged. A
// training checkpoint ends with known tensors, so its bytes say when it is
// all there; a weights-only file that is still open to writing may have been
// looked at between two tensors, hence the longer wait.
func (w *Watcher) settled(f *watched) bool {
	wait := w.opt.Settle
	if !f.last.closed && f.last.kind != KindTraining {
		wait = 2 * w.opt.Interval
	}
	return time.Since(f.since) >= wait
}

// ready says whether a file is to be judged now.
func (w *Watcher) ready(f *watched) bool {
	if f.judged || f.last.kind == KindTemporary || !w.settled(f) {
		return false
	}
	// The tracker beside an iteration is written last.
	return f.last.iteration == nil || f.last.iteration.tracked() == nil
}

// Poll looks once and returns the checkpoints that have become complete, the
// oldest first. Something that is not complete is not reported while its writer
// may be at work, which it is not once a later save into the same directory is
// complete.
func (w *Watcher) Poll(ctx context.Context) ([]Found, error) {
	s, err := look(ctx, w.dirs)
	if err != nil {
		return nil, err
	}
	w.update(s)
	var out []Found
	for _, c := range s.files {
		f := w.files[c.path]
		if f == nil || !w.ready(f) {
			continue
		}
		v, err := Verify(ctx, c.path, w.opt.Verify)
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				w.warn(c.path, err)
				f.judged = true // the sweep tries again
			}
			continue
		}
		if !v.isOf(c) {
			continue // it was written to again: the next look sees that
		}
		f.judged = true
		if v.Complete {
			f.told, f.whole = true, true
			out = append(out, Found{v, RankOf(c.path)})
		}
	}
	return w.abandoned(ctx, s, out)
}

// abandoned adds to out what is unfinished and older than a complete checkpoint
// in its directory: a rank saves one after the other.
func (w *Watcher) abandoned(ctx context.Context, s *scan, out []Found) ([]Found, error) {
	newest := map[string]time.Time{}
	for path, f := range w.files {
		if dir := filepath.Dir(path); f.whole && f.last.kind == KindTraining && f.last.modified.After(newest[dir]) {
			newest[dir] = f.last.modified
		}
	}
	for _, c := range s.files {
		f := w.files[c.path]
		if f == nil || f.told || c.iteration != nil || c.kind != KindTraining && c.kind != KindTemporary ||
			!w.settled(f) || !c.modified.Add(w.opt.Interval).Before(newest[filepath.Dir(c.path)]) {
			continue
		}
		v, err := w.judge(ctx, c)
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if err != nil || v.Complete || !v.isOf(c) {
			continue // the sweep tries again
		}
		f.judged, f.told = true, true
		out = append(out, Found{v, RankOf(c.path)})
	}
	return out, nil
}

// isOf says whether a verdict is about the state of the file that a scan saw.
func (v *Verdict) isOf(f seenFile) bool {
	return v.Bytes == f.size && v.Modified.Equal(f.modified)
}

// Sweep looks for the last time, after every process that might write is gone.
// It returns what Poll would, without waiting for anything to settle, and what
// will never be complete: files of a save that was killed, and temporary files,
// which may be deleted.
func (w *Watcher) Sweep(ctx context.Context) ([]Found, error) {
	s, err := look(ctx, w.dirs)
	if err != nil {
		return nil, err
	}
	w.update(s)
	var out []Found
	for _, c := range s.files {
		f := w.files[c.path]
		if f == nil || f.told {
			continue
		}
		v, err := w.judge(ctx, c)
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			v = Verdict{Path: c.path, Bytes: c.size, Modified: c.modified, Reason: err.Error()}
		}
		f.judged, f.told = true, true
		out = append(out, Found{v, RankOf(c.path)})
	}
	return out, nil
}

func (w *Watcher) judge(ctx context.Context, f seenFile) (Verdict, error) {
	if f.kind != KindTemporary {
		return Verify(ctx, f.path, w.opt.Verify)
	}
	return Verdict{Path: f.path, Bytes: f.size, Modified: f.modified,
		Reason: "left behind by a save that did not finish; it may be deleted"}, nil
}

// pending says whether a file is waiting to settle, so that the next look
// should come soon.
func (w *Watcher) pending() bool {
	for _, f := range w.files {
		if !f.judged && f.last.kind != KindTemporary {
			return true
		}
	}
	return false
}
