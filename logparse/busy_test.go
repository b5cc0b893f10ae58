package logparse_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

// watches counts what this process is notified of.
func watches(t *testing.T) (n int) {
	t.Helper()
	files, err := filepath.Glob("/proc/self/fdinfo/*")
	require.NoError(t, err)
	for _, file := range files {
		info, err := os.ReadFile(file)
		if err == nil { // the one of the glob is closed by now
			n += strings.Count(string(info), "inotify wd:")
		}
	}
	return n
}

func TestABusyFileIsReadWithoutNotifications(t *testing.T) {
	u, err := logparse.NewWakeups()
	require.NoError(t, err)
	defer func() { require.NoError(t, u.Close()) }()
	path := logPath(t)
	f := follow(t, path, logparse.Position{}, logparse.WithPoll(time.Hour), logparse.WithWakeups(u))
	text := ""
	line := func() {
		write(t, path, "a line\n")
		text += "a line\n"
		f.until(text)
	}
	for range 10 {
		line()
	}
	require.Zero(t, watches(t))

	// Once it is quiet only a notification comes in time.
	for watches(t) == 0 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := f.tail.Next(ctx)
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	line()
}
