package watchdog

import (
	"time"

	"ftd/logparse"
)

// weights waits for the sign that a training goes on after it could not load
// its weights. Versions that end there print nothing more but a traceback.
type weights struct {
	problem *logparse.Problem
	since   time.Time
}

// weightless says whether an error signature is that of weights that do not fit
// the model, or did not arrive: versions of mindformers train from random ones.
func weightless(id string) bool {
	return id == "checkpoint-mismatch" || id == "weights-download-failed"
}

func (w *weights) add(r *logparse.Record, at time.Time) bool {
	switch r.Kind {
	case logparse.KindProblem:
		if w.problem == nil && r.Problem.Signature != nil && weightless(r.Problem.Signature.ID) {
			p := r.Problem
			w.problem, w.since = &p, at
		}
	case logparse.KindPhase, logparse.KindStep, logparse.KindSetting:
		return w.problem != nil
	}
	return false
}

func (w *weights) verdict() Verdict {
	return Verdict{Watchdog: Weights, Error: true, Since: w.since, Remedy: w.problem.Signature.Remedy,
		Message: "the weights were not loaded, and the training goes on without them: " + w.problem.Text}
}
