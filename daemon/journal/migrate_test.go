package journal

import (
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// TestJournalsOfEveryReleasedVersionOpen reads testdata/vN.sql, each a journal
// as version N wrote it. They stay for ever.
func TestJournalsOfEveryReleasedVersionOpen(t *testing.T) {
	for version := range len(schema()) {
		name := fmt.Sprintf("testdata/v%d.sql", version+1)
		t.Run(name, func(t *testing.T) {
			dump, err := os.ReadFile(name)
			require.NoError(t, err)
			path := filepath.Join(t.TempDir(), "journal.db")
			db, err := sql.Open("sqlite", path)
			require.NoError(t, err)
			_, err = db.Exec(string(dump))
			require.NoError(t, err)
			require.NoError(t, db.Close())

			j := open(t, path)
			job, err := j.Job(t.Context(), "01k0old")
			require.NoError(t, err)
			require.Equal(t, api.StateSucceeded, job.State)
			require.Equal(t, "/old/tokenizer.model", job.Steps[0].Outputs["model"])
			require.Equal(t, 4242, job.Steps[1].Attempts[0].PID)
			points, _, err := j.Points(t.Context(), job.ID, "", "", 10)
			require.NoError(t, err)
			require.Len(t, points, 2)
			checkpoints, err := j.Checkpoints(t.Context(), job.ID, "train.1")
			require.NoError(t, err)
			require.Len(t, checkpoints, 1)
			last, _ := j.LastEvent()
			require.EqualValues(t, 17, last)
			_, ok, err := j.Result(t.Context(), "key-1")
			require.NoError(t, err)
			require.True(t, ok)
		})
	}
}

// TestARealJournalOfVersionOneIsMoved opens what the last program with version
// 1 left behind when it was killed: three jobs that had ended and one at work.
func TestARealJournalOfVersionOneIsMoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	packed, err := os.Open("testdata/v1.db.gz")
	require.NoError(t, err)
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	require.NoError(t, err)
	before, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, before, 0o600))

	j := open(t, path)
	jobs, err := j.Jobs(t.Context(), JobsQuery{Limit: 10})
	require.NoError(t, err)
	got := map[string][]api.Point{}
	for _, job := range jobs {
		points, next, err := j.Points(t.Context(), job.ID, "", "", 1000)
		require.NoError(t, err)
		require.Empty(t, next)
		got[job.Name] = points
		// The events tell of the same points, in other words.
		events := pages(t, j, 0, job.ID)
		var told []api.Point
		for _, e := range events {
			if e.Type == api.EventPoints {
				var some []api.Point
				require.NoError(t, json.Unmarshal(e.Data, &some))
				told = append(told, some...)
			}
		}
		require.Equal(t, asJSON(t, told), asJSON(t, points), job.Name)
	}
	require.Len(t, got["first"], 20)
	require.True(t, math.IsNaN(float64(got["first"][18].Loss)))
	require.True(t, *got["first"][0].Overflow)
	require.Len(t, got["crashed"], 7)
	require.Len(t, got["ranks"], 10)
	require.Len(t, got["running"], 58)

	// Reading goes on where version 1 had come to.
	running := jobs[0]
	require.Equal(t, "running", running.Name)
	p, err := j.Position(t.Context(), running.ID, "train.1", 0)
	require.NoError(t, err)
	last := got["running"][57]
	require.Greater(t, p.Offset, last.Offset)
	again := last
	again.Offset, again.GlobalStep = p.Offset, last.GlobalStep+1
	require.NoError(t, j.AddBatch(t.Context(), Batch{Job: running.ID, Step: "train", Attempt: "train.1", File: p.File, Offset: p.Offset + 300,
		Points: []api.Point{last, again}, Tracker: json.RawMessage(`{}`)}))
	points, _, err := j.Points(t.Context(), running.ID, "", "", 1000)
	require.NoError(t, err)
	require.Len(t, points, 59)

	backup, err := os.Stat(path + ".v1")
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), backup.Mode().Perm(), "only the owner reads the copy")
	old, err := sql.Open("sqlite", path+".v1")
	require.NoError(t, err)
	defer old.Close()
	var n int
	require.NoError(t, old.QueryRow(`SELECT count(*) FROM points`).Scan(&n))
	require.Equal(t, 95, n)
}

// asJSON makes numbers comparable that are none.
func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	require.NoError(t, err)
	return string(text)
}

func TestAnOlderJournalIsCopiedAndMoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := open(t, path)
	job(t, j, "01")
	newer := append(schema(), migration{sql: `ALTER TABLE jobs ADD COLUMN colour TEXT; UPDATE jobs SET colour = 'red'`})
	require.NoError(t, j.migrate(t.Context(), newer))
	var colour string
	require.NoError(t, j.writer.QueryRow(`SELECT colour FROM jobs`).Scan(&colour))
	require.Equal(t, "red", colour)
	require.NoError(t, j.Close())

	_, _, err := Open(t.Context(), path)
	var e *api.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, api.CodeStateNewer, e.Code)
	require.Contains(t, e.Message, fmt.Sprintf("version %d", len(newer)))
	require.Contains(t, e.Message, fmt.Sprintf("up to %d", len(schema())))

	old := open(t, fmt.Sprintf("%s.v%d", path, len(schema())))
	_, err = old.Job(t.Context(), "01")
	require.NoError(t, err, "the copy is a whole journal of the older version")
}

func TestAMigrationThatFailsLeavesTheOldVersion(t *testing.T) {
	j := fresh(t)
	job(t, j, "01")
	require.Error(t, j.migrate(t.Context(), append(schema(), migration{sql: `ALTER TABLE jobs ADD COLUMN colour TEXT; SELECT no_such_column FROM jobs`})))
	var version, columns int
	require.NoError(t, j.writer.QueryRow(`PRAGMA user_version`).Scan(&version))
	require.Equal(t, len(schema()), version)
	require.NoError(t, j.writer.QueryRow(`SELECT count(*) FROM pragma_table_info('jobs') WHERE name = 'colour'`).Scan(&columns))
	require.Zero(t, columns)
}

func TestADamagedFileIsSaidToBeDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	require.NoError(t, os.WriteFile(path, []byte("this is no database, and long enough to tell"), 0o600))
	_, _, err := Open(t.Context(), path)
	require.ErrorContains(t, err, "damaged")
}

func TestOnANetworkFilesystemOneConnectionDoesEverything(t *testing.T) {
	require.Equal(t, "NFS", networkKind(0x6969))
	require.Equal(t, "Lustre", networkKind(0x0bd00bd0))
	require.Empty(t, networkKind(0xef53), "ext4")

	path := filepath.Join(t.TempDir(), "journal.db")
	j, _, err := openAs(t.Context(), path, "NFS")
	require.NoError(t, err)
	defer j.Close()
	job(t, j, "01")
	got, err := j.Job(t.Context(), "01")
	require.NoError(t, err)
	require.Len(t, got.Steps, 2)
	var mode string
	require.NoError(t, j.writer.QueryRow(`PRAGMA locking_mode`).Scan(&mode))
	require.Equal(t, "exclusive", mode)
	require.NoFileExists(t, path+"-shm", "shared memory is what network filesystems cannot do")
}

func TestAJournalIsCheckedWithoutOpeningIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	require.NoError(t, Check(path), "there is none yet")
	j, _, err := Open(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, Check(path), "while it is in use")
	require.NoError(t, j.Close())
	require.NoError(t, Check(path))
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "PRAGMA user_version=9999")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	require.ErrorContains(t, Check(path), "has version 9999, and this ftd knows versions up to")
	_, _, err = Open(t.Context(), path)
	require.ErrorContains(t, err, "has version 9999")
}
