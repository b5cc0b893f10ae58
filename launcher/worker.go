package launcher

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"ftd/launcher/process"
	"ftd/logparse"
)

// WorkerFailure is the end of a worker that its launcher tells of. The
// launcher says which process it was, but not which rank.
type WorkerFailure struct {
	PID int
	// Code is its exit status, or minus the signal that ended it.
	Code int
	// Rank is LauncherRank and Log empty if its log cannot be told from others.
	Rank int
	Log  string
}

// workerFailed is the error signature of what msrun says when a worker has
// failed, and workerEnd takes its line apart.
const workerFailed = "worker-failed"

var workerEnd = lazily(`Worker process (\d+) exit with exception\. Error code: (-?\d+)`)

// WorkerFailure reads from a problem in the launcher's log which worker has
// failed; ok is false if it tells of something else.
func (r *Run) WorkerFailure(p logparse.Problem) (f WorkerFailure, ok bool) {
	if p.Signature == nil || p.Signature.ID != workerFailed {
		return f, false
	}
	m := workerEnd().FindStringSubmatch(p.Text)
	if m == nil {
		return f, false
	}
	f.PID, _ = strconv.Atoi(m[1])
	f.Code, _ = strconv.Atoi(m[2])
	f.Rank = LauncherRank
	for _, path := range r.rankLogs() {
		if rank, ok := rankOf(path); ok && writtenBy(path, f.PID) {
			f.Rank, f.Log = rank, path
		}
	}
	return f, true
}

// How says how the worker ended.
func (f WorkerFailure) How() string {
	if f.Code < 0 {
		return "was ended by " + unix.SignalName(syscall.Signal(-f.Code))
	}
	return fmt.Sprintf("ended with status %d", f.Code)
}

// Works reports whether the run has a living process pid: a worker that a log
// calls dead, but that is not, must not be the reason to end anything.
func (r *Run) Works(pid int) bool {
	members, err := r.members()
	return err != nil || slices.ContainsFunc(members, func(m process.Stat) bool { return m.PID == pid })
}

// SchedulerLog is where msrun lets its scheduler write.
func (r *Run) SchedulerLog() string {
	return filepath.Join(filepath.Dir(r.absolute(r.spec.RankLogs)), "scheduler.log")
}

// writtenByBytes is how much of a log is searched for the process that writes
// it: MindSpore says so with its first lines.
const writtenByBytes = 1 << 20

// writtenBy reports whether a log is that of process pid, which MindSpore
// writes into each line of its own: "[WARNING] DISTRIBUTED(27500,7fdf…".
func writtenBy(path string, pid int) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	scan := bufio.NewReader(io.LimitReader(f, writtenByBytes))
	mark, mark2 := fmt.Appendf(nil, "(%d,", pid), fmt.Appendf(nil, "(%d:", pid)
	for {
		line, err := scan.ReadSlice('\n')
		if bytes.HasPrefix(line, []byte("[")) && (bytes.Contains(line, mark) || bytes.Contains(line, mark2)) {
			return true
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return false
		}
	}
}
