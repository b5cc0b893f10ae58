package engine

import (
	"context"
	"strings"

	"github.com/oklog/ulid/v2"
)

// newID is the id of a new job. It comes after those of all other jobs, though
// the clock may have been set back since: lists, their pages and the line of
// waiting jobs are in the order of the ids.
func (e *Engine) newID(ctx context.Context) (string, error) {
	newest, err := e.Journal.NewestJob(ctx)
	if err != nil {
		return "", err
	}
	id := ulid.Make()
	if last, err := ulid.Parse(newest); err == nil && id.Compare(last) <= 0 {
		if id, err = ulid.New(last.Time()+1, ulid.DefaultEntropy()); err != nil {
			return "", err
		}
	}
	return strings.ToLower(id.String()), nil
}
