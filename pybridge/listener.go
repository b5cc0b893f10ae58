//go:build python

package pybridge

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// listener hands what a call prints and reports to the caller's functions. A
// call writes to a file, which cannot block it; the listener reads the file.
type listener struct {
	out    *os.File // what descriptors 1 and 2 become; nil: nothing is kept
	pipe   *os.File // our end of the pipe that messages come from
	report int      // Python's end, -1 without one

	mu    sync.Mutex // one function of the caller at a time
	muted bool
	s     Surroundings

	answer   string        // a worker's; valid when messages is closed
	failure  string        // why a worker could not begin
	messages chan struct{} // closed at the end of the pipe; nil without one

	stop chan struct{} // nil where nobody hears the output
	wg   sync.WaitGroup
}

// outputInterval is how often the log is looked at for new lines.
const outputInterval = 50 * time.Millisecond

// listen opens the log and begins to listen, to a call in this process or to
// a worker.
func listen(s Surroundings, worker bool) (*listener, error) {
	l := &listener{s: s, report: -1}
	var err error
	switch {
	case s.LogFile != "":
		l.out, err = os.OpenFile(s.LogFile, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o640)
	case s.Output != nil || worker: // a worker's last words are wanted
		l.out, err = memoryFile()
	}
	if err != nil {
		return nil, fmt.Errorf("the step's log: %w", err)
	}
	if err := l.openPipe(worker); err != nil {
		l.close()
		return nil, fmt.Errorf("progress: %w", err)
	}
	if s.Output != nil {
		from := l.written()
		l.stop = make(chan struct{})
		l.wg.Go(func() { l.readOutput(from) })
	}
	return l, nil
}

// openPipe makes the pipe for progress, and for a worker's answer.
func (l *listener) openPipe(worker bool) error {
	if l.s.Progress == nil && !worker {
		return nil
	}
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return err
	}
	l.report = ends[1]
	if err := unix.SetNonblock(ends[0], true); err != nil {
		_ = unix.Close(ends[0])
		return err
	}
	l.pipe = os.NewFile(uintptr(ends[0]), "messages")
	if !worker {
		// A slow listener costs progress, never the call's time. A worker's
		// answer may not be lost, so its end stays blocking.
		if err := unix.SetNonblock(l.report, true); err != nil {
			return err
		}
	}
	l.messages = make(chan struct{})
	l.wg.Go(l.readMessages)
	return nil
}

// memoryFile holds output that somebody listens to but nobody keeps.
func memoryFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("output", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, unix.O_APPEND); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "output"), nil
}

// finish delivers what is left and closes everything. The call must not write
// any more.
func (l *listener) finish() {
	l.closeReport() // the reader sees the end
	if l.stop != nil {
		close(l.stop)
	}
	l.wg.Wait()
	l.close()
}

func (l *listener) closeReport() {
	if l.report >= 0 {
		_ = unix.Close(l.report)
		l.report = -1
	}
}

func (l *listener) close() {
	l.closeReport()
	for _, f := range []*os.File{l.out, l.pipe} {
		if f != nil {
			f.Close()
		}
	}
}

// written returns the length of the log.
func (l *listener) written() int64 {
	if l.out == nil {
		return 0
	}
	n, err := l.out.Seek(0, io.SeekEnd)
	if err != nil {
		return 0
	}
	return n
}

// lastOutput returns the end of what was written since from.
func (l *listener) lastOutput(from int64) string {
	const most = 16 * 1024
	if l.out == nil {
		return ""
	}
	from = max(from, l.written()-most)
	buffer := make([]byte, most)
	n, err := l.out.ReadAt(buffer, from)
	if err != nil && err != io.EOF {
		return ""
	}
	return string(buffer[:n])
}

// mute makes sure that none of the caller's functions is called again.
func (l *listener) mute() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.muted = true
}

func (l *listener) tell(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.muted {
		f()
	}
}

// message is a line on the pipe. One field is set.
type message struct {
	Progress *progressLine `json:"progress,omitempty"` // from ftd.progress
	Answer   string        `json:"answer,omitempty"`   // from a worker, at its end
	Failure  string        `json:"failure,omitempty"`  // from a worker without Python
}

type progressLine struct {
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
	Note  string `json:"note"`
}

func (l *listener) readMessages() {
	defer close(l.messages)
	for lines := bufio.NewReader(l.pipe); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return // the end, or a worker died in the middle of a line
		}
		var m message
		// A worker's code can write to its descriptors what it likes: what is
		// no message must not keep the answer from being read.
		if json.Unmarshal(line, &m) != nil {
			continue
		}
		switch p := m.Progress; {
		case p == nil:
			l.answer, l.failure = m.Answer, m.Failure
		case l.s.Progress != nil:
			l.tell(func() { l.s.Progress(p.Done, p.Total, p.Note) })
		}
	}
}

func (l *listener) readOutput(offset int64) {
	tick := time.NewTicker(outputInterval)
	defer tick.Stop()
	var lines lineCutter
	buffer := make([]byte, 64*1024)
	for last := false; ; {
		for {
			n, err := l.out.ReadAt(buffer, offset)
			offset += int64(n)
			for _, line := range lines.add(buffer[:n]) {
				l.tell(func() { l.s.Output(line) })
			}
			if n == 0 || err != nil {
				break
			}
		}
		rest := lines.bar()
		if last {
			rest = lines.rest()
		}
		if rest != "" {
			l.tell(func() { l.s.Output(rest) })
		}
		if last {
			return
		}
		select {
		case <-l.stop:
			last = true // once more, for what came after the last look
		case <-tick.C:
		}
	}
}
