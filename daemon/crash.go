package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"ftd/daemon/statedir"
)

// keepCrash lets the Go runtime write what it says when this process dies into
// a file, and forgets the empty ones of daemons that did not crash.
func keepCrash(state *statedir.Dir, log zerolog.Logger) error {
	old, _ := os.ReadDir(state.Crash()) // made a moment ago
	for _, entry := range old {
		rest, found := strings.CutPrefix(entry.Name(), "daemon-")
		if !found {
			continue
		}
		path := filepath.Join(state.Crash(), entry.Name())
		if info, err := entry.Info(); err == nil && info.Size() == 0 {
			os.Remove(path)
			continue
		}
		kept := filepath.Join(state.Crash(), "crash-"+rest)
		if err := os.Rename(path, kept); err == nil {
			log.Warn().Str("file", kept).Msg("a daemon before this one crashed; the file says how")
		}
	}
	name := fmt.Sprintf("daemon-%s-%d.txt", time.Now().UTC().Format("20060102T150405"), os.Getpid())
	f, err := os.OpenFile(filepath.Join(state.Crash(), name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close() // the runtime has its own descriptor
	return debug.SetCrashOutput(f, debug.CrashOptions{})
}
