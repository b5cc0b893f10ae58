package journal

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// together adds a batch for each job while another writer has the turn, and
// returns what each was told once that one let go; meanwhile runs before.
func together(t *testing.T, j *Journal, meanwhile func(), jobs []string, contexts ...context.Context) []error {
	t.Helper()
	j.turn <- struct{}{}
	var told []chan error
	for i, id := range jobs {
		ctx := t.Context()
		if i < len(contexts) {
			ctx = contexts[i]
		}
		done := make(chan error, 1)
		told = append(told, done)
		go func() { done <- j.AddBatch(ctx, batch(id, 30, api.Point{Offset: 10, GlobalStep: 1})) }()
		require.Eventually(t, func() bool { return j.waiting() == i+1 }, 10*time.Second, time.Millisecond)
	}
	meanwhile()
	<-j.turn
	var errs []error
	for _, done := range told {
		errs = append(errs, <-done)
	}
	return errs
}

func (j *Journal) waiting() int {
	j.group.mu.Lock()
	defer j.group.mu.Unlock()
	return len(j.group.members)
}

// moments are the times of the transactions that stored points, by job.
func moments(t *testing.T, j *Journal, jobs ...string) map[string]time.Time {
	t.Helper()
	at := map[string]time.Time{}
	for _, id := range jobs {
		events := pages(t, j, 0, id)
		for _, e := range events {
			if e.Type == api.EventPoints {
				require.NotContains(t, at, id, "told twice")
				at[id] = e.Time
			}
		}
	}
	return at
}

// ticking lets each transaction have a time of its own.
func ticking(j *Journal) {
	var n atomic.Int64
	j.now = func() time.Time { return time.Unix(n.Add(1), 0) }
}

func TestBatchesThatWaitShareATransaction(t *testing.T) {
	j := fresh(t)
	ticking(j)
	jobs := []string{"01", "02", "03"}
	for _, id := range jobs {
		job(t, j, id)
	}
	for _, err := range together(t, j, func() {}, jobs) {
		require.NoError(t, err)
	}
	at := moments(t, j, jobs...)
	require.Len(t, at, len(jobs))
	require.Equal(t, at["01"], at["02"])
	require.Equal(t, at["01"], at["03"])

	require.NoError(t, j.AddBatch(t.Context(), batch("01", 60)), "the next group is another one")
}

func TestABatchThatCannotBeStoredFailsNoOther(t *testing.T) {
	j := fresh(t)
	ticking(j)
	job(t, j, "01")
	job(t, j, "03")
	errs := together(t, j, func() {}, []string{"01", "nobody", "03"})
	require.NoError(t, errs[0])
	require.Error(t, errs[1], "there is no such job")
	require.NoError(t, errs[2])
	require.Len(t, moments(t, j, "01", "nobody", "03"), 2)
	for _, id := range []string{"01", "03"} {
		p, err := j.Position(t.Context(), id, "train.1", 0)
		require.NoError(t, err)
		require.EqualValues(t, 30, p.Offset)
	}
}

func TestWhoGivesUpTakesOnlyTheOwnBatchAway(t *testing.T) {
	j := fresh(t)
	jobs := []string{"01", "02", "03"}
	for _, id := range jobs {
		job(t, j, id)
	}
	// The first one is who the others wait for.
	ctx, cancel := context.WithCancel(t.Context())
	errs := together(t, j, func() {
		cancel()
		require.Eventually(t, func() bool { return j.waiting() == 2 }, 10*time.Second, time.Millisecond)
	}, jobs, ctx)
	require.ErrorIs(t, errs[0], context.Canceled)
	require.NoError(t, errs[1])
	require.NoError(t, errs[2])
	require.NotContains(t, moments(t, j, jobs...), "01")
	p, err := j.Position(t.Context(), "01", "train.1", 0)
	require.NoError(t, err)
	require.Zero(t, p.Offset, "what was given up comes again")
}

// Whoever lists points settles what is unsettled; an attempt may end before that.
func TestAnAttemptThatHasEndedIsNotRememberedAgain(t *testing.T) {
	j := fresh(t)
	job(t, j, "01")
	require.NoError(t, j.AddBatch(t.Context(), batch("01", 30, api.Point{Offset: 10, GlobalStep: 1})))
	waiting := j.recents.known("01")
	require.Len(t, waiting, 1)
	require.NoError(t, j.EndAttempt(t.Context(), "01", api.Attempt{ID: waiting[0].attempt, State: api.StateSucceeded}))
	require.NoError(t, j.write(t.Context(), ordered, func(t *tx) error { return t.settle(waiting[0], t.recent(waiting[0])) }))
	require.Empty(t, j.recents.of)
}
