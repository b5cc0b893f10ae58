package lock

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "thing.lock")
	var inside, most, waited atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			release, err := File(t.Context(), path, func() { waited.Add(1) })
			if err != nil {
				t.Error(err)
				return
			}
			defer release()
			most.Store(max(most.Load(), inside.Add(1)))
			for waited.Load() == 0 && most.Load() == 1 { // somebody else has come
			}
			inside.Add(-1)
		})
	}
	all.Wait()
	require.EqualValues(t, 1, most.Load())
	require.LessOrEqual(t, waited.Load(), int32(3), "once for each that waits")
	require.NoFileExists(t, path)
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "thing.lock")
	release, err := File(t.Context(), path, nil)
	require.NoError(t, err)
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err = File(ctx, path, func() { cancel(enough) })
	require.ErrorIs(t, err, enough)
	release()
	release, err = File(t.Context(), path, nil)
	require.NoError(t, err)
	release()
}
