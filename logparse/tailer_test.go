package logparse_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ftd/logparse"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// follower drives a tailer and keeps what it gave, one entry for each file.
type follower struct {
	t     *testing.T
	tail  *logparse.Tailer
	files []string
	ids   []logparse.FileID
	pos   logparse.Position
}

func follow(t *testing.T, path string, from logparse.Position, opts ...logparse.TailerOption) *follower {
	opts = append([]logparse.TailerOption{logparse.WithPoll(time.Millisecond)}, opts...)
	f := &follower{t: t, tail: logparse.NewTailer(path, from, opts...), pos: from}
	t.Cleanup(func() { f.tail.Close() })
	return f
}

func (f *follower) take(c logparse.Chunk) {
	if c.Fresh || len(f.files) == 0 {
		f.files, f.ids = append(f.files, ""), append(f.ids, c.File)
	}
	f.files[len(f.files)-1] += string(c.Data)
	require.Equal(f.t, c.Offset+int64(len(c.Data)), c.Next.Offset)
	require.Equal(f.t, c.File, c.Next.File)
	f.pos = c.Next
}

// until reads until the newest file holds all of want.
func (f *follower) until(want string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for len(f.files) == 0 || f.files[len(f.files)-1] != want {
		c, err := f.tail.Next(ctx)
		require.NoError(f.t, err, "have %q, want %q", f.files, want)
		f.take(c)
	}
}

// drain reads to the end.
func (f *follower) drain() {
	f.t.Helper()
	f.tail.Drain()
	for {
		c, err := f.tail.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(f.t, err)
		f.take(c)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func logPath(t *testing.T) string { return filepath.Join(t.TempDir(), "rank_0.log") }

func TestTailerFollowsAFileThatIsNotThereYet(t *testing.T) {
	path := logPath(t)
	f := follow(t, path, logparse.Position{})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := f.tail.Next(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	write(t, path, "one\ntw")
	f.until("one\ntw")
	write(t, path, "o\n")
	f.until("one\ntwo\n")
	write(t, path, "three")
	f.drain()
	require.Equal(t, []string{"one\ntwo\nthree"}, f.files)
}

func TestTailerDrainWithoutAFile(t *testing.T) {
	f := follow(t, logPath(t), logparse.Position{})
	f.drain()
	require.Empty(t, f.files)
}

func TestTailerLargeFile(t *testing.T) {
	path := logPath(t)
	text := strings.Repeat("0123456789abcde\n", 50_000)
	write(t, path, text)
	f := follow(t, path, logparse.Position{})
	f.drain()
	require.Equal(t, []string{text}, f.files)
}

func TestTailerTruncation(t *testing.T) {
	path := logPath(t)
	write(t, path, "a long first life\n")
	f := follow(t, path, logparse.Position{})
	f.until("a long first life\n")
	require.NoError(t, os.Truncate(path, 0))
	write(t, path, "second\n")
	f.until("second\n")
	require.Equal(t, []string{"a long first life\n", "second\n"}, f.files)
	require.Equal(t, f.ids[0], f.ids[1])
}

// A file that was emptied and grew beyond the old position between two looks
// cannot be told by its size.
func TestTailerTruncatedAndGrownAgain(t *testing.T) {
	path := logPath(t)
	write(t, path, "short\n")
	f := follow(t, path, logparse.Position{})
	f.until("short\n")
	require.NoError(t, os.WriteFile(path, []byte("something longer than before\n"), 0o600))
	f.until("something longer than before\n")
	require.Len(t, f.files, 2)
}

func TestTailerRotationByRename(t *testing.T) {
	path := logPath(t)
	write(t, path, "old 1\n")
	f := follow(t, path, logparse.Position{})
	f.until("old 1\n")
	require.NoError(t, os.Rename(path, path+".1"))
	write(t, path+".1", "old 2, by a writer that still has it open\n")
	write(t, path, "new 1\n")
	f.until("new 1\n")
	require.Equal(t, []string{"old 1\nold 2, by a writer that still has it open\n", "new 1\n"}, f.files)
}

func TestTailerDrainReadsBothFilesOfARotation(t *testing.T) {
	path := logPath(t)
	write(t, path, "old 1\n")
	f := follow(t, path, logparse.Position{})
	f.until("old 1\n")
	require.NoError(t, os.Rename(path, path+".1"))
	write(t, path+".1", "old 2\n")
	write(t, path, "new 1\n")
	f.drain()
	require.Equal(t, []string{"old 1\nold 2\n", "new 1\n"}, f.files)
}

func TestTailerDeletedAndMadeAgain(t *testing.T) {
	path := logPath(t)
	write(t, path, "first\n")
	w, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	defer w.Close()
	f := follow(t, path, logparse.Position{})
	f.until("first\n")
	require.NoError(t, os.Remove(path))
	_, err = w.WriteString("into the deleted file\n")
	require.NoError(t, err)
	f.until("first\ninto the deleted file\n")
	write(t, path, "second\n")
	f.until("second\n")
	require.Len(t, f.files, 2)
	require.NotEqual(t, f.ids[0], f.ids[1])
}

func TestTailerResumes(t *testing.T) {
	path := logPath(t)
	write(t, path, "one\n")
	f := follow(t, path, logparse.Position{})
	f.until("one\n")
	write(t, path, "two\n")

	g := follow(t, path, f.pos)
	g.drain()
	require.Equal(t, []string{"two\n"}, g.files)

	// From a position without a mark, as one that was stored as id and offset.
	h := follow(t, path, logparse.Position{File: f.pos.File, Offset: f.pos.Offset})
	h.drain()
	require.Equal(t, []string{"two\n"}, h.files)
}

func TestTailerResumesInARotatedFile(t *testing.T) {
	path := logPath(t)
	write(t, path, "one\n")
	f := follow(t, path, logparse.Position{})
	f.until("one\n")
	write(t, path, "two\n")
	require.NoError(t, os.Rename(path, path+".1"))
	write(t, path, "three\n")

	g := follow(t, path, f.pos)
	g.drain()
	require.Equal(t, []string{"two\n", "three\n"}, g.files)
}

func TestTailerDoesNotResumeInAnotherFile(t *testing.T) {
	path := logPath(t)
	write(t, path, "one\n")
	f := follow(t, path, logparse.Position{})
	f.until("one\n")

	t.Run("with the same inode", func(t *testing.T) {
		require.NoError(t, os.WriteFile(path, []byte("quite another text\n"), 0o600))
		g := follow(t, path, f.pos)
		c, err := g.tail.Next(context.Background())
		require.NoError(t, err)
		require.True(t, c.Fresh)
		require.Equal(t, "quite another text\n", string(c.Data))
	})
	t.Run("shorter than the position", func(t *testing.T) {
		g := follow(t, path, logparse.Position{File: f.pos.File, Offset: 1 << 40})
		c, err := g.tail.Next(context.Background())
		require.NoError(t, err)
		require.True(t, c.Fresh)
	})
	t.Run("that took its name", func(t *testing.T) {
		g := follow(t, path, logparse.Position{File: logparse.FileID{Device: 1, Inode: 2}, Offset: 3})
		c, err := g.tail.Next(context.Background())
		require.NoError(t, err)
		require.True(t, c.Fresh)
		require.Equal(t, "quite another text\n", string(c.Data))
	})
}

func TestTailerRefusesWhatCannotBeFollowed(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	for _, path := range []string{dir, fifo} {
		_, err := follow(t, path, logparse.Position{}).tail.Next(context.Background())
		require.ErrorContains(t, err, "not a regular file")
	}
}

// The poll interval is an hour: only a notification can end the waiting.
func TestWakeups(t *testing.T) {
	u, err := logparse.NewWakeups()
	require.NoError(t, err)
	defer func() { require.NoError(t, u.Close()) }()
	path := logPath(t)
	write(t, path, "one\n")
	f := follow(t, path, logparse.Position{}, logparse.WithPoll(time.Hour), logparse.WithWakeups(u))
	f.until("one\n")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for range 3 {
		got := make(chan error, 1)
		go func() {
			c, err := f.tail.Next(ctx)
			if err == nil && !strings.Contains(string(c.Data), "two\n") {
				err = errors.New("other bytes than were written")
			}
			got <- err
		}()
		// Again and again: the first write may come before the watch does.
		require.Eventually(t, func() bool {
			if len(got) == 0 {
				write(t, path, "two\n")
			}
			return len(got) > 0
		}, 10*time.Second, 5*time.Millisecond)
		require.NoError(t, <-got)
	}
}

func TestFileID(t *testing.T) {
	id := logparse.FileID{Device: 0xfd01, Inode: 0x1234}
	require.Equal(t, "fd01:1234", id.String())
	back, err := logparse.ParseFileID(id.String())
	require.NoError(t, err)
	require.Equal(t, id, back)
	none, err := logparse.ParseFileID(logparse.FileID{}.String())
	require.NoError(t, err)
	require.Zero(t, none)
	for _, bad := range []string{"1", "x:1", "1:2:3", ":"} {
		_, err := logparse.ParseFileID(bad)
		require.Error(t, err, bad)
	}
}
