package logparse

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"time"
)

// Most of a long log are lines of steps, and what such a line says does not
// depend on those before it. So they are read ahead, on as many processors as
// there are; what they mean is judged afterwards, in the order of the file.

// maxReaders is more than the judging can keep busy.
const maxReaders = 4

// block is a piece of a file, split anywhere.
type block struct {
	data    []byte
	skipped int64 // bytes of a hole that follow
	err     error // after the data
	lines   []aheadLine
	ready   chan struct{} // the lines were read
}

// aheadLine is a line that was read ahead.
type aheadLine struct {
	start, end int // end is that of the line feed
	time       time.Time
	kind       Kind // KindStep or KindProgress
	step       Step
	progress   Progress
}

// read reads the next piece of a file.
func (b *block) read(r io.Reader, holes *sparse) {
	var n int
	n, b.err = r.Read(b.data[:cap(b.data)])
	b.data, b.skipped, b.lines = b.data[:n], 0, b.lines[:0]
	if holes != nil {
		b.skipped = holes.skip(b.data)
	}
}

// scan reads ahead what can be: whole lines of steps and progress. A carriage
// return makes other lines of it all, which are left to the Parser.
func (b *block) scan(c *clock) {
	if bytes.IndexByte(b.data, '\r') >= 0 {
		return
	}
	start := bytes.IndexByte(b.data, '\n') + 1
	if start == 0 {
		return
	}
	for {
		length := bytes.IndexByte(b.data[start:], '\n')
		if length < 0 {
			return
		}
		line := b.data[start : start+length]
		if pre, ok := c.parsePrefix(line); ok && length <= MaxLine {
			l := b.add()
			l.start, l.end, l.time = start, start+length+1, pre.time
			if l.kind = parseQuick(line[pre.body:], &l.step, &l.progress, false); l.kind == 0 {
				b.lines = b.lines[:len(b.lines)-1]
			}
		}
		start += length + 1
	}
}

// add returns a line to fill in; what is in it is that of another.
func (b *block) add() *aheadLine {
	if len(b.lines) == cap(b.lines) {
		b.lines = append(b.lines, aheadLine{})
	} else {
		b.lines = b.lines[:len(b.lines)+1]
	}
	return &b.lines[len(b.lines)-1]
}

// feedBlock is Feed for what was read ahead.
func (p *Parser) feedBlock(b *block, emit func(*Record)) {
	at := 0
	for i := range b.lines {
		l := &b.lines[i]
		if l.start > at {
			p.Feed(b.data[at:l.start], emit)
		}
		p.emit = emit
		p.rec.Offset, p.rec.Time = p.offset, l.time
		p.offset += int64(l.end - l.start)
		if l.kind == KindStep {
			p.rec.Step = l.step
			p.step()
		} else {
			p.rec.Progress = l.progress
			p.progress()
		}
		p.now = l.time
		p.lines++
		at = l.end
	}
	p.Feed(b.data[at:], emit)
	p.Skip(b.skipped)
}

// readBlocks reads r to its end while what was read before is being used. When
// ctx ends it returns at once; a read that is under way ends by itself. It reads
// into buf, and makes more only for what is more than that.
func readBlocks(ctx context.Context, r io.Reader, buf []byte, use func(*block)) error {
	readers := min(runtime.GOMAXPROCS(0), maxReaders)
	if readers == 1 {
		readers = 0 // reading ahead would only cost
	}
	blocks := readers + 2
	order, work, free := make(chan *block, blocks), make(chan *block, blocks), make(chan *block, blocks)
	done := make(chan struct{})
	defer close(done)
	for range readers {
		go func() {
			var c clock
			for b := range work {
				b.scan(&c)
				b.ready <- struct{}{}
			}
		}()
	}
	go func() {
		defer close(work)
		holes, _ := r.(*sparse)
		free <- &block{data: buf, ready: make(chan struct{}, 1)}
		for made := 1; ; made++ {
			if made > 1 && made <= blocks {
				free <- &block{data: make([]byte, len(buf)), ready: make(chan struct{}, 1)}
			}
			var b *block
			select {
			case b = <-free:
			case <-done:
				return
			}
			b.read(r, holes)
			last := b.err != nil
			order <- b // there is room for all blocks, here and in the others
			if readers > 0 {
				work <- b
			} else {
				b.ready <- struct{}{}
			}
			if last {
				return
			}
		}
	}()
	for {
		var b *block
		select {
		case <-ctx.Done():
			return ctx.Err()
		case b = <-order:
		}
		<-b.ready
		use(b)
		if errors.Is(b.err, io.EOF) {
			return nil
		}
		if b.err != nil {
			return readError(b.err)
		}
		free <- b
	}
}
