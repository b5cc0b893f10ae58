package engine

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"ftd/api"
	"ftd/daemon/journal"
)

// SubmitOnce is [Engine.Submit] for a client that may send its request again,
// because it was not told whether the first one arrived. key is its own name
// for the request: the same request with the same key is the job that it was
// the first time, and fresh is false; another request with that key is
// refused.
func (e *Engine) SubmitOnce(ctx context.Context, s api.Submit, key string) (job api.Job, fresh bool, err error) {
	// The second of two requests with one key waits for the first.
	e.keyed.Lock()
	defer e.keyed.Unlock()
	asked := journal.Submission{Key: key, Sum: sumOf(s)}
	before, repeated, err := e.Journal.Submission(ctx, key)
	switch {
	case err != nil:
		return job, false, err
	case !repeated:
		job, err = e.submit(ctx, s, asked)
		return job, err == nil, err
	case before.Sum != asked.Sum:
		return job, false, api.Errorf(api.CodeConflict, "the idempotency key %q belongs to another request, which is the job %s", key, before.Job).
			WithRemedy("send this request with a key of its own")
	}
	job, err = e.Job(ctx, before.Job)
	return job, false, err
}

// sumOf tells requests apart. JSON has the keys of a map in order.
func sumOf(s api.Submit) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // texts and numbers: cannot fail
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}
