package launcher

import "time"

// Vitals are signs of life of a run that its log does not show. A compile says
// nothing for an hour, but works; a training that hangs says nothing either.
type Vitals struct {
	Processes int // of the run, the shim not counted
	// CPU is the processor time that those processes have used so far. It
	// becomes less when one of them ends: look whether it grows.
	CPU time.Duration
	// Stuck is how many processes wait in a device driver or a filesystem
	// (state D), where no signal reaches them.
	Stuck int
	// Suspended is how many are stopped by a signal or a debugger.
	Suspended int
}

// clockTick is the unit of /proc/PID/stat, the same on all of Linux.
const clockTick = time.Second / 100

// Vitals looks at the processes of the run now. It reads all of /proc, which
// takes milliseconds: every few seconds is often enough.
func (r *Run) Vitals() (Vitals, error) {
	tree := r.tree()
	if tree.Holder.Alive() {
		tree.Mark = "" // what loses its parent becomes a child of the shim: descent finds all
	}
	members, err := tree.Members()
	if err != nil {
		return Vitals{}, err
	}
	v := Vitals{Processes: len(members)}
	for _, m := range members {
		v.CPU += time.Duration(m.CPUTicks) * clockTick
		switch m.State {
		case 'D':
			v.Stuck++
		case 'T', 't':
			v.Suspended++
		}
	}
	return v, nil
}
