//go:build python

package pybridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"ftd/pybridge"
)

// TestSoak does all that the bridge can be asked for, at once and in no order,
// for as long as FTD_TEST_SOAK says (make soak), and asserts that nothing of it
// is left: no memory, thread, descriptor or goroutine.
func TestSoak(t *testing.T) {
	text := os.Getenv("FTD_TEST_SOAK")
	if text == "" {
		t.Skip("takes as long as FTD_TEST_SOAK says; make soak sets it")
	}
	length, err := time.ParseDuration(text)
	require.NoError(t, err)
	s := newSoak(t)
	settle := s.request("settle")

	s.run(t, max(length/4, 10*time.Second)) // what is allocated once
	before := measured(t, settle)
	s.done = map[string]int{}
	s.run(t, length)
	requireNoGrowth(t, before, settle)
	t.Logf("done: %v", s.done)
	for _, d := range s.deeds {
		require.Positive(t, s.done[d.name], "%s never came up; give it more time", d.name)
	}
}

// deed is one thing that people, steps and libraries do.
type deed struct {
	name  string
	share int // how often, compared to the others
	do    func(context.Context) error
}

type soak struct {
	dir    string // of the Python functions
	log    string
	script string
	deeds  []deed

	mu   sync.Mutex
	done map[string]int
}

// run has four people at work until the time is over.
func (s *soak) run(t *testing.T, length time.Duration) {
	t.Helper()
	end := time.Now().Add(length)
	var picks []deed
	for _, d := range s.deeds {
		for range d.share {
			picks = append(picks, d)
		}
	}
	group, ctx := errgroup.WithContext(t.Context())
	for person := range 4 {
		random := rand.New(rand.NewPCG(uint64(person), 0))
		group.Go(func() error {
			for time.Now().Before(end) && ctx.Err() == nil {
				d := picks[random.IntN(len(picks))]
				if err := d.do(ctx); err != nil && ctx.Err() == nil {
					return fmt.Errorf("%s: %w", d.name, err)
				}
				s.mu.Lock()
				s.done[d.name]++
				s.mu.Unlock()
				python.Info()
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
}

func (s *soak) request(function string, args ...any) pybridge.Request {
	r := pybridge.Request{Module: "soak", Function: function, Surroundings: pybridge.Surroundings{Path: []string{s.dir}}}
	if len(args) > 0 {
		r.Args, _ = json.Marshal(args)
	}
	return r
}

// heard is a request of a step: with a log, a directory and listeners.
func (s *soak) heard(function string, args ...any) pybridge.Request {
	r := s.request(function, args...)
	r.LogFile, r.Dir = s.log, filepath.Dir(s.log)
	r.Output = func(string) {}
	r.Progress = func(int64, int64, string) {}
	return r
}

// gives says what is wrong when a call does not return what it should.
func gives(want string) func(json.RawMessage, error) error {
	return func(text json.RawMessage, err error) error {
		if err == nil && string(text) != want {
			err = fmt.Errorf("returned %s, not %s", text, want)
		}
		return err
	}
}

// fails says what is wrong when a call does not fail as it should.
func fails[E error](_ json.RawMessage, err error) error {
	var e E
	if !errors.As(err, &e) {
		return fmt.Errorf("failed with %w, not with %T", err, e)
	}
	return nil
}

// cancelled cancels a call as soon as it has printed something.
func cancelled(ctx context.Context, r pybridge.Request, call func(context.Context, pybridge.Request) (json.RawMessage, error)) (json.RawMessage, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.Output = func(string) { cancel() }
	text, err := call(ctx, r)
	return text, err
}

func wasCancelled(_ json.RawMessage, err error) error {
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("ended with %w, not because it was cancelled", err)
	}
	return nil
}

func newSoak(t *testing.T) *soak {
	dir, err := filepath.Abs("testdata")
	require.NoError(t, err)
	library, err := foreignLibrary()
	require.NoError(t, err)
	s := &soak{dir: dir, log: filepath.Join(t.TempDir(), "log"), done: map[string]int{}}
	s.script = filepath.Join(t.TempDir(), "script.py")
	require.NoError(t, os.WriteFile(s.script, []byte("import sys\nprint('a script')\nsys.exit(int(sys.argv[1]))\n"), 0o600))
	big := string(make([]byte, 100_000))

	s.deeds = []deed{
		{"call", 20, func(ctx context.Context) error { return gives("5")(python.Call(ctx, s.request("add", 2, 3))) }},
		{"query", 8, func(ctx context.Context) error { return gives("5")(python.Query(ctx, s.request("add", 2, 3))) }},
		{"large value", 8, func(ctx context.Context) error {
			_, err := python.Call(ctx, s.request("echo", big))
			return err
		}},
		{"exception", 20, func(ctx context.Context) error {
			return fails[*pybridge.PyError](python.Call(ctx, s.heard("fail", 50)))
		}},
		{"no such function", 4, func(ctx context.Context) error {
			return fails[*pybridge.PyError](python.Call(ctx, s.request("nosuch")))
		}},
		{"script", 4, func(ctx context.Context) error { return s.runScript(ctx, python.RunScript) }},
		{"cancel", 6, func(ctx context.Context) error {
			return wasCancelled(cancelled(ctx, s.heard("loop"), python.Call))
		}},
		{"time out", 4, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
			defer cancel()
			return wasCancelled(python.Call(ctx, s.request("loop")))
		}},
		{"stuck", 1, func(ctx context.Context) error {
			_, err := cancelled(ctx, s.heard("hold", library, 1200), python.Call)
			var stuck *pybridge.StuckError
			if errors.As(err, &stuck) || errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		}},
		{"flood", 2, func(ctx context.Context) error {
			r := s.heard("flood", 5000)
			r.LogFile += ".flood"
			defer os.Remove(r.LogFile)
			return gives("null")(python.Call(ctx, r))
		}},
		{"progress", 4, func(ctx context.Context) error { return gives("null")(python.Call(ctx, s.heard("rows", 1000))) }},
		{"threads", 4, func(ctx context.Context) error { return gives("4")(python.Call(ctx, s.heard("threads"))) }},
		{"children", 2, func(ctx context.Context) error { return gives("[0,3,-1]")(python.Call(ctx, s.request("children"))) }},
		{"disturbance", 4, func(ctx context.Context) error { return gives("null")(python.Call(ctx, s.heard("disturb", library))) }},
		{"signal to ourselves", 4, func(ctx context.Context) error {
			return fails[*pybridge.SignalError](python.Call(ctx, s.heard("suicide", int(syscall.SIGTERM))))
		}},
		{"refusal", 4, func(ctx context.Context) error { return fails[*pybridge.PyError](python.Call(ctx, s.request("fork"))) }},
		{"child of Go", 4, func(ctx context.Context) error {
			err := exec.CommandContext(ctx, "sh", "-c", "exit 3").Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 3 {
				return fmt.Errorf("its status was lost: %w", err)
			}
			return nil
		}},
		{"worker", 2, func(ctx context.Context) error { return gives("5")(python.Worker(ctx, s.heard("add", 2, 3))) }},
		{"worker that forks", 1, func(ctx context.Context) error { return gives("[1,2]")(python.Worker(ctx, s.request("fork"))) }},
		{"worker's script", 1, func(ctx context.Context) error { return s.runScript(ctx, python.WorkerScript) }},
		{"worker's exception", 1, func(ctx context.Context) error {
			return fails[*pybridge.PyError](python.Worker(ctx, s.heard("fail", 50)))
		}},
		{"worker's crash", 1, func(ctx context.Context) error {
			return fails[*pybridge.WorkerError](python.Worker(ctx, s.heard("crash")))
		}},
		{"worker's end", 1, func(ctx context.Context) error {
			return fails[*pybridge.WorkerError](python.Worker(ctx, s.heard("vanish", 3)))
		}},
		{"worker killed", 1, func(ctx context.Context) error {
			return fails[*pybridge.WorkerError](python.Worker(ctx, s.heard("suicide", int(syscall.SIGKILL))))
		}},
		{"worker cancelled", 1, func(ctx context.Context) error {
			return wasCancelled(cancelled(ctx, s.heard("loop"), python.Worker))
		}},
	}
	if os.Getenv("FTD_TEST_ENV") != "" {
		s.deeds = append(s.deeds, deed{"MindSpore pipeline", 2, func(ctx context.Context) error {
			return gives("85344")(python.Call(ctx, s.heard("pipeline")))
		}})
	}
	return s
}

func (s *soak) runScript(ctx context.Context, run func(context.Context, pybridge.Script) (int, error)) error {
	code, err := run(ctx, pybridge.Script{File: s.script, Argv: []string{"7"}, Surroundings: pybridge.Surroundings{LogFile: s.log}})
	if err == nil && code != 7 {
		err = fmt.Errorf("exited with %d, not 7", code)
	}
	return err
}
