package recipe

import (
	"errors"
	"fmt"
	"io/fs"

	"ftd/launcher"
)

// adopt returns the training that an earlier program launched in this attempt,
// nil if there is none.
func adopt(s *StepContext) (*launcher.Run, error) {
	if !s.Attempt.Resumed {
		return nil, nil //nolint:nilnil // none is no error
	}
	run, err := launcher.Open(s.Attempt.Dir)
	started := !errors.Is(err, fs.ErrNotExist)
	if err == nil {
		var status launcher.Status
		status, err = run.Status()
		started = !status.Unstarted
	}
	switch {
	case started:
		return run, err
	case s.Attempt.Shim.PID != 0:
		return nil, filesGone(s)
	}
	return nil, nil //nolint:nilnil // none is no error
}

// filesGone is the problem of a training whose run directory somebody has removed
// or moved. It must not be started a second time beside itself.
func filesGone(s *StepContext) error {
	p := &Problem{
		Code:    CodeTrainingLost,
		Message: fmt.Sprintf("how the training ended is not known: its files in %s were removed", s.Attempt.Dir),
		Remedy:  "run the recipe again",
	}
	if pid := s.Attempt.Shim.PID; launcher.Alive(s.Attempt.Shim) {
		p.Message = fmt.Sprintf("the training cannot be followed any more: its files in %s were removed while it runs", s.Attempt.Dir)
		p.Remedy = fmt.Sprintf("it still runs under ftd-shim, process %d: `kill %d` ends it; then run the recipe again", pid, pid)
		p.permanent = true
	}
	return p
}
