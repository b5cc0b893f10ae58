package launcher

import (
	"context"
	"time"

	"ftd/launcher/rundir"
)

// lookInterval is how often a run is looked at while it has no process whose
// end the kernel would report.
const lookInterval = 250 * time.Millisecond

// Wait returns when the run is over. A crash is seen at once where the kernel
// can tell (Linux 5.3 and later), else within a quarter of a second.
func (r *Run) Wait(ctx context.Context) (Status, error) {
	for {
		st, err := r.Status()
		if err != nil {
			return st, err
		}
		if st.State.Over() {
			if c := r.cgroup(); c != "" {
				_ = c.Remove() // left behind only where the shim was killed
			}
			return st, nil
		}
		if err := r.waitForChange(ctx, st); err != nil {
			return st, err
		}
	}
}

// WaitOrphaned returns when the run has lost its shim and goes on without it, or
// is over.
func (r *Run) WaitOrphaned(ctx context.Context) (Status, error) {
	for {
		st, err := r.Status()
		if err != nil || st.State.Over() || st.State == StateOrphaned {
			return st, err
		}
		if err := r.waitForChange(ctx, st); err != nil {
			return st, err
		}
	}
}

// WaitCommand returns when the command itself has ended and processes that it
// has left are being ended, which takes seconds if they are deaf; left says so,
// and exit says how the command ended. When the run is over, left is false.
func (r *Run) WaitCommand(ctx context.Context) (exit Exit, left bool, err error) {
	if s := r.Shim(); s.PID != 0 {
		if err := child(s).Wait(ctx); err != nil {
			return Exit{}, false, err
		}
	}
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for {
		st, err := r.Status()
		if err != nil || st.State.Over() {
			return st.Exit, false, err
		}
		if exit, err := rundir.ReadEnded(r.dir); err == nil {
			return exit, true, nil
		}
		select {
		case <-ctx.Done():
			return Exit{}, false, ctx.Err()
		case <-look.C:
		}
	}
}

// waitForChange returns when the status may be another one than st.
func (r *Run) waitForChange(ctx context.Context, st Status) error {
	s := r.Shim()
	switch {
	case s.PID != 0 && st.State == StateRunning:
		return holder(s).Wait(ctx)
	case s.PID != 0 && st.State == StateOrphaned && !st.Ending:
		return child(s).Wait(ctx)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(lookInterval):
		return nil
	}
}
