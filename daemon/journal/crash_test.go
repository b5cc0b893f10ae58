package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// TestMain lets the test binary be the process that gets killed.
func TestMain(m *testing.M) {
	if path := os.Getenv("FTD_TEST_WRITE_JOURNAL"); path != "" {
		fmt.Println("error:", writeUntilKilled(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeUntilKilled goes on where the journal says, as a log reader does: three
// points of ten bytes a batch. It prints each offset that was acknowledged.
func writeUntilKilled(path string) error {
	ctx := context.Background()
	j, _, err := Open(ctx, path)
	if err != nil {
		return err
	}
	for {
		p, err := j.Position(ctx, "01", "train.1", 0)
		if err != nil {
			return err
		}
		b := batch("01", p.Offset+30)
		for i := range int64(3) {
			b.Points = append(b.Points, api.Point{Offset: p.Offset + 10*i, GlobalStep: p.Offset/10 + i + 1, Attempt: "train.1"})
		}
		if err := j.AddBatch(ctx, b); err != nil {
			return err
		}
		fmt.Println("stored", b.Offset)
	}
}

func TestKilledWhileWritingNothingIsLostOrDoubled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	job(t, j, "01")
	require.NoError(t, j.Close())
	for round := range 5 {
		acknowledged := killAfter(t, path, 3+7*round)
		checkPoints(t, path, acknowledged)
	}
}

// killAfter kills the writing process with SIGKILL after so many batches, and
// returns the last offset that it was told to be stored.
func killAfter(t *testing.T, path string, batches int) (acknowledged int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "FTD_TEST_WRITE_JOURNAL="+path)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		text, ok := strings.CutPrefix(lines.Text(), "stored ")
		if !ok {
			t.Fatal(lines.Text())
		}
		acknowledged, err = strconv.ParseInt(text, 10, 64)
		require.NoError(t, err)
		if n == batches {
			require.NoError(t, cmd.Process.Kill())
		}
	}
	require.Error(t, cmd.Wait(), "it was killed")
	return acknowledged
}

func checkPoints(t *testing.T, path string, acknowledged int64) {
	t.Helper()
	j := open(t, path)
	defer j.Close()
	p, err := j.Position(t.Context(), "01", "train.1", 0)
	require.NoError(t, err)
	require.NotZero(t, p.Offset)
	points, next, err := j.Points(t.Context(), "01", "", "", 1_000_000)
	require.NoError(t, err)
	require.Empty(t, next)
	// The position may be older, but what was acknowledged is there: it is
	// read once more and known then.
	require.GreaterOrEqual(t, len(points), int(max(acknowledged, p.Offset)/10))
	events := pages(t, j, 0, "01")
	var told []api.Point
	for _, e := range events {
		if e.Type == api.EventPoints {
			var some []api.Point
			require.NoError(t, json.Unmarshal(e.Data, &some))
			told = append(told, some...)
		}
	}
	require.Len(t, told, len(points))
	for i := range points {
		require.EqualValues(t, i+1, points[i].GlobalStep)
		require.EqualValues(t, i+1, told[i].GlobalStep)
	}
}

func TestAFullDiskLosesNothing(t *testing.T) {
	j := fresh(t)
	job(t, j, "01")
	var pages int
	require.NoError(t, j.writer.QueryRow(`PRAGMA page_count`).Scan(&pages))
	// The largest size a file may have is SQLite's own way to run out of room.
	_, err := j.writer.Exec(fmt.Sprintf(`PRAGMA max_page_count=%d`, pages+2))
	require.NoError(t, err)
	fill := func(from int64) Batch {
		b := batch("01", from+2000)
		for i := range int64(200) {
			b.Points = append(b.Points, api.Point{Offset: from + 10*i, GlobalStep: from/10 + i + 1})
		}
		return b
	}
	var stored int64
	for err == nil {
		if err = j.AddBatch(t.Context(), fill(stored)); err == nil {
			stored += 2000
		}
	}
	var e *api.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, api.CodeDiskFull, e.Code)
	require.NotEmpty(t, e.Remedy)
	p, err := j.Position(t.Context(), "01", "train.1", 0)
	require.NoError(t, err)
	require.Equal(t, stored, p.Offset)

	_, err = j.writer.Exec(`PRAGMA max_page_count=1000000`)
	require.NoError(t, err)
	require.NoError(t, j.AddBatch(t.Context(), fill(stored)))
	points, _, err := j.Points(t.Context(), "01", "", "", 1_000_000)
	require.NoError(t, err)
	require.Len(t, points, int(stored/10)+200)
}
