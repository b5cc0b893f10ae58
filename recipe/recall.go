package recipe

import (
	"bytes"
	"context"
	"io"
	"os"
	"time"

	"ftd/logparse"
)

// What a log of gigabytes says of a training that was taken over stands at its
// end: a little is read of it, and more where that holds too few steps. What
// lies further back than recallMost is not worth the time that the reading of
// new lines would have to wait.
const (
	recallFirst = 256 << 10
	recallMore  = 16 // times as much
	recallMost  = 64 << 20
)

// recall reads what a training that was taken over has logged so far. Without
// it a hang that began before would not be known as one; a log that cannot be
// read only makes the watchdogs know less.
func (w *watch) recall(ctx context.Context) {
	logs := w.run.Logs()
	if len(logs) > 1 {
		logs = logs[1:] // the launcher's repeats those of the ranks
	}
	w.remember(ctx, logs)
	if len(w.run.Logs()) == 1 {
		return
	}
	// The daemon before may have read of a dead worker, and have ended then.
	if f, ok := failedWorker(ctx, w.run); ok && !w.run.Works(f.PID) {
		w.died(nameOf(f) + " " + f.How())
	}
}

// remember tells the guard of what the logs hold before it is told of anything
// that is new in them.
func (w *watch) remember(ctx context.Context, logs []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, path := range logs {
		rank, _ := logparse.RankOf(path)
		for _, r := range recent(ctx, path, w.guard.Remembers()) {
			w.guard.Recall(rank, &r)
		}
	}
	w.guard.Recalled(time.Now())
}

// recent returns the newest steps of a log, as many as that, and the phases
// from the first of them on.
func recent(ctx context.Context, path string, steps int) []logparse.Record {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	for size := int64(recallFirst); ; size *= recallMore {
		end, whole := endOf(f, size)
		records, found := newest(ctx, end, steps)
		if whole || found == steps || size >= recallMost || ctx.Err() != nil {
			return records
		}
	}
}

// endOf returns the whole lines of the last bytes of a file, and whether that
// is all of it.
func endOf(f *os.File, size int64) (end io.Reader, whole bool) {
	info, err := f.Stat()
	if err != nil || info.Size() <= size {
		return io.NewSectionReader(f, 0, size), true
	}
	return &wholeLines{r: io.NewSectionReader(f, info.Size()-size, size)}, false
}

// wholeLines leaves out what comes before the first newline.
type wholeLines struct {
	r     io.Reader
	begun bool
}

func (w *wholeLines) Read(b []byte) (int, error) {
	n, err := w.r.Read(b)
	if w.begun {
		return n, err
	}
	at := bytes.IndexByte(b[:n], '\n')
	if at < 0 {
		return 0, err
	}
	w.begun = true
	return copy(b, b[at+1:n]), err
}

// newest returns the last steps that are read, and the phases from the first of
// them on, and how many steps there are among them.
func newest(ctx context.Context, r io.Reader, steps int) (records []logparse.Record, found int) {
	parser := logparse.NewParser()
	first := 0 // of those that are not too old
	records = make([]logparse.Record, 0, 2*steps)
	take := func(r *logparse.Record) {
		switch r.Kind {
		case logparse.KindStep:
			found++
		case logparse.KindPhase:
		default:
			return
		}
		if len(records) == cap(records) { // instead of a larger array: records are large, and logs many
			records, first = records[:copy(records, records[first:])], 0
		}
		records = append(records, *r)
		for ; found > steps; first++ {
			if records[first].Kind == logparse.KindStep {
				found--
			}
		}
	}
	block := make([]byte, recallFirst)
	for ctx.Err() == nil {
		n, err := r.Read(block)
		parser.Feed(block[:n], take)
		if err != nil {
			break
		}
	}
	return records[first:], found
}
