package logparse

import (
	"slices"
	"time"
)

// Cause is the error that the others follow from; nil if there is none.
func (s *Summary) Cause() *Problem {
	if i := CauseOf(s.Errors); i >= 0 {
		return &s.Errors[i]
	}
	return nil
}

// CauseOf returns which of the errors of one log, in their order, the others
// follow from; -1 if there are none. It is the earliest that is known by name, not
// marked as a consequence and explained by no other; else the last exception that
// nobody knows, for what came before it was caught; else the earliest
// consequence that does not only point at another error; else the earliest.
func CauseOf(errors []Problem) int {
	exception, telling := -1, -1
	for i := range errors {
		switch sig := errors[i].Signature; {
		case sig.ID == IDException:
			exception = i
		case !sig.Secondary && !explained(errors, i):
			return i
		case telling < 0 && !sig.Vague:
			telling = i
		}
	}
	switch {
	case exception >= 0:
		return exception
	case telling >= 0:
		return telling
	}
	return min(0, len(errors)-1)
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

// explained reports whether another of the errors is the reason of the one at i.
func explained(errors []Problem, i int) bool {
	return slices.ContainsFunc(errors, func(p Problem) bool {
		return slices.Contains(p.Signature.Explains, errors[i].Signature.ID)
	})
}
