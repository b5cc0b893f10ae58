package launcher

import (
	"errors"
	"io/fs"
	"os"

	"ftd/launcher/process"
	"ftd/launcher/rundir"
)

// State is where a run stands.
type State string

// The states of a run.
const (
	// StateRunning: the shim is there; it will record how the run ends.
	StateRunning State = "running"
	// StateOrphaned: the shim was killed but the training goes on. It is
	// followed and can be stopped; how it ends nobody will know.
	StateOrphaned State = "orphaned"
	// StateExited: Status.Exit says how.
	StateExited State = "exited"
	// StateLost: all its processes are gone and none recorded why.
	StateLost State = "lost"
	// StateInterrupted: the machine or the container was restarted.
	StateInterrupted State = "interrupted"
)

// Over reports whether s is final.
func (s State) Over() bool { return s != StateRunning && s != StateOrphaned }

// Status is what is known of a run at one moment.
type Status struct {
	State State
	// Exit is how it ended, if State is StateExited.
	Exit Exit
	// Ending is true when the command itself has ended while other processes
	// of the run are still there; they are being ended.
	Ending bool
	// Unstarted is true for a run that is lost before anything was started: its
	// directory may be launched in.
	Unstarted bool
	// Reason says in a sentence how State was found; empty when it is plain.
	Reason string
}

// facts are what is found on disk and in /proc.
type facts struct {
	shimKnown     bool  // there is a shim.json
	begun         bool  // the command has printed something
	exit          *Exit // exit.json, if there is one
	damaged       error // why exit.json cannot be read
	sameBoot      bool  // as shim.json says
	sameNamespace bool
	holderAlive   bool // the shim
	mainAlive     bool // the command
	others        bool // any other process of the run
}

// decide is the whole decision. The cases, in this order:
//
//  1. There is an exit.json: it ended, whatever else is the case.
//  2. The machine or the container is another one since: interrupted.
//  3. The shim lives: it runs, or is about to start.
//  4. The shim is dead, but the command or another process of it lives:
//     orphaned.
//  5. All are gone: lost. A missing status is never taken for success, nor is
//     one that cannot be read; as long as the shim lives, it will write it anew.
func decide(f facts) Status {
	switch {
	case f.exit != nil:
		return Status{State: StateExited, Exit: *f.exit}
	case f.damaged != nil && !f.holderAlive && !f.mainAlive && !f.others:
		return Status{State: StateLost, Reason: f.damaged.Error()}
	case f.shimKnown && !f.sameBoot:
		return Status{State: StateInterrupted, Reason: "the machine was restarted while it ran"}
	case f.shimKnown && !f.sameNamespace:
		return Status{State: StateInterrupted, Reason: "the container was restarted while it ran"}
	case f.holderAlive:
		return Status{State: StateRunning, Ending: f.shimKnown && !f.mainAlive}
	case f.mainAlive:
		return Status{State: StateOrphaned, Reason: "its shim was killed; it goes on, but its exit status will not be known"}
	case f.others:
		return Status{State: StateOrphaned, Ending: true, Reason: "its shim was killed and the command has ended; processes of it go on"}
	case !f.shimKnown && f.begun:
		return Status{State: StateLost, Reason: "its shim was killed when it had just started the command, so nobody knows how it ended"}
	case !f.shimKnown:
		return Status{State: StateLost, Unstarted: true, Reason: "it was never started"}
	}
	return Status{State: StateLost, Reason: "its shim was killed, so nobody knows how it ended"}
}

// Status looks where the run stands now.
func (r *Run) Status() (Status, error) {
	f, err := r.gather()
	if err != nil {
		return Status{}, err
	}
	return decide(f), nil
}

func (r *Run) gather() (facts, error) {
	var f facts
	s, err := r.readShim()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return f, errorf(CodeRunDirectory, "%w", err)
	}
	f.shimKnown = err == nil
	if f.shimKnown {
		here, err := process.Here()
		if err != nil {
			return f, err
		}
		then := process.Machine{BootID: s.BootID, PIDNamespace: s.PIDNamespace}
		f.sameBoot, f.sameNamespace = here.SameBoot(then), here.SameNamespace(then)
		if f.sameBoot && f.sameNamespace {
			f.holderAlive, f.mainAlive = holder(s).Alive(), child(s).Alive()
		}
	}
	// The status is read after the look at the shim, which writes it before
	// it ends: a dead shim without a status will not write one any more.
	exit, err := rundir.ReadExit(r.dir)
	switch {
	case err == nil:
		f.exit = &exit
		return f, nil
	case !errors.Is(err, fs.ErrNotExist):
		f.damaged = err
	}
	if info, err := os.Stat(r.Log()); err == nil {
		f.begun = info.Size() > 0
	}
	elsewhere := f.shimKnown && (!f.sameBoot || !f.sameNamespace)
	if f.holderAlive || f.mainAlive || elsewhere {
		return f, nil
	}
	// Rare, and a look at all processes: only when nothing else is there.
	others, err := process.Tree{Mark: r.mark(), Cgroup: r.cgroup()}.Members()
	if err != nil {
		return f, err
	}
	f.others = len(others) > 0
	if !f.shimKnown {
		holders, err := process.Marked(rundir.HolderVariable + "=" + r.spec.Token)
		if err != nil {
			return f, err
		}
		if f.holderAlive = len(holders) > 0; !f.holderAlive {
			// It may have got further between the looks.
			_, err := r.readShim()
			f.shimKnown = err == nil
		}
	}
	return f, nil
}
