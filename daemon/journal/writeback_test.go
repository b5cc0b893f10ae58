package journal

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

func TestTheLogOfCommitsBeginsAnewOnceItIsWrittenBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	defer j.Close()
	data := json.RawMessage(`"` + strings.Repeat("x", 200<<10) + `"`)
	for range 20 {
		require.NoError(t, j.Emit(t.Context(), api.Event{Job: "01", Type: api.EventOutput, Data: data}))
		require.NoError(t, j.writeBack(t.Context()))
	}
	log, err := os.Stat(path + "-wal")
	require.NoError(t, err)
	require.Less(t, log.Size(), int64(1<<20), "of 4 MB that were written")
	file, err := os.Stat(path)
	require.NoError(t, err)
	require.Greater(t, file.Size(), int64(4<<20))
}
