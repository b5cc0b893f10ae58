package logparse

import "time"

// SamplesPerSecond is the usual speed of one device: what the progress lines
// say, else by batch size and step time; false if the log says neither.
func (s *Summary) SamplesPerSecond() (float64, bool) {
	if len(s.samples.values) > 0 {
		return s.samples.quantiles(0.5)[0], true
	}
	batch, step := s.Settings[SettingBatchSize], s.MedianStep().Seconds()
	return batch / step, batch > 0 && step > 0
}

// TokensPerSecond is SamplesPerSecond in tokens, by the model's sequence
// length; padding counts.
func (s *Summary) TokensPerSecond() (float64, bool) {
	rate, ok := s.SamplesPerSecond()
	length := s.Settings[SettingSeqLength]
	return rate * length, ok && length > 0
}

// TotalSteps is how many steps the training plans over all epochs, 0 if the
// log does not say.
func (s *Summary) TotalSteps() int64 {
	if s.Last == nil {
		return 0
	}
	return max(s.Last.Epochs, 1) * s.Last.Total
}

// MedianStep is the usual time of a step, 0 while the log gives none but that
// of a run's first step, which includes compiling.
func (s *Summary) MedianStep() time.Duration {
	return time.Duration(s.stepMS.quantiles(0.5)[0] * float64(time.Millisecond))
}

// TimeLeft is how long the rest of the plan takes at the median step time;
// false if the log does not say enough.
func (s *Summary) TimeLeft() (time.Duration, bool) {
	total := s.TotalSteps()
	if total == 0 || len(s.stepMS.values) == 0 {
		return 0, false
	}
	if s.Completed {
		return 0, true
	}
	return time.Duration(max(total-s.Last.GlobalStep(), 0)) * s.MedianStep(), true
}
