package checkpoint

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Retention says which checkpoints to keep. What none of its rules keeps may
// be deleted; the zero value keeps everything.
type Retention struct {
	// Newest keeps the N checkpoints with the highest steps.
	Newest int `json:"newest,omitempty"`
	// Best keeps the K complete ones with the lowest loss.
	Best int `json:"best,omitempty"`
	// Every keeps those whose step is a multiple of M.
	Every int64 `json:"every,omitempty"`
}

// Candidate is a checkpoint (of all ranks) that retention decides about.
type Candidate struct {
	Name  string
	Step  int64
	Bytes int64
	// Loss at that step; nil if not known.
	Loss *float64
	// Verified says that it was found complete, for all ranks.
	Verified bool
	// Ours says that this program saw it being made, in this training.
	Ours bool
}

// Decision is what becomes of a [Candidate].
type Decision struct {
	Candidate
	Keep bool
	// Why is the rule that decided, in words.
	Why string
}

// Plan decides about each candidate, the highest step first. Whatever the
// rules say, it keeps
//
//   - what is not Ours: somebody may have put it there on purpose;
//   - the newest one that is verified: a training must always have something
//     to go on from;
//   - everything newer than that: it may still be written;
//   - everything, if none is verified.
//
// So a checkpoint is deleted only after a newer one was verified.
func (r Retention) Plan(candidates []Candidate) []Decision {
	out := make([]Decision, len(candidates))
	for i, c := range candidates {
		out[i] = Decision{Candidate: c}
	}
	slices.SortStableFunc(out, func(a, b Decision) int { return -cmp.Compare(a.Step, b.Step) })
	newest := slices.IndexFunc(out, func(d Decision) bool { return d.Verified })
	best := r.best(out)
	complete := 0
	for i := range out {
		d := &out[i]
		if d.Verified {
			complete++
		}
		d.Keep = true
		switch {
		case r == (Retention{}):
			d.Why = "there are no rules"
		case !d.Ours:
			d.Why = "it was not made by this training"
		case newest < 0:
			d.Why = "none is verified yet"
		case i < newest:
			d.Why = "no newer one is verified"
		case i == newest:
			d.Why = "the newest that is verified"
		case !d.Verified:
			d.Keep, d.Why = false, "it is not complete, and a newer one is"
		case complete <= r.Newest:
			d.Why = fmt.Sprintf("among the newest %d", r.Newest)
		case best[i]:
			d.Why = fmt.Sprintf("among the best %d by loss", r.Best)
		case r.Every > 0 && d.Step%r.Every == 0:
			d.Why = fmt.Sprintf("every %d steps", r.Every)
		default:
			d.Keep, d.Why = false, "no rule keeps it"
		}
	}
	return out
}

// best marks the verified ones with the lowest loss; of equal ones the newer.
// A loss that is not a finite number is never good.
func (r Retention) best(all []Decision) map[int]bool {
	var ranking []int
	for i, d := range all {
		if d.Verified && d.Loss != nil && !math.IsNaN(*d.Loss) && !math.IsInf(*d.Loss, 0) {
			ranking = append(ranking, i)
		}
	}
	slices.SortStableFunc(ranking, func(a, b int) int { return cmp.Compare(*all[a].Loss, *all[b].Loss) })
	best := map[int]bool{}
	for _, i := range ranking[:min(max(r.Best, 0), len(ranking))] {
		best[i] = true
	}
	return best
}
