//go:build python

package pybridge_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/pybridge"
)

// Figures of the design: a service that lives for months calls millions of
// times.
const (
	memoryCalls  = 100_000
	memoryRaises = 20_000
	memoryGrowth = 2 << 20
)

// growsAnyway says why memory cannot be measured in this build.
var growsAnyway string

// TestCallsDoNotGrowMemory counts in a process of its own, where nothing else
// comes and goes.
func TestCallsDoNotGrowMemory(t *testing.T) {
	if growsAnyway != "" {
		t.Skip(growsAnyway)
	}
	if len(emulator()) > 0 {
		t.Skip("an emulator keeps translated code beside the program's own memory")
	}
	out, err := inRole(t, "memory", filepath.Join(t.TempDir(), "memory")).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// doNotGrow is what that process does.
func doNotGrow(in *pybridge.Interpreter, r pybridge.Request) error {
	r.Path = nil // the module is loaded by the first call
	for function, n := range map[string]int{"f": memoryCalls, "g": memoryRaises} {
		r.Function = function
		many := func(n int) {
			for range n {
				_, _ = in.Call(context.Background(), r)
			}
			debug.FreeOSMemory()
		}
		many(n / 10) // what is allocated once
		before, err := resident()
		if err != nil {
			return err
		}
		many(n)
		after, err := resident()
		if err != nil {
			return err
		}
		if after-before > memoryGrowth {
			return fmt.Errorf("%s: %d calls grew memory by %d bytes", function, n, after-before)
		}
	}
	return nil
}

// resident returns the resident memory of this process in bytes.
func resident() (int, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, after, ok := strings.Cut(string(status), "VmRSS:")
	if !ok {
		return 0, errors.New("/proc/self/status has no VmRSS")
	}
	kilobytes, err := strconv.Atoi(strings.Fields(after)[0])
	return kilobytes * 1024, err
}
