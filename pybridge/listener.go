//go:build python

package pybridge

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// listener hands what a call prints and reports to the caller's functions. A
// call writes to a file, which cannot block it; the listener reads the file.
type listener struct {
	out      *os.File // what descriptors 1 and 2 become; nil: nothing is kept
	progress *os.File // our end of the progress pipe
	report   int      // Python's end, -1 without progress

	mu    sync.Mutex // one function of the caller at a time
	muted bool
	s     Surroundings

	stop chan struct{}
	wg   sync.WaitGroup
}

// outputInterval is how often the log is looked at for new lines.
const outputInterval = 50 * time.Millisecond

// listen opens the log and begins to listen.
func listen(s Surroundings) (*listener, error) {
	l := &listener{s: s, report: -1, stop: make(chan struct{})}
	var err error
	switch {
	case s.LogFile != "":
		l.out, err = os.OpenFile(s.LogFile, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o640)
	case s.Output != nil:
		l.out, err = memoryFile()
	}
	if err != nil {
		return nil, fmt.Errorf("the step's log: %w", err)
	}
	if s.Progress != nil {
		// Non-blocking: a slow listener costs progress, never the call's time.
		var ends [2]int
		if err := unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
			l.close()
			return nil, fmt.Errorf("progress: %w", err)
		}
		l.progress, l.report = os.NewFile(uintptr(ends[0]), "progress"), ends[1]
		l.wg.Go(l.readProgress)
	}
	if s.Output != nil {
		from, err := l.out.Seek(0, 2)
		if err != nil {
			l.close()
			return nil, fmt.Errorf("the step's log: %w", err)
		}
		l.wg.Go(func() { l.readOutput(from) })
	}
	return l, nil
}

// memoryFile holds output that somebody listens to but nobody keeps.
func memoryFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("output", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, unix.O_APPEND); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "output"), nil
}

// finish delivers what is left and closes everything. The call must not write
// any more.
func (l *listener) finish() {
	l.closeReport() // the reader sees the end
	close(l.stop)
	l.wg.Wait()
	l.close()
}

func (l *listener) closeReport() {
	if l.report >= 0 {
		unix.Close(l.report)
		l.report = -1
	}
}

func (l *listener) close() {
	l.closeReport()
	for _, f := range []*os.File{l.out, l.progress} {
		if f != nil {
			f.Close()
		}
	}
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

// progressLine is what ftd.progress writes.
type progressLine struct {
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
	Note  string `json:"note"`
}

func (l *listener) readProgress() {
	lines := bufio.NewScanner(l.progress)
	for lines.Scan() {
		var message struct{ Progress *progressLine }
		if json.Unmarshal(lines.Bytes(), &message) == nil && message.Progress != nil {
			p := message.Progress
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
