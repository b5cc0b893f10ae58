package shim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"ftd/launcher/process"
	"ftd/launcher/rundir"
)

// logError and dirError say which step of a start an error belongs to.
type logError struct{ error }
type dirError struct{ error }

func (e logError) Unwrap() error { return e.error }
func (e dirError) Unwrap() error { return e.error }

// training is a command that was started.
type training struct {
	process.Identity
	cgroup process.Cgroup // "" where there is none
}

// start starts the command of spec in a session of its own, and in a cgroup of
// its own if there can be one, its output going to the log.
func start(dir string, spec rundir.Spec) (training, error) {
	var none training
	log, err := os.OpenFile(filepath.Join(dir, spec.Log), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return none, logError{err}
	}
	defer log.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return none, err
	}
	defer null.Close()
	if info, err := os.Stat(spec.Dir); err != nil {
		return none, dirError{err}
	} else if !info.IsDir() {
		return none, dirError{errors.New("it is not a directory")}
	} else if err := unix.Access(spec.Dir, unix.X_OK); err != nil {
		return none, dirError{err}
	}
	path, err := LookPath(spec)
	if err != nil {
		return none, err
	}
	attr := &syscall.ProcAttr{
		Dir:   spec.Dir,
		Env:   spec.Env,
		Files: []uintptr{null.Fd(), log.Fd(), log.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	}
	pid, cgroup, err := forkIntoCgroup(path, spec, attr)
	if err != nil { // no cgroup to be had; other errors show again
		pid, err = syscall.ForkExec(path, spec.Command, attr)
	}
	if err != nil {
		return none, &os.PathError{Op: "exec", Path: path, Err: err}
	}
	// It cannot be gone before its status is fetched, so this finds it.
	c, err := process.Find(pid)
	if err != nil {
		return none, err
	}
	spareFromOOM(pid)
	return training{c, cgroup}, nil
}

// errNoCgroup says that a run has none of its own.
var errNoCgroup = errors.New("no cgroup")

// forkIntoCgroup starts the command inside a new cgroup, so that nothing of it
// ever is outside. It fails where that is not possible, for whatever reason.
func forkIntoCgroup(path string, spec rundir.Spec, attr *syscall.ProcAttr) (int, process.Cgroup, error) {
	parent := process.Cgroup(spec.Cgroup)
	if parent == "" {
		parent = process.OwnCgroup()
	}
	if parent == "" || spec.Cgroup == rundir.CgroupOff {
		return 0, "", errNoCgroup
	}
	cgroup, err := parent.Make("ftd-" + spec.Token)
	if err != nil {
		return 0, "", err
	}
	fd, err := unix.Open(string(cgroup), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		_ = cgroup.Remove()
		return 0, "", err
	}
	defer func() { _ = unix.Close(fd) }()
	sys := *attr.Sys
	sys.UseCgroupFD, sys.CgroupFD = true, fd
	inside := *attr
	inside.Sys = &sys
	pid, err := syscall.ForkExec(path, spec.Command, &inside)
	if err != nil {
		_ = cgroup.Remove()
		return 0, "", err
	}
	return pid, cgroup, nil
}

// spareFromOOM takes away a protection from the kernel's out-of-memory killer
// that was meant for the daemon and was inherited: between a training and the
// rest of the machine, the training goes.
func spareFromOOM(pid int) {
	adj, err := os.ReadFile("/proc/self/oom_score_adj")
	if err == nil && strings.HasPrefix(string(adj), "-") {
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("0"), 0)
	}
}

// LookPath finds the command as a shell in spec.Dir with spec.Env would.
func LookPath(spec rundir.Spec) (string, error) {
	name := spec.Command[0]
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(spec.Dir, name)
		}
		return name, executable(name)
	}
	var denied error
	for _, entry := range spec.Env {
		path, ok := strings.CutPrefix(entry, "PATH=")
		if !ok {
			continue
		}
		for _, d := range filepath.SplitList(path) {
			if !filepath.IsAbs(d) {
				d = filepath.Join(spec.Dir, d)
			}
			candidate := filepath.Join(d, name)
			err := executable(candidate)
			if err == nil {
				return candidate, nil
			}
			if errors.Is(err, fs.ErrPermission) {
				denied = err
			}
		}
	}
	if denied != nil {
		return "", denied
	}
	return "", &os.PathError{Op: "find", Path: name, Err: fs.ErrNotExist}
}

func executable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return &os.PathError{Op: "exec", Path: path, Err: fs.ErrPermission}
	}
	return nil
}

// Explain turns the error of a start into a reason and a sentence.
func Explain(spec rundir.Spec, err error) Report {
	name := spec.Command[0]
	var inLog logError
	var inDir dirError
	switch {
	case errors.As(err, &inDir):
		return Report{rundir.ReasonDirectory, fmt.Sprintf("the working directory %s cannot be used: %v", spec.Dir, cause(inDir.error))}
	case errors.As(err, &inLog):
		return Report{reasonOf(err, rundir.ReasonLog), fmt.Sprintf("cannot write the log: %v", inLog.error)}
	case errors.Is(err, syscall.ENOEXEC):
		return Report{rundir.ReasonNotExecutable, fmt.Sprintf("%s is not a program for this machine, nor a script with a #! line", name)}
	case errors.Is(err, fs.ErrNotExist) && isExec(err):
		return Report{rundir.ReasonInterpreter, fmt.Sprintf("%s is there, but the interpreter that it needs is not (its #! line, or the loader of its libc)", name)}
	case errors.Is(err, fs.ErrNotExist):
		return Report{rundir.ReasonNotFound, fmt.Sprintf("command not found: %s", name)}
	case errors.Is(err, fs.ErrPermission):
		return Report{rundir.ReasonNotExecutable, fmt.Sprintf("%s is not executable", name)}
	case errors.Is(err, syscall.E2BIG):
		return Report{rundir.ReasonTooLong, "the command and its environment are longer than the system allows"}
	}
	return Report{reasonOf(err, rundir.ReasonOther), fmt.Sprintf("cannot start %s: %v", name, err)}
}

func isExec(err error) bool {
	var p *os.PathError
	return errors.As(err, &p) && p.Op == "exec"
}

// cause is err without operation and path, which the sentence names already.
func cause(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// reasonOf recognises what can go wrong with any file.
func reasonOf(err error, otherwise string) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return rundir.ReasonDiskFull
	case errors.Is(err, fs.ErrExist):
		return rundir.ReasonInUse
	}
	return otherwise
}
