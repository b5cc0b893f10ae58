package logparse

// Checkpoints counts the checkpoints that the log shows as finished. Where the
// program says "Finish saving" (r1.3 on) that counts, once for each epoch and
// step; versions before only say "Saving ckpt", which counts when the training
// went on afterwards, and so do the ranks but 0 of r1.8 with its new format.
// mindformers r0.6 says nothing at all.
func (s *Summary) Checkpoints() int64 { return s.saves.count() }

// saves counts finished checkpoints.
type saves struct {
	finished    int64
	epoch, step int64 // of the last finished one
	begun       bool
	iteration   bool // what was begun is in the new format
	implied     int64
}

func (s *saves) add(save *Save) {
	if !save.Finished {
		s.begun, s.iteration = true, save.What == SaveIteration
		return
	}
	s.begun = false
	if s.finished == 0 || save.Epoch != s.epoch || save.Step != s.step {
		s.finished++
	}
	s.epoch, s.step = save.Epoch, save.Step
}

// movedOn is told of anything that a training prints after a save.
func (s *saves) movedOn(f Format) {
	if s.begun && (f == FormatF2 || f == FormatOther || s.iteration) {
		s.implied++
	}
	s.begun = false
}

// run begins another run: the same step may be saved again.
func (s *saves) run() { s.epoch, s.step, s.begun = -1, -1, false }

func (s *saves) count() int64 {
	if s.finished > 0 {
		return s.finished
	}
	return s.implied
}
