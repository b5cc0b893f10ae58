//go:build python

package pybridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/pybridge"
)

func TestALibrarysExitIsAStepError(t *testing.T) {
	path, err := foreignLibrary()
	require.NoError(t, err)
	// On a thread of its own, which is all that is lost.
	r := module(t, "import ctypes, threading\ndef f(path, name):\n    threading.Thread(target=ctypes.CDLL(path)[name], args=(3,), daemon=True).start()\n    while True: pass")
	for _, function := range []string{"exit_process", "exit_quickly", "exit_at_once", "exit_plainly"} {
		t.Run(function, func(t *testing.T) {
			r.Args, _ = json.Marshal([]string{path, function})
			_, err := python.Call(t.Context(), r)
			require.Equal(t, &pybridge.EndError{Status: 3}, err)
			require.Equal(t, pybridge.StateIdle, python.Info().State)
			here := result[int](t, module(t, "import os\ndef f(): return os.getpid()"))
			require.Equal(t, os.Getpid(), here, "the next call")

			if hasWorkers() {
				_, err = python.Worker(t.Context(), r)
				var died *pybridge.WorkerError
				require.ErrorAs(t, err, &died)
				require.Equal(t, 3, died.Code)
			}
		})
	}
}

func TestTheDaemonOutlivesAnExitOfPythonsThread(t *testing.T) {
	needWorkers(t)
	path, err := foreignLibrary()
	require.NoError(t, err)
	for _, role := range []string{"exit", "exit with the GIL", "exit of another with the GIL"} {
		t.Run(role, func(t *testing.T) {
			out, err := inRole(t, role, path).CombinedOutput()
			require.NoError(t, err, "%s", out)
		})
	}
}

const (
	exits        = "import ctypes\ndef f(path): ctypes.CDLL(path).exit_process(3)\n"
	exitsWithGIL = "import ctypes\ndef f(path): ctypes.PyDLL(path).exit_process(3)\n"
	otherExits   = "import ctypes, threading\ndef f(path):\n    threading.Thread(target=ctypes.PyDLL(path).exit_process, args=(3,)).start()\n    while True: pass\n"
)

// loseInterpreter has the interpreter's own thread exit, and then goes on.
func loseInterpreter(in *pybridge.Interpreter, r pybridge.Request, _ string) error {
	// Asked for before and after, by those who wait and those who do not.
	ask := pybridge.Request{Module: "os", Function: "getpid"}
	elsewhere := func(call func(context.Context, pybridge.Request) (json.RawMessage, error)) error {
		pid, err := call(context.Background(), ask)
		if err == nil && string(pid) == fmt.Sprint(os.Getpid()) {
			err = errors.New("a call ran in the lost interpreter")
		}
		return err
	}
	var waiting sync.WaitGroup
	var queued error
	r.Output = func(string) {}
	ended := make(chan error)
	go func() {
		_, err := in.Call(context.Background(), r)
		ended <- err
	}()
	for in.Info().Current == nil {
	}
	waiting.Go(func() { queued = elsewhere(in.Call) })
	err := <-ended
	var end *pybridge.EndError
	if !errors.As(err, &end) || end.Status != 3 {
		return fmt.Errorf("the call ended with %w", err)
	}
	waiting.Wait()
	if state := in.Info().State; state != pybridge.StateLost {
		return fmt.Errorf("the interpreter is %s", state)
	}
	return errors.Join(queued, elsewhere(in.Call), elsewhere(in.Query), in.Check(context.Background(), []string{"json"}))
}
