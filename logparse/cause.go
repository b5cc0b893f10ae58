package logparse

import (
	"slices"
	"time"
)

// Cause is the error that the others follow from: the earliest one that is not
// marked as a consequence and that no other explains, else the earliest that
// does not only point at another, else the earliest; nil if there is none.
func (s *Summary) Cause() *Problem {
	var cause *Problem
	for i := range s.Errors {
		p := &s.Errors[i]
		switch {
		case !p.Signature.Secondary && !Explained(s.Errors, i):
			return p
		case cause == nil, cause.Signature.Vague && !p.Signature.Vague:
			cause = p
		}
	}
	return cause
}

// FirstCause is Cause for the logs of all ranks of one training, whose clocks
// agree: of their causes the earliest one, those without a time after the
// others, those last that are only consequences. It returns the index of the log
// too, -1 if no log has an error.
func FirstCause(ranks ...*Summary) (rank int, cause *Problem) {
	rank = -1
	for i, s := range ranks {
		c := s.Cause()
		if c == nil {
			continue
		}
		if cause == nil || cause.Signature.Secondary && !c.Signature.Secondary ||
			cause.Signature.Secondary == c.Signature.Secondary && earlier(c.When, cause.When) {
			rank, cause = i, c
		}
	}
	return rank, cause
}

// earlier says whether a is before b; a time that is not known is after any other.
func earlier(a, b time.Time) bool {
	return !a.IsZero() && (b.IsZero() || a.Before(b))
}

// Explained reports whether another of the errors is the reason of the one at i.
func Explained(errors []Problem, i int) bool {
	return errors[i].Signature != nil && slices.ContainsFunc(errors, func(p Problem) bool {
		return p.Signature != nil && slices.Contains(p.Signature.Explains, errors[i].Signature.ID)
	})
}
