package launcher

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"ftd/launcher/process"
	"ftd/launcher/rundir"
)

// Run is one attempt at a training, running or over. All it knows is in its
// directory; it may be used from several goroutines, and several Runs may be
// open on one directory.
type Run struct {
	dir  string
	spec Spec

	mu   sync.Mutex
	shim Shim // zero until shim.json was seen; it never changes afterwards
}

// Open adopts the run of a directory. It only reads files; a directory that is
// damaged is an error of this run and of no other.
func Open(dir string) (*Run, error) {
	spec, err := rundir.ReadSpec(dir)
	if errors.Is(err, fs.ErrNotExist) && launched(dir) {
		// Not the error of a directory in which nothing has begun.
		err = errors.New(err.Error())
	}
	if err != nil {
		return nil, broken(dir, err)
	}
	r := &Run{dir: dir, spec: spec}
	if _, err := r.readShim(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, broken(dir, err)
	}
	return r, nil
}

// launched reports whether a training was launched in dir.
func launched(dir string) bool {
	for _, name := range []string{rundir.ShimFile, rundir.ExitFile} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// broken is the error of a damaged directory. Its processes are not touched:
// without all of its files nobody can tell them for sure from those of others.
func broken(dir string, err error) error {
	e := errorf(CodeRunDirectory, "the run directory %s cannot be read: %w", dir, err)
	if pid := shimOf(dir); pid != 0 {
		return e.withRemedy("the training still runs under ftd-shim, process %d: `kill %d` ends it; then start a new attempt", pid, pid)
	}
	return e.withRemedy("its log may still be there; start a new attempt")
}

// shimOf returns the pid of the living shim of a damaged directory, 0 if none
// is found: by what is left of shim.json, or by the token of spec.json.
func shimOf(dir string) int {
	if s, err := rundir.ReadShim(dir); err == nil && Alive(s) {
		return s.PID
	}
	spec, err := rundir.ReadSpec(dir)
	if err != nil {
		return 0
	}
	if found, err := process.Marked(rundir.HolderVariable + "=" + spec.Token); err == nil && len(found) > 0 {
		return found[0].PID
	}
	return 0
}

// Alive reports whether a shim still runs.
func Alive(s Shim) bool {
	here, err := process.Here()
	return err == nil && here.SameBoot(process.Machine{BootID: s.BootID}) && holder(s).Alive()
}

// Dir returns the run directory.
func (r *Run) Dir() string { return r.dir }

// Spec returns what is run.
func (r *Run) Spec() Spec { return r.spec }

// Shim returns who runs it, the zero Shim if nothing was started yet.
func (r *Run) Shim() Shim {
	s, _ := r.readShim()
	return s
}

// Log returns the path of the training's own log.
func (r *Run) Log() string { return filepath.Join(r.dir, r.spec.Log) }

func (r *Run) readShim() (Shim, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shim.PID != 0 {
		return r.shim, nil
	}
	s, err := rundir.ReadShim(r.dir)
	if err == nil {
		r.shim = s
	}
	return r.shim, err
}

func holder(s Shim) process.Identity {
	return process.Identity{PID: s.PID, StartTicks: s.StartTicks}
}

func child(s Shim) process.Identity {
	return process.Identity{PID: s.Child, StartTicks: s.ChildStartTicks}
}

// tree finds the processes of the run, the shim not included.
func (r *Run) tree() process.Tree {
	s := r.Shim()
	return process.Tree{Holder: holder(s), Main: child(s), Mark: r.mark(), Cgroup: r.cgroup()}
}

// cgroup returns the run's own cgroup, "" if it has none. Its name has the
// run's token in it: whatever shim.json says, no other is ever touched.
func (r *Run) cgroup() process.Cgroup {
	dir := r.Shim().Cgroup
	if filepath.Base(dir) != "ftd-"+r.spec.Token {
		return ""
	}
	return process.Cgroup(dir)
}

// mark is what the environment of each process of the run holds.
func (r *Run) mark() string { return rundir.TokenVariable + "=" + r.spec.Token }
