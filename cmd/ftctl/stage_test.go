package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"
)

// stage is a training whose every word is the test's: a real process under the
// real shim that writes to its log what comes through a pipe. So a test can
// hold it in its compile phase for as long as it looks at the screen.
type stage struct {
	h    *house
	path string
	pipe *os.File
}

// stage prepares one; its command is yet to be run.
func (h *house) stage() *stage {
	h.t.Helper()
	s := &stage{h: h, path: filepath.Join(h.dir, "stage")}
	require.NoError(h.t, syscall.Mkfifo(s.path, 0o600))
	var err error
	s.pipe, err = os.OpenFile(s.path, os.O_RDWR, 0) // both, so that it waits for nobody
	require.NoError(h.t, err)
	h.t.Cleanup(func() { require.NoError(h.t, s.pipe.Close()) })
	return s
}

const play = `while IFS= read -r line; do
	case $line in "exit "*) exit "${line#exit }" ;; esac
	printf '%s\n' "$line"
done <"$0"`

func (s *stage) command() []string { return []string{"sh", "-c", play, s.path} }

// ftctl is the command line that trains it.
func (s *stage) ftctl(flags ...string) []string {
	return append(append(append([]string{"train"}, flags...), "--"), s.command()...)
}

func (s *stage) line(text string) {
	s.h.t.Helper()
	_, err := fmt.Fprintln(s.pipe, text)
	require.NoError(s.h.t, err)
}

// say writes as mindformers does, at the given time.
func (s *stage) say(at time.Time, message string) {
	s.h.t.Helper()
	s.line(at.Format("2006-01-02 15:04:05") + fmt.Sprintf(",%03d", at.UnixMilli()%1000) +
		" - mindformers./output/log[mindformers/core/callback/callback.py:494] - INFO - " + message)
}

// compile begins the compile phase, so long ago.
func (s *stage) compile(ago time.Duration) {
	s.h.t.Helper()
	s.say(time.Now().Add(-ago), ".........Model Compiling, Please Wait a Moment...........")
}

// steps does the steps from first to last of total.
func (s *stage) steps(first, last, total int) {
	s.h.t.Helper()
	for n := first; n <= last; n++ {
		loss := 4 + 6*math.Exp(-3*float64(n)/float64(total))
		s.say(time.Now(), fmt.Sprintf("{ Epoch:[  1/  1], step:[%5d/%5d], loss:[%.3f/%.3f], per_step_time: 31ms, lr: 1e-05, "+
			"overflow cond: False, loss_scale: 4096.0, global_norm: [0.5], train_throughput_per_npu: 0.000T", n, total, loss, loss))
		s.say(time.Now(), fmt.Sprintf("  %4.1f%% |                    | 18.2 samples/s/p  0:00:03 }", 100*float64(n)/float64(total)))
	}
}

// exit ends the training; it succeeds with status 0.
func (s *stage) exit(status int) {
	s.h.t.Helper()
	if status == 0 {
		s.say(time.Now(), ".........Training Over!.............")
	}
	s.line(fmt.Sprint("exit ", status))
}
