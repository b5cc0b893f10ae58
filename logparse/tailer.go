package logparse

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// Bounds and defaults of a Tailer.
const (
	// DefaultPoll is how often a file is looked at.
	DefaultPoll = 250 * time.Millisecond
	// chunkSize is the most that one Chunk holds, and all that a tailer keeps.
	chunkSize = 128 << 10
	// smallChunk is enough for a log that is read as it is written; who has
	// more to read gets chunkSize.
	smallChunk = 16 << 10
	// quietTime is kept between two looks that notifications asked for: a
	// training writes several lines at once. All tailers look again at the
	// same moments, so that what they read can be taken care of together.
	quietTime = 55 * time.Millisecond
	// busyLooks is how many looks in a row must have given something before
	// notifications are done without: each line would cause one, and the next
	// look comes as early without.
	busyLooks = 5
	// markSize is how many bytes before a position identify it.
	markSize = 64
)

// Position is where in which file reading goes on. The zero Position is the
// beginning of whatever file is there.
type Position struct {
	File   FileID
	Offset int64
	// Mark is a checksum of the bytes just before Offset, 0 if it is not known.
	// With it a file that was emptied and has grown again is not mistaken for
	// the one that was read.
	Mark uint64
}

// Chunk is what one read of the file gave.
type Chunk struct {
	// Data is valid until the next call of Next.
	Data []byte
	// File and Offset say where Data begins. Between two chunks may be a hole,
	// of which whoever parses is told by Parser.Skip.
	File   FileID
	Offset int64
	// Fresh is set on the first chunk of another file than before, and of a
	// file that was emptied: whoever parses must Flush and begin anew.
	Fresh bool
	// Read is when the bytes were read.
	Read time.Time
	// Next is the position after Data.
	Next Position
}

// Tailer follows one file while another process writes to it. It looks at the
// file itself, at intervals; it copes with a file that is not there yet, that
// is truncated, rotated by renaming or by copying, deleted and made again, and
// with network mounts. It never blocks the writer.
//
// Next and Close are for one goroutine; Drain may be called from any.
type Tailer struct {
	path    string
	poll    time.Duration
	wakeups *Wakeups
	wake    chan struct{}
	watched bool
	drain   chan struct{}
	once    sync.Once

	file     *os.File
	from     Position // where to go on once the file is open
	at       Position // of file
	last     []byte   // the bytes before at.Offset, at most markSize
	fresh    bool
	replaced bool // the path names another file; seen when ours was at its end
	buf      []byte
	looked   time.Time
	caughtUp bool  // the last look gave all there was: the next one can wait
	waited   int64 // the offset when it was last waited
	busy     int   // for how many waits in a row it has moved
}

// TailerOption changes how a Tailer works.
type TailerOption func(*Tailer)

// WithPoll sets how often the file is looked at.
func WithPoll(d time.Duration) TailerOption { return func(t *Tailer) { t.poll = d } }

// WithWakeups lets notifications shorten the waiting.
func WithWakeups(u *Wakeups) TailerOption { return func(t *Tailer) { t.wakeups = u } }

// NewTailer follows the file at path from a position on: that of the last
// chunk which was taken care of. If the file at path is another one by now,
// the rest of the old one is looked for beside it (rotation renames), then the
// new one is read from its beginning. Nothing is opened before Next.
func NewTailer(path string, from Position, opts ...TailerOption) *Tailer {
	t := &Tailer{path: path, poll: DefaultPoll, from: from,
		wake: make(chan struct{}, 1), drain: make(chan struct{}), buf: make([]byte, smallChunk)}
	for _, o := range opts {
		o(t)
	}
	return t
}

// Drain tells that the writer has ended: Next gives what is left in the file
// and then io.EOF.
func (t *Tailer) Drain() { t.once.Do(func() { close(t.drain) }) }

// Close lets go of the file.
func (t *Tailer) Close() error {
	t.unwatch()
	if t.file == nil {
		return nil
	}
	err := t.file.Close()
	t.file = nil
	return err
}

// Next waits for bytes and returns them. It ends with io.EOF after Drain, with
// the context's error, or with what keeps the file from being read; after that
// it may be called again.
func (t *Tailer) Next(ctx context.Context) (Chunk, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Chunk{}, err
		}
		// Looked at before reading: what is written before Drain is read after it.
		drained := t.drained()
		if drained || !t.caughtUp {
			c, err := t.look()
			if err != nil || len(c.Data) > 0 {
				return c, err
			}
			if drained && !t.replaced {
				return Chunk{}, io.EOF
			}
		}
		if err := t.wait(ctx, drained); err != nil {
			return Chunk{}, err
		}
		t.caughtUp = false
	}
}

func (t *Tailer) drained() bool {
	select {
	case <-t.drain:
		return true
	default:
		return false
	}
}

// wait returns at the next look at the file.
func (t *Tailer) wait(ctx context.Context, drained bool) error {
	if drained {
		return nil // another file has taken the path: go on with it at once
	}
	if t.busy++; t.waited == t.at.Offset {
		t.busy = 0
	}
	t.waited = t.at.Offset
	rest := t.poll
	switch {
	case t.wakeups == nil:
	case t.busy >= busyLooks:
		t.unwatch()
		rest = min(rest, untilNextLook(time.Now()))
	case !t.watched:
		if t.watched = t.wakeups.add(t.path, t.wake) == nil; t.watched {
			return nil // one more look, for what was written before
		}
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.drain:
		return nil
	case <-timer.C:
		return nil
	case <-t.wake:
	}
	if now := time.Now(); now.Sub(t.looked) < quietTime {
		timer.Reset(untilNextLook(now))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.drain:
		case <-timer.C:
		}
	}
	return nil
}

// untilNextLook is the time to the next of the moments at which all look.
func untilNextLook(now time.Time) time.Duration {
	return now.Truncate(quietTime).Add(quietTime).Sub(now)
}

// unwatch does without notifications.
func (t *Tailer) unwatch() {
	if t.watched {
		t.wakeups.remove(t.path, t.wake)
		t.watched = false
	}
}

// look reads what is there now; no data and no error mean nothing new.
func (t *Tailer) look() (Chunk, error) {
	t.looked = time.Now()
	if t.file == nil {
		if err := t.open(); err != nil || t.file == nil {
			return Chunk{}, err
		}
	}
	for {
		n, err := t.file.ReadAt(t.buf, t.at.Offset)
		if n > 0 && !t.unchanged() {
			t.restart()
			continue
		}
		if n > 0 && t.skip(t.buf[:n]) {
			continue
		}
		if n > 0 {
			return t.chunk(t.buf[:n]), nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return Chunk{}, t.lost(err)
		}
		if more, err := t.atEnd(); err != nil || !more {
			return Chunk{}, err
		}
	}
}

// skip passes over the hole that begins with what was read, if there is one.
func (t *Tailer) skip(data []byte) bool {
	if !IsHole(data) {
		return false
	}
	end := HoleEnd(t.file, t.at.Offset)
	if end <= t.at.Offset {
		return false
	}
	last := make([]byte, min(end, markSize))
	if n, _ := t.file.ReadAt(last, end-int64(len(last))); n < len(last) {
		return false // it was emptied again: the next look sees that
	}
	t.last, t.at.Offset, t.at.Mark = last, end, markOf(last)
	return true
}

// chunk hands out what was read and moves the position.
func (t *Tailer) chunk(data []byte) Chunk {
	c := Chunk{Data: data, File: t.at.File, Offset: t.at.Offset, Fresh: t.fresh, Read: t.looked}
	t.fresh, t.replaced = false, false
	t.caughtUp = len(data) < len(t.buf)
	if !t.caughtUp && len(t.buf) < chunkSize {
		t.buf = make([]byte, chunkSize)
	}
	t.last = append(t.last, data[max(0, len(data)-markSize):]...)
	t.last = t.last[max(0, len(t.last)-markSize):]
	t.at.Offset += int64(len(data))
	t.at.Mark = markOf(t.last)
	c.Next = t.at
	return c
}

// atEnd looks whether the file that was read to its end is still the one to
// read; more tells that there is something to read from its beginning.
func (t *Tailer) atEnd() (more bool, err error) {
	st, err := t.file.Stat()
	if err != nil {
		return false, t.lost(err)
	}
	if st.Size() < t.at.Offset {
		t.restart()
		return true, nil
	}
	if now := idAt(t.path); now == (FileID{}) || now == t.at.File {
		t.replaced = false // gone for now, or ours: whoever has it open may still write
		return false, nil
	}
	if !t.replaced {
		t.replaced = true // one more look at ours, for what was written meanwhile
		return false, nil
	}
	t.replaced = false
	t.file.Close()
	t.file = nil
	t.from, t.fresh = Position{}, true
	err = t.open()
	return t.file != nil, err
}
