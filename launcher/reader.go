package launcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"ftd/logparse"
)

// How records are put together into batches. Each batch is a transaction of
// the observer: a quiet log is reported at once, a busy one in pieces.
const (
	batchInterval = 55 * time.Millisecond // between two batches
	batchRecords  = 2000                  // in one
	usualRecords  = 16                    // that room is made for at once
	lookAtLog     = 100 * time.Millisecond
)

// log follows the log of one rank until the run is over and all was read.
func (f *follow) log(ctx context.Context, rank int, path string) error {
	position, err := f.observer.position(ctx, rank)
	if err != nil {
		return err
	}
	options := []logparse.TailerOption{logparse.WithPoll(lookAtLog)}
	if f.wakeups != nil {
		options = append(options, logparse.WithWakeups(f.wakeups))
	}
	r := &reader{rank: rank, path: path, observer: f.observer, reading: f.reading, parser: logparse.NewParser(f.reading...)}
	tailer := logparse.NewTailer(path, r.restore(position), options...)
	defer func() { _ = tailer.Close() }()
	draining, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-f.ended:
			tailer.Drain()
		case <-draining.Done():
		}
	}()
	return r.read(ctx, tailer)
}

// reader turns one rank's log into batches.
type reader struct {
	rank     int
	path     string
	observer *serial
	parser   *logparse.Parser
	reading  []logparse.Option

	// file and generation make the FileID. The generation grows each time
	// another file is begun: an inode number may be used again.
	file       logparse.FileID
	generation int

	records []logparse.Record
	usual   int       // how many there were in the last batch
	mark    uint64    // of the tailer, at the parser's offset
	last    time.Time // when the last bytes were read
	dirty   bool      // something was read and is not stored yet
	due     time.Time // when the next batch is
}

func (r *reader) read(ctx context.Context, tailer *logparse.Tailer) error {
	for {
		c, err := r.next(ctx, tailer)
		switch {
		case errors.Is(err, errDue):
			if err := r.store(ctx); err != nil {
				return err
			}
			continue
		case errors.Is(err, io.EOF):
			return r.end(ctx)
		case err != nil && ctx.Err() == nil:
			return fmt.Errorf("cannot read the log: %w", err)
		case err != nil:
			return err
		}
		if c.Fresh || c.File != r.file {
			if err := r.begin(ctx, c); err != nil {
				return err
			}
		}
		r.parser.Skip(c.Offset - r.parser.Offset())
		r.parser.Feed(c.Data, r.take)
		r.mark, r.last, r.dirty = c.Next.Mark, c.Read, true
		if len(r.records) >= batchRecords || !time.Now().Before(r.due) {
			if err := r.store(ctx); err != nil {
				return err
			}
		}
	}
}

// errDue says that what was read so far should be stored now.
var errDue = errors.New("a batch is due")

// next waits for bytes, but not longer than what was read already may wait.
func (r *reader) next(ctx context.Context, tailer *logparse.Tailer) (logparse.Chunk, error) {
	if !r.dirty {
		return tailer.Next(ctx)
	}
	due, cancel := context.WithDeadline(ctx, r.due)
	defer cancel()
	c, err := tailer.Next(due)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return c, errDue
	}
	return c, err
}

func (r *reader) take(record *logparse.Record) {
	if r.rank >= 0 || record.Kind == logparse.KindProblem {
		if r.records == nil { // a record is large, and batches of a training are alike
			r.records = make([]logparse.Record, 0, r.usual)
		}
		r.records = append(r.records, *record)
	}
}

// begin goes on with another file, or with one that was emptied.
func (r *reader) begin(ctx context.Context, c logparse.Chunk) error {
	if c.Fresh && r.file != (logparse.FileID{}) {
		if err := r.end(ctx); err != nil {
			return err
		}
		r.parser = logparse.NewParser(r.reading...)
		r.generation++
	}
	r.file = c.File
	return nil
}

// end stores what the end of the file makes of the last, unfinished lines.
func (r *reader) end(ctx context.Context) error {
	r.parser.Flush(r.take)
	if len(r.records) > 0 {
		r.dirty = true
	}
	if !r.dirty {
		return nil
	}
	return r.store(ctx)
}

// store gives the observer what was read since the last time.
func (r *reader) store(ctx context.Context) error {
	state, err := r.parser.State()
	if err != nil {
		return err
	}
	saved, err := json.Marshal(savedReader{Mark: r.mark, Parser: state})
	if err != nil {
		return err
	}
	b := Batch{
		Rank: r.rank, File: r.fileID(), Path: r.path, Records: r.records,
		Offset: r.parser.Offset(), Parser: saved, Read: r.last,
	}
	if err := r.observer.batch(ctx, b); err != nil {
		return err
	}
	r.records, r.dirty, r.usual = nil, false, min(len(r.records), usualRecords)
	// At the same moments for all readers, which are those at which their
	// tailers look: an observer can store together what comes together.
	r.due = time.Now().Truncate(batchInterval).Add(batchInterval)
	return nil
}

func (r *reader) fileID() FileID {
	id := r.file.String()
	if r.generation > 0 {
		id += "#" + strconv.Itoa(r.generation)
	}
	return FileID(id)
}

// savedReader is what Batch.Parser holds.
type savedReader struct {
	Mark   uint64          `json:"mark,omitempty"`
	Parser json.RawMessage `json:"parser"`
}

// restore puts the reader where a batch was stored, and returns that for the
// tailer. A position that this program does not understand (another version
// wrote it) is the beginning of the file: records have keys, so that those
// which are stored already come again without harm.
func (r *reader) restore(p Position) logparse.Position {
	if p.File == "" {
		return logparse.Position{}
	}
	id, generation, _ := strings.Cut(string(p.File), "#")
	file, err := logparse.ParseFileID(id)
	var saved savedReader
	if err == nil {
		err = json.Unmarshal(p.Parser, &saved)
	}
	if err == nil {
		err = r.parser.Restore(saved.Parser)
	}
	if err != nil || r.parser.Offset() != p.Offset {
		r.parser = logparse.NewParser(r.reading...)
		return logparse.Position{}
	}
	r.file, r.mark = file, saved.Mark
	r.generation, _ = strconv.Atoi(generation)
	return logparse.Position{File: file, Offset: p.Offset, Mark: saved.Mark}
}
