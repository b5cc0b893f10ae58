package shim

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ftd/launcher/process"
	"ftd/launcher/rundir"
)

// hold returns when all processes of the training have ended.
//
// What is left when the command itself has ended is ended too, because
// msrun and DataLoaders leave workers behind that keep the card: at once if
// the command failed, after linger if it did not.
func (h *holder) hold(c training, linger time.Duration) rundir.Exit {
	self, _ := process.Find(os.Getpid())
	tree := process.Tree{Holder: self, Main: c.Identity, Cgroup: c.cgroup}
	reaped := reap()
	var exit rundir.Exit
	var end, kill <-chan time.Time
	for {
		select {
		case r, more := <-reaped:
			if !more {
				return exit
			}
			if r.pid != c.PID {
				continue
			}
			exit.Code, exit.Signal, exit.Ended = r.code(), r.signal(), time.Now().UTC()
			switch {
			case exit.Code != 0:
				end = time.After(0)
			case linger >= 0:
				end = time.After(linger)
			}
		case <-end:
			exit.Leftovers = send(tree, syscall.SIGTERM)
			kill = time.After(endGrace)
			if exit.Leftovers > 0 {
				// A help only, and the disk may hang: what is left is killed
				// in time whatever becomes of it.
				go func(e rundir.Exit) { _ = rundir.WriteEnded(h.dir, e) }(exit)
			}
		case <-kill:
			if c.cgroup == "" || c.cgroup.Kill() != nil {
				send(tree, syscall.SIGKILL)
			}
			kill = time.After(killAgain)
		case s := <-h.signals:
			if s == syscall.SIGHUP {
				continue
			}
			send(tree, s.(syscall.Signal))
			if kill == nil {
				kill = time.After(signalGrace)
			}
		}
	}
}

// send signals all processes of the tree and returns how many there were.
func send(tree process.Tree, s syscall.Signal) int {
	members, _ := tree.Members()
	for _, m := range members {
		_ = m.Identity().Signal(s)
	}
	return len(members)
}

type reapedChild struct {
	pid    int
	status unix.WaitStatus
}

// code is the status as shells have it.
func (r reapedChild) code() int {
	if r.status.Signaled() {
		return 128 + int(r.status.Signal())
	}
	return r.status.ExitStatus()
}

func (r reapedChild) signal() string {
	if r.status.Signaled() {
		return unix.SignalName(r.status.Signal())
	}
	return ""
}

// reap fetches the status of every child until there are none left, then
// closes the channel. Orphans of the training become children of this process,
// so no children means no processes.
func reap() <-chan reapedChild {
	c := make(chan reapedChild)
	go func() {
		defer close(c)
		for {
			var r reapedChild
			var err error
			r.pid, err = unix.Wait4(-1, &r.status, 0, nil)
			switch err {
			case nil:
				c <- r
			case unix.EINTR:
			default: // ECHILD
				return
			}
		}
	}()
	return c
}
