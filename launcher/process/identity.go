package process

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrGone says that the process meant does not run any more. Another one may
// have its pid by now.
var ErrGone = errors.New("the process is gone")

// Identity names one process until the machine restarts: a pid is used again,
// a pid together with the start time is not.
type Identity struct {
	PID int
	// StartTicks is field 22 of /proc/PID/stat, in clock ticks since boot.
	StartTicks uint64
}

// Find returns the identity of the process that has pid now.
func Find(pid int) (Identity, error) {
	s, err := ReadStat(pid)
	if err != nil {
		return Identity{}, err
	}
	return s.Identity(), nil
}

// Alive reports whether the process still runs. A zombie is dead: it does
// nothing any more and waits for a parent that may never fetch its status.
func (id Identity) Alive() bool {
	s, err := ReadStat(id.PID)
	return err == nil && s.StartTicks == id.StartTicks && !s.Zombie()
}

// Signal sends sig to this very process, never to one that got its pid since:
// the identity is checked again after a handle on the process was taken.
// It returns ErrGone if the process is no more.
func (id Identity) Signal(sig syscall.Signal) error {
	if id.PID <= 1 {
		return fmt.Errorf("pid %d is never signalled", id.PID)
	}
	fd, err := unix.PidfdOpen(id.PID, 0)
	if err == nil {
		defer func() { _ = unix.Close(fd) }()
	}
	if !id.Alive() {
		return ErrGone
	}
	if err == nil {
		err = unix.PidfdSendSignal(fd, sig, nil, 0)
	}
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		// Kernels before 5.3, or a container that forbids pidfds. The pid
		// cannot wander within the few instructions since the check, unless
		// the whole range of pids were used up in between.
		err = unix.Kill(id.PID, sig)
	}
	if errors.Is(err, unix.ESRCH) {
		return ErrGone
	}
	return err
}

// Stat is the part of /proc/PID/stat that supervision needs.
type Stat struct {
	PID     int
	Command string // at most 15 bytes
	State   byte
	Parent  int
	Group   int
	Session int
	// CPUTicks is user and system time, in clock ticks (100 a second).
	CPUTicks   uint64
	StartTicks uint64
}

// Identity returns who s was read from.
func (s Stat) Identity() Identity { return Identity{PID: s.PID, StartTicks: s.StartTicks} }

// Zombie reports whether the process has ended and only its status is left.
func (s Stat) Zombie() bool { return s.State == 'Z' || s.State == 'X' }

// ReadStat reads /proc/PID/stat. It returns ErrGone if there is no such process.
func ReadStat(pid int) (Stat, error) {
	// Not os.ReadFile, which takes twice as many system calls: whoever looks
	// at all processes does this for each.
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return Stat{}, ErrGone
	}
	if err != nil {
		return Stat{}, err
	}
	defer func() { _ = unix.Close(fd) }()
	line := make([]byte, 1024) // 52 numbers and a name of at most 64 bytes
	n, err := unix.Read(fd, line)
	if errors.Is(err, unix.ESRCH) {
		return Stat{}, ErrGone
	}
	if err != nil {
		return Stat{}, err
	}
	return parseStat(string(line[:n]))
}

func parseStat(line string) (Stat, error) {
	// The command may hold blanks and parentheses: it ends at the last one.
	open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return Stat{}, fmt.Errorf("not a process status: %.80q", line)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line[:open]))
	if err != nil {
		return Stat{}, fmt.Errorf("not a process status: %.80q", line)
	}
	f := strings.Fields(line[end+1:]) // f[0] is field 3 of proc(5)
	if len(f) < 20 {
		return Stat{}, fmt.Errorf("short process status: %.80q", line)
	}
	s := Stat{PID: pid, Command: line[open+1 : end], State: f[0][0]}
	var user, system uint64
	for _, n := range []struct {
		text string
		into any
	}{
		{f[1], &s.Parent}, {f[2], &s.Group}, {f[3], &s.Session},
		{f[11], &user}, {f[12], &system}, {f[19], &s.StartTicks},
	} {
		switch into := n.into.(type) {
		case *int:
			*into, err = strconv.Atoi(n.text)
		case *uint64:
			*into, err = strconv.ParseUint(n.text, 10, 64)
		}
		if err != nil {
			return Stat{}, fmt.Errorf("not a process status: %.80q", line)
		}
	}
	s.CPUTicks = user + system
	return s, nil
}
