//go:build python

package pybridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"ftd/pybridge"
)

// playRole makes this process another daemon, for tests in which a daemon
// dies.
func playRole(name, argument, dir string) error {
	program := os.Getenv("FTD_TEST_PYTHON")
	config := pybridge.Config{
		Prefix:  filepath.Dir(filepath.Dir(program)),
		Program: program,
		Library: filepath.Join(dir, "library"),
	}
	switch name {
	case "crash":
		config.CrashFile = argument
	case "locale":
		config.Library = filepath.Join(dir, "程序")
	}
	in, err := pybridge.Start(context.Background(), config)
	if err != nil {
		return err
	}
	source := leavesChild + "    time.sleep(600)\n"
	switch name {
	case "crash":
		source = "import ctypes\ndef f(path):\n    print('before the end')\n    ctypes.string_at(0)\n"
	case "memory":
		source = "def f(path): return [1]\ndef g(path):\n    try:\n        raise KeyError(1)\n    except KeyError as e:\n        raise ValueError('no') from e\n"
	case "locale":
		source = "def f(path):\n    with open(path, 'w') as out: out.write('甲')\n    print(path)\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "role_module.py"), []byte(source), 0o600); err != nil {
		return err
	}
	r := pybridge.Request{Module: "role_module", Function: "f"}
	r.Path = []string{dir}
	r.Args, err = json.Marshal([]string{argument})
	if err != nil {
		return err
	}
	switch name {
	case "parent":
		_, err = in.Worker(context.Background(), r)
	case "crash", "locale":
		r.LogFile = argument + ".log"
		_, err = in.Call(context.Background(), r)
	case "memory":
		if _, err = in.Call(context.Background(), r); err == nil {
			err = doNotGrow(in, r)
		}
	default:
		err = fmt.Errorf("no role %q", name)
	}
	return err
}
