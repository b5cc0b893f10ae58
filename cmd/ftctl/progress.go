package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

// progressAfter is how long something takes before it is worth a bar.
const progressAfter = time.Second

// progress shows on a terminal's stderr how far ftctl has come with something
// of its own: a bar where it is known how much there is to read, a clock
// elsewhere. How much was read is what the kernel has counted, so that nothing
// that reads need know of bars. Other stderrs get nothing.
type progress struct {
	w     io.Writer
	mu    sync.Mutex
	what  string
	total int64 // bytes to read in all; 0 is not known
	// counted is set where not bytes count: so much of total is done.
	counted bool
	reached int64
	drawn   bool
	done    chan struct{}
	work    sync.WaitGroup
}

// showProgress begins; what says what is being done. The caller ends it with
// stop before anything else is printed.
func showProgress(c *cobra.Command, what string, total int64) *progress {
	p := &progress{w: c.ErrOrStderr(), what: what, total: total}
	if !isTerminal(p.w) || wantJSON(c) && isTerminal(c.OutOrStdout()) {
		return p
	}
	p.done = make(chan struct{})
	began, read := time.Now(), bytesRead()
	p.work.Go(func() {
		select {
		case <-p.done:
			return
		case <-time.After(progressAfter):
		}
		tick := time.NewTicker(drawEvery)
		defer tick.Stop()
		for {
			p.draw(time.Since(began), bytesRead()-read)
			select {
			case <-p.done:
				return
			case <-tick.C:
			}
		}
	})
	return p
}

// during shows what is being done while f does it, if that takes long.
func during[T any](c *cobra.Command, what string, total int64, f func() (T, error)) (T, error) {
	p := showProgress(c, what, total)
	defer p.stop()
	return f()
}

// at says how far it is, of what the kernel cannot count.
func (p *progress) at(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counted, p.reached, p.total = true, done, total
}

// say changes what is being done.
func (p *progress) say(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what = what
}

func (p *progress) draw(since time.Duration, read int64) {
	p.mu.Lock()
	line := "  " + plain(p.what) + "  " + clock(since)
	if p.counted {
		read = p.reached
	}
	if p.total > 0 {
		read = min(max(read, 0), p.total)
		line = fmt.Sprintf("  %s %3d %%  %s  %s", bar(read, p.total), read*100/p.total, plain(p.what), clock(since))
	}
	p.mu.Unlock()
	fmt.Fprint(p.w, clearLine+fit(line, terminalWidth(p.w)-1))
	p.drawn = true
}

// stop ends it and takes the bar away; once more does nothing.
func (p *progress) stop() {
	if p.done == nil {
		return
	}
	close(p.done)
	p.work.Wait()
	if p.drawn {
		fmt.Fprint(p.w, clearLine)
	}
	p.done = nil
}

// bytesRead is how much this process has read so far, as Linux counts it; 0
// where it does not.
func bytesRead() int64 {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		if n, ok := bytes.CutPrefix(line, []byte("rchar: ")); ok {
			count, _ := strconv.ParseInt(string(bytes.TrimSpace(n)), 10, 64)
			return count
		}
	}
	return 0
}

// sizes is how many bytes files have together; 0 if that cannot be said.
func sizes(paths []string) (total int64) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			return 0
		}
		total += info.Size()
	}
	return total
}
