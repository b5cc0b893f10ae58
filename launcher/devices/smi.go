package devices

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Program is the driver's program, as it is looked for.
const Program = "npu-smi"

// usual are the places of the program that need not be in PATH.
var usual = []string{"/usr/local/bin", "/usr/local/sbin"}

// Find returns the path of npu-smi, "" if there is none.
func Find() string {
	if path, err := exec.LookPath(Program); err == nil {
		return path
	}
	for _, dir := range usual {
		if path, err := exec.LookPath(filepath.Join(dir, Program)); err == nil {
			return path
		}
	}
	return ""
}

// Files begins the names of the files of chips; the physical id follows.
const Files = "/dev/davinci"

// SMI asks npu-smi. Its fields must not be changed after the first use, and
// it may be used by several goroutines.
type SMI struct {
	Path string
	// Timeout bounds one call; 0 is 20 seconds: with 16 chips at work a
	// healthy one takes several.
	Timeout time.Duration
	// Env is its environment; nil is that of this process.
	Env []string
	// Files begins the names of the chips' files; "" is [Files].
	Files string

	mu      sync.Mutex
	stuck   *call              // that did not end although it was killed
	mapping map[string]Mapping // by the chips it was asked for
}

const (
	usualTimeout = 20 * time.Second
	// dieWithin is how long a killed npu-smi may take to be gone. One that
	// sleeps in the driver cannot be killed.
	dieWithin = time.Second
	// mostOutput is far more than any table has.
	mostOutput = 1 << 20
)

// Look asks what there is at this moment. What cannot be found out is an
// [Error]; it returns within twice the timeout and a little.
func (s *SMI) Look(ctx context.Context) (Snapshot, error) {
	text, err := s.run(ctx, "info")
	if err != nil {
		return Snapshot{}, err
	}
	shot, err := Parse(text)
	if err != nil {
		return shot, err
	}
	if m := s.placesOf(ctx, shot); m != nil {
		m.Apply(&shot)
	}
	s.number(shot.Devices)
	if !shot.Processes {
		s.findProcesses(shot.Devices)
	}
	return shot, nil
}

// findProcesses looks for the users of the chips where the driver is too old
// to show them.
func (s *SMI) findProcesses(list []Device) {
	holders, err := Holders(s.files())
	if err != nil {
		return // memory still tells
	}
	for i := range list {
		for _, pid := range holders[list[i].Physical] {
			list[i].Processes = append(list[i].Processes, Process{PID: pid, Memory: -1})
		}
	}
}

// placesOf asks for the mapping once for each set of chips; nil if it is not to be
// had, for old drivers know no such question.
func (s *SMI) placesOf(ctx context.Context, shot Snapshot) Mapping {
	var key []byte
	for _, d := range shot.Devices {
		key = fmt.Appendf(key, "%d/%d ", d.Card, d.Chip)
	}
	s.mu.Lock()
	m, asked := s.mapping[string(key)]
	s.mu.Unlock()
	if asked {
		return m
	}
	text, err := s.run(ctx, "info", "-m")
	var failed *Error
	if errors.As(err, &failed) && failed.Code == CodeHangs || ctx.Err() != nil {
		return nil // not an answer: it is asked again
	}
	if m, err = ParseMapping(text); err != nil {
		m = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mapping = map[string]Mapping{string(key): m}
	return m
}

// number gives the devices the numbers of their files where the table had
// none: the chips that can be seen here are counted in the order of their
// files.
func (s *SMI) number(list []Device) {
	files := numbers(s.files())
	if len(files) != len(list) {
		return
	}
	for i := range list {
		if list[i].Physical < 0 {
			list[i].Physical = files[i]
		}
	}
}

func (s *SMI) files() string {
	if s.Files == "" {
		return Files
	}
	return s.Files
}

// numbers are the physical ids of the chips' files, in order.
func numbers(prefix string) []int {
	paths, _ := filepath.Glob(prefix + "[0-9]*") // the pattern is well-formed
	var list []int
	for _, path := range paths {
		if n, err := strconv.Atoi(path[len(prefix):]); err == nil {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}

// call is one run of npu-smi.
type call struct {
	done chan struct{}
	out  bounded
	err  error
}

// run returns what npu-smi prints. It never waits longer than the timeout and
// a little: a call that cannot even be killed is left behind, and no other is
// made while it is there.
func (s *SMI) run(ctx context.Context, args ...string) (string, error) {
	s.mu.Lock()
	stuck := s.stuck
	s.mu.Unlock()
	timeout := s.Timeout
	if timeout == 0 {
		timeout = usualTimeout
	}
	if stuck != nil {
		select {
		case <-stuck.done:
		default:
			return "", hangs("an earlier call hangs in the driver and cannot be killed")
		}
	}
	cmd := exec.Command(s.Path, args...) //nolint:noctx // a context would wait for a process that cannot be killed
	c := &call{done: make(chan struct{})}
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = s.Env, &c.out, &c.out, dieWithin
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return "", &Error{Code: CodeMissing, Message: fmt.Sprintf("npu-smi cannot be run: %v", err),
			Remedy: "install the Ascend driver, or name the program in the setting npu_smi"}
	}
	go func() {
		c.err = cmd.Wait()
		close(c.done)
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-c.done:
		return c.text()
	case <-timer.C:
	case <-ctx.Done():
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may be gone by now
	timer.Reset(dieWithin)
	select {
	case <-c.done:
	case <-timer.C:
		s.mu.Lock()
		s.stuck = c
		s.mu.Unlock()
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return "", hangs(fmt.Sprintf("no answer within %s", timeout))
}

// text is what a call printed, once it is done. The exit status says nothing:
// some drivers fail with 0.
func (c *call) text() (string, error) {
	text := c.out.String()
	var exit *exec.ExitError
	if text == "" && c.err != nil && !errors.As(c.err, &exit) {
		return "", unreadable("%v", c.err)
	}
	return text, nil
}

func hangs(why string) *Error {
	return &Error{Code: CodeHangs, Message: "npu-smi hangs: " + why,
		Remedy: "see whether a process on a card is in state D (ps -eo pid,stat,cmd); often only a restart of the machine helps"}
}

// bounded keeps the beginning of what is written.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), mostOutput-b.Len())])
	return len(p), nil
}

// Visible reads a list of logical ids as ASCEND_RT_VISIBLE_DEVICES has it,
// which ends at the first entry that is none.
func Visible(text string) []int {
	var list []int
	for entry := range bytes.SplitSeq([]byte(text), []byte(",")) {
		n, ok := integer(string(entry))
		if !ok {
			break
		}
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}
