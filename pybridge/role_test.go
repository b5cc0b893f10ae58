//go:build python

package pybridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"ftd/pybridge"
)

// role is another daemon that a test starts: one that dies, or one that needs
// a process with an interpreter of its own. Its argument is a path.
type role struct {
	prepare func(c *pybridge.Config, argument string) error
	source  string // of the Python module that r calls f of
	play    func(in *pybridge.Interpreter, r pybridge.Request, argument string) error
}

var roles = map[string]role{
	// Waits for a worker, until it is killed.
	"parent": {
		source: leavesChild + "    time.sleep(600)\n",
		play: func(in *pybridge.Interpreter, r pybridge.Request, _ string) error {
			_, err := in.Worker(context.Background(), r)
			return err
		},
	},
	// As the daemon does: descriptor 2 belongs to a step's log during a step.
	"crash": {
		prepare: func(_ *pybridge.Config, argument string) error {
			file, err := os.Create(argument)
			if err != nil {
				return err
			}
			defer file.Close() // the runtime keeps a duplicate
			return debug.SetCrashOutput(file, debug.CrashOptions{})
		},
		source: "import ctypes\ndef f(path):\n    print('before the end')\n    ctypes.string_at(0)\n",
		play:   callWithLog,
	},
	// Its thread outlives the call, and writes when it is told to.
	"stray": {
		prepare: func(c *pybridge.Config, argument string) error {
			c.Stray = argument
			return nil
		},
		source: `
import os, threading, time
def late(path):
    while not os.path.exists(path + ".go"):
        time.sleep(0.01)
    print("late", flush=True)
    os.write(2, b"raw\n")
    open(path + ".done", "w").close()
def f(path):
    threading.Thread(target=late, args=[path], daemon=True).start()
`,
		play: playStray,
	},
	"exit":                         {source: exits, play: loseInterpreter},
	"exit with the GIL":            {source: exitsWithGIL, play: loseInterpreter},
	"exit of another with the GIL": {source: otherExits, play: loseInterpreter},
	"torch":                        {source: importsTorch, play: playTorch},
	"locale": {
		prepare: func(c *pybridge.Config, _ string) error {
			c.Library = filepath.Join(filepath.Dir(c.Library), "程序")
			return nil
		},
		source: "def f(path):\n    with open(path, 'w') as out: out.write('甲')\n    print(path)\n",
		play:   callWithLog,
	},
	"memory": {
		source: "def f(path): return [1]\ndef g(path):\n    try:\n        raise KeyError(1)\n    except KeyError as e:\n        raise ValueError('no') from e\n",
		play: func(in *pybridge.Interpreter, r pybridge.Request, argument string) error {
			return errors.Join(callWithLog(in, r, argument), doNotGrow(in, r))
		},
	},
	// A container whose seccomp profile refuses unshare, as Docker's does.
	"container": {
		prepare: func(*pybridge.Config, string) error { return refuseUnshare() },
		source:  "import os\ndef f(path):\n    os.umask(0)\n    print(os.getcwd())\n",
		play: func(in *pybridge.Interpreter, r pybridge.Request, argument string) error {
			if in.Info().OwnDirectory {
				return errors.New("unshare was not refused")
			}
			before, err := os.Getwd()
			if err != nil {
				return err
			}
			r.Dir = filepath.Dir(argument)
			if err := callWithLog(in, r, argument); err != nil {
				return err
			}
			after, err := os.Getwd()
			if before != after {
				return fmt.Errorf("left in %s", after)
			}
			return err
		},
	},
}

func callWithLog(in *pybridge.Interpreter, r pybridge.Request, argument string) error {
	r.LogFile = argument + ".log"
	_, err := in.Call(context.Background(), r)
	return err
}

// playRole makes this process a role.
func playRole(name, argument, dir string) error {
	role, ok := roles[name]
	if !ok {
		return fmt.Errorf("no role %q", name)
	}
	program := os.Getenv("FTD_TEST_PYTHON")
	config := pybridge.Config{
		Prefix:  filepath.Dir(filepath.Dir(program)),
		Program: program,
		Library: filepath.Join(dir, "library"),
	}
	if role.prepare != nil {
		if err := role.prepare(&config, argument); err != nil {
			return err
		}
	}
	in, err := pybridge.Start(context.Background(), config)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "role_module.py"), []byte(role.source), 0o600); err != nil {
		return err
	}
	r := pybridge.Request{Module: "role_module", Function: "f"}
	r.Path = []string{dir}
	if r.Args, err = json.Marshal([]string{argument}); err != nil {
		return err
	}
	return role.play(in, r, argument)
}

// inRole returns this test binary as a process that plays a role.
func inRole(t *testing.T, name, argument string) *exec.Cmd {
	exe, err := os.Executable()
	require.NoError(t, err)
	args := append(emulator(), exe)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "FTD_TEST_ROLE="+name, "FTD_TEST_ARGUMENT="+argument, "FTD_TEST_DIR="+t.TempDir())
	return cmd
}

// refuseUnshare has the kernel answer EPERM to unshare, for all threads.
func refuseUnshare() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_UNSHARE},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	return nil
}
