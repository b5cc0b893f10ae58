package shim

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ftd/launcher/process"
	"ftd/launcher/rundir"
)

// started is what the holder reports when the training runs.
const started = "started"

// defaultLinger is how long what a successful command left behind may go on.
const defaultLinger = 5 * time.Second

// endGrace is how long what a command left behind has between SIGTERM and
// SIGKILL.
const endGrace = 5 * time.Second

// signalGrace is how long the training has when the shim itself is asked to
// end, as all processes are at a shutdown; systemd gives 90 s in all.
const signalGrace = 60 * time.Second

// killAgain is how often SIGKILL is repeated: a process that forks quickly may
// have had a child that was not seen.
const killAgain = 100 * time.Millisecond

// writeAgain is how often exit.json is tried again when the disk refuses it.
const writeAgain = time.Second

type holder struct {
	dir, version string
	report       *os.File
	signals      chan os.Signal
}

func newHolder(dir, version string) *holder {
	// Notify also undoes "ignored", which a shell with nohup or & may have
	// left to us: otherwise the training could never be interrupted.
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	return &holder{dir: dir, version: version, report: os.NewFile(3, "report"), signals: signals}
}

func (h *holder) run() int {
	// Started by way of /proc/self/exe it would be "exe" in ps and top.
	_ = os.WriteFile("/proc/self/comm", []byte("ftd-shim"), 0)
	unix.CloseOnExec(3)
	closeInherited(3)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return h.fail(nil, rundir.ReasonOther, "cannot become a subreaper: "+err.Error())
	}
	spec, err := rundir.ReadSpec(h.dir)
	if err != nil {
		return h.fail(nil, rundir.ReasonSpec, err.Error())
	}
	shimFile, exitFile, err := reserve(h.dir)
	if err != nil {
		return h.fail(nil, reasonOf(err, rundir.ReasonOther), "cannot write in the run directory: "+err.Error())
	}
	c, err := start(h.dir, spec)
	if err != nil {
		shimFile.Release()
		f := Explain(spec, err)
		return h.fail(exitFile, f.Reason, f.Message)
	}
	if err := h.announce(shimFile, c); err != nil {
		// Nobody could ever find this training again: it must not go on.
		_ = syscall.Kill(-c.PID, syscall.SIGKILL)
		return h.fail(exitFile, reasonOf(err, rundir.ReasonOther), "cannot write "+rundir.ShimFile+": "+err.Error())
	}
	_, _ = h.report.WriteString(started)
	h.report.Close()

	exit := h.hold(c, linger(spec))
	if c.cgroup != "" {
		_ = c.cgroup.Remove()
	}
	return h.finish(exitFile, exit)
}

// reserve takes the space for everything that is written later.
func reserve(dir string) (shim, exit *rundir.Reserved, err error) {
	shim, err = rundir.Reserve(filepath.Join(dir, rundir.ShimFile))
	if err != nil {
		return nil, nil, err
	}
	exit, err = rundir.Reserve(filepath.Join(dir, rundir.ExitFile))
	if err != nil {
		shim.Release()
		return nil, nil, err
	}
	return shim, exit, nil
}

// announce writes shim.json: from now on any daemon can adopt the run.
func (h *holder) announce(file *rundir.Reserved, c training) error {
	self, err := process.Find(os.Getpid())
	if err != nil {
		return err
	}
	machine, err := process.Here()
	if err != nil {
		return err
	}
	return file.Commit(rundir.Shim{
		PID: self.PID, StartTicks: self.StartTicks,
		BootID: machine.BootID, PIDNamespace: machine.PIDNamespace,
		Child: c.PID, ChildStartTicks: c.StartTicks,
		Started: time.Now().UTC(), Version: h.version, Cgroup: string(c.cgroup),
	})
}

// fail reports why the training was not started, and records it as its end
// where there is a file for that.
func (h *holder) fail(exitFile *rundir.Reserved, reason, message string) int {
	if exitFile != nil {
		code := 126 // as shells do
		if reason == rundir.ReasonNotFound || reason == rundir.ReasonInterpreter {
			code = 127
		}
		_ = exitFile.Commit(rundir.Exit{Code: code, Ended: time.Now().UTC(), Error: message, Reason: reason})
	}
	_ = json.NewEncoder(h.report).Encode(Report{Reason: reason, Message: message})
	h.report.Close()
	return 1
}

// finish writes exit.json. Its space is reserved, but a disk can refuse for
// other reasons; the status is worth waiting for as long as there is a place
// to put it.
func (h *holder) finish(file *rundir.Reserved, exit rundir.Exit) int {
	for {
		err := file.Commit(exit)
		if err == nil {
			return 0
		}
		// Something else may lie in the place of a directory above it, too.
		if _, gone := os.Stat(h.dir); errors.Is(gone, fs.ErrNotExist) || errors.Is(gone, syscall.ENOTDIR) {
			return 1
		}
		select {
		case s := <-h.signals:
			if s != syscall.SIGHUP {
				return 1
			}
		case <-time.After(writeAgain):
		}
	}
}

func linger(s rundir.Spec) time.Duration {
	if s.Linger == 0 {
		return defaultLinger
	}
	return time.Duration(s.Linger * float64(time.Second))
}

// closeInherited closes what the daemon, or a library in it, forgot to mark
// close-on-exec. What is marked so was opened by this program.
func closeInherited(keep int) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		fd := 0
		for _, c := range name {
			fd = fd*10 + int(c-'0')
		}
		if fd <= 2 || fd == keep {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			_ = unix.Close(fd)
		}
	}
}
