package journal

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// bulky emits events of 20 kB each.
func bulky(t *testing.T, j *Journal, n int) {
	t.Helper()
	data := json.RawMessage(fmt.Sprintf("%q", strings.Repeat("x", 20<<10)))
	for range n {
		require.NoError(t, j.Emit(t.Context(), api.Event{Job: "01", Type: api.EventOutput, Data: data}))
	}
}

// A reader that takes nothing costs a page. It must be a small one also where
// events are large.
func TestPagesOfLargeEventsAreShort(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	bulky(t, j, 10)
	for _, job := range []string{"", "01"} {
		var pages []int
		after, more := int64(0), true
		for more {
			var events []api.Event
			var err error
			events, more, err = j.Page(t.Context(), after, job)
			require.NoError(t, err)
			for _, e := range events {
				after++
				require.Equal(t, after, e.ID, "none is left out")
			}
			pages = append(pages, len(events))
		}
		require.Equal(t, []int{4, 4, 2}, pages)
	}
}

// A thousand who want all events at once leave room for who asks for a job.
func TestReadersOfEventsLeaveConnectionsToOthers(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal.db"))
	bulky(t, j, 18)
	var readers sync.WaitGroup
	for range 100 {
		readers.Go(func() {
			after, more := int64(0), true
			for more {
				events, again, err := j.Page(t.Context(), after, "")
				if err != nil || len(events) == 0 {
					t.Error(err, len(events))
					return
				}
				after, more = events[len(events)-1].ID, again
			}
		})
	}
	ended := make(chan struct{})
	go func() { readers.Wait(); close(ended) }()
	for {
		require.LessOrEqual(t, j.reader.Stats().InUse, connections/2)
		select {
		case <-ended:
			return
		default:
		}
	}
}
