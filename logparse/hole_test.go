package logparse_test

import (
	"context"
	"encoding/json"
	"math/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

// terabyte of NUL bytes takes minutes to read, and no time to pass over.
const terabyte = 1 << 40

// punch makes a file that has text at some places and holes in between.
func punch(t *testing.T, path string, texts map[int64]string, size int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	for at, text := range texts {
		_, err := f.WriteAt([]byte(text), at)
		if err != nil {
			t.Skipf("the filesystem has no such files: %v", err)
		}
	}
	if size > 0 {
		require.NoError(t, f.Truncate(size))
	}
	require.NoError(t, f.Close())
}

// seen are the records of a file as texts.
func seen(t *testing.T, path string) (records []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, logparse.ReadFile(ctx, path, func(r *logparse.Record) {
		text, err := json.Marshal(r)
		require.NoError(t, err)
		records = append(records, string(text))
	}))
	return records
}

// A log that was emptied while its writer went on at the old place.
func TestALogOfATerabyteThatIsMostlyAHole(t *testing.T) {
	path := logPath(t)
	punch(t, path, map[int64]string{terabyte: stepLine(7) + "\n", 2 * terabyte: stepLine(8) + "\n"}, 3*terabyte)

	f := follow(t, path, logparse.Position{})
	parser := logparse.NewParser()
	var at []int64
	take := func(r *logparse.Record) {
		if r.Kind == logparse.KindStep {
			at = append(at, r.Offset)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for len(at) < 2 {
		c, err := f.tail.Next(ctx)
		require.NoError(t, err)
		parser.Skip(c.Offset - parser.Offset())
		parser.Feed(c.Data, take)
		require.Equal(t, c.Next.Offset, parser.Offset())
		f.pos = c.Next
	}
	require.Equal(t, []int64{terabyte, 2 * terabyte}, at)

	// The next program goes on there, and sees what is written then.
	g := follow(t, path, f.pos)
	write(t, path, "more\n")
	g.until("more\n")
	require.EqualValues(t, 3*terabyte+5, g.pos.Offset)

	// A whole file is read as fast.
	require.Len(t, seen(t, path), 3, "a phase and two steps")
}

// Emptied to grow again, with a hole in place of what was read.
func TestALogIsEmptiedAndItsWriterGoesOn(t *testing.T) {
	path := logPath(t)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600) // not for appending
	require.NoError(t, err)
	defer f.Close()
	say := func(text string) {
		_, err := f.WriteString(text)
		require.NoError(t, err)
	}
	say("one\n")
	tail := follow(t, path, logparse.Position{})
	tail.until("one\n")
	_, err = f.Seek(terabyte, 0)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, 0))
	say("two\n")
	tail.until("two\n")
	require.Len(t, tail.files, 2)
	say("three\n")
	tail.until("two\nthree\n")
}

// What is passed over makes no difference to what is read.
func TestHolesReadAsNULBytes(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for range 30 {
		dir := t.TempDir()
		texts, at := map[int64]string{}, int64(0)
		for i := range 8 {
			text := stepLine(i + 1)
			if random.Intn(2) == 0 {
				text += "\n"
			}
			texts[at] = text
			at += int64(len(text)) + random.Int63n(1<<20)
		}
		sparse, dense := filepath.Join(dir, "sparse"), filepath.Join(dir, "dense")
		punch(t, sparse, texts, at)
		whole, err := os.ReadFile(sparse)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(dense, whole, 0o600))
		require.Equal(t, seen(t, dense), seen(t, sparse))
	}
}
