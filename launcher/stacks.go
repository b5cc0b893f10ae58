package launcher

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"ftd/launcher/process"
)

// StacksVariable tells the processes of a run in which directory a Python
// process that got SIGUSR1 writes its stacks, as PID.txt. The module that
// does so is sitecustomize in the library of package recipe.
const StacksVariable = "FTD_STACKS"

const (
	stacksDir  = "stacks"
	stacksWait = 3 * time.Second // for the answers
	stacksLook = 20 * time.Millisecond
)

// pythonStacks asks the Python processes for their stacks, and returns what
// they answer by its name in a bundle.
func (r *Run) pythonStacks(ctx context.Context, members []process.Stat) map[string][]byte {
	asked := map[int]int64{} // the length of its file before, by pid
	for _, m := range members {
		info, err := os.Stat(r.stacksFile(m.PID))
		if err != nil || !catches(m.PID, syscall.SIGUSR1) {
			continue // the signal would end it
		}
		if m.Identity().Signal(syscall.SIGUSR1) == nil {
			asked[m.PID] = info.Size()
		}
	}
	ctx, cancel := context.WithTimeout(ctx, stacksWait)
	defer cancel()
	answers := map[string][]byte{}
	for pid, before := range asked {
		if data := awaitStacks(ctx, r.stacksFile(pid), before); len(data) > 0 {
			answers[fmt.Sprintf("python-stacks/%d.txt", pid)] = data
		}
	}
	return answers
}

func (r *Run) stacksFile(pid int) string {
	return filepath.Join(r.dir, stacksDir, strconv.Itoa(pid)+".txt")
}

// awaitStacks returns what was added to a file once it does not grow any more.
func awaitStacks(ctx context.Context, path string, before int64) []byte {
	last := before
	for {
		select {
		case <-ctx.Done():
		case <-time.After(stacksLook):
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil
		}
		if size := info.Size(); ctx.Err() != nil || size > before && size == last {
			data, err := os.ReadFile(path)
			if err != nil || int64(len(data)) < before {
				return nil
			}
			return data[before:]
		}
		last = info.Size()
	}
}

// catches reports whether a process has a handler for a signal.
func catches(pid int, signal syscall.Signal) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(status), "\nSigCgt:")
	mask, err := strconv.ParseUint(strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0]), 16, 64)
	return err == nil && mask&(1<<(uint(signal)-1)) != 0
}
