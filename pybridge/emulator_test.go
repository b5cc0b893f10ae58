//go:build python

package pybridge_test

import (
	"os"
	"strings"
	"testing"
)

// emulator is the command that runs this test binary where it is one for
// another machine, empty where it is one for this; see scripts/arm64.sh.
func emulator() []string { return strings.Fields(os.Getenv("FTD_TEST_EMULATOR")) }

// hasWorkers tells whether a worker can be had: it is this binary, executed
// again by the kernel.
func hasWorkers() bool { return len(emulator()) == 0 }

func needWorkers(t *testing.T) {
	t.Helper()
	if !hasWorkers() {
		t.Skip("a worker is this program executed again, which the kernel cannot do with one for another machine")
	}
}

// compiler makes libraries that this test binary can load.
func compiler() string {
	if cc := os.Getenv("CC"); cc != "" {
		return cc
	}
	return "gcc"
}
