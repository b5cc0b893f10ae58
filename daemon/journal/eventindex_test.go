package journal

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// emit appends n events, to two jobs by turns, whose data is their id.
func emit(t *testing.T, j *Journal, n int) {
	t.Helper()
	for range n {
		last, _ := j.LastEvent()
		require.NoError(t, j.Emit(t.Context(), api.Event{Job: fmt.Sprintf("0%d", last%2), Type: api.EventOutput,
			Data: json.RawMessage(fmt.Sprint(last + 1))}))
	}
}

// indexedUpTo is the newest event that job_events may know.
func indexedUpTo(t *testing.T, j *Journal) (event int64) {
	t.Helper()
	require.NoError(t, j.reader.QueryRowContext(t.Context(), `SELECT event FROM indexed`).Scan(&event))
	return event
}

func TestEventsOfAJobAreFoundBeforeAndAfterTheyAreIndexed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	now := time.Now()
	j.now = func() time.Time { return now }
	check := func(j *Journal, upTo, indexed int64) {
		t.Helper()
		require.Equal(t, indexed, indexedUpTo(t, j))
		for _, memory := range []bool{true, false} {
			if !memory {
				j.latest.forget()
			}
			for after := range upTo + 1 {
				var want []int64
				for id := after + 1; id <= upTo; id++ {
					if id%2 == 0 {
						want = append(want, id)
					}
				}
				var got []int64
				for _, e := range pages(t, j, after, "01") {
					require.JSONEq(t, fmt.Sprint(e.ID), string(e.Data))
					require.Equal(t, "01", e.Job)
					got = append(got, e.ID)
				}
				require.Equal(t, want, got, "after %d, in memory %t", after, memory)
				require.Len(t, pages(t, j, after, ""), int(upTo-after))
			}
		}
	}
	emit(t, j, 9)
	check(j, 9, 1) // with the first it is due
	now = now.Add(keepRecent)
	emit(t, j, 1)
	check(j, 10, 10)
	emit(t, j, 5)
	check(j, 15, 10)
	require.NoError(t, j.Close())

	j = open(t, path) // by a daemon that was killed before it was due
	defer j.Close()
	check(j, 15, 10)
	emit(t, j, 1)
	check(j, 16, 16)
}

func TestOldEventsLeaveTheIndexToo(t *testing.T) {
	j := fresh(t)
	emit(t, j, 20)
	j.now = func() time.Time { return time.Now().Add(KeepEvents + time.Hour) }
	emit(t, j, 2) // indexes all
	require.NoError(t, j.PruneEvents(t.Context()))
	require.Len(t, pages(t, j, 0, ""), 2)
	require.Len(t, pages(t, j, 0, "01"), 1)
	var rows int
	require.NoError(t, j.reader.QueryRowContext(t.Context(), `SELECT count(*) FROM job_events`).Scan(&rows))
	require.Equal(t, 1, rows, "the first one of the two was indexed")
}

// What SQLite makes of the query decides whether a page costs a page or all
// events of the job.
func TestAPageOfAJobIsReadWithoutSorting(t *testing.T) {
	j := fresh(t)
	rows, err := j.reader.DB.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+byJob, "01", 0, 10)
	require.NoError(t, err)
	plan, err := collect(rows, func() (detail string, err error) {
		var id, parent, unused int
		return detail, rows.Scan(&id, &parent, &unused, &detail)
	})
	require.NoError(t, err)
	require.NotContains(t, fmt.Sprint(plan), "TEMP B-TREE")
	require.NotContains(t, fmt.Sprint(plan), "SCAN e")
}

func TestMemoryOfTheNewestEventsHasAnEnd(t *testing.T) {
	var l latest
	for n := range int64(100) {
		l.add([]api.Event{{ID: n + 1, Data: make(json.RawMessage, latestBytes/16)}})
	}
	require.Len(t, l.events, 16)
	require.Equal(t, latestBytes, l.bytes)
	_, _, ok := l.page(83, "")
	require.False(t, ok, "84 is not there any more")
	events, more, ok := l.page(84, "")
	require.True(t, ok)
	require.True(t, more)
	require.EqualValues(t, 85, events[0].ID)
	events, more, ok = l.page(100, "")
	require.True(t, ok)
	require.False(t, more)
	require.Empty(t, events)
}
