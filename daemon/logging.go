package daemon

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"ftd/daemon/settings"
)

// newLog makes the daemon's log. out is the standard error stream that the
// process was started with: while Python runs, descriptor 2 is the step's.
// The level is set apart, by [setLevel].
func newLog(s *settings.Settings, out *os.File) zerolog.Logger {
	terminal := isatty.IsTerminal(out.Fd())
	format := s.LogFormat
	if format == "auto" {
		switch {
		case terminal:
			format = "console"
		case isJournal(out, os.Getenv("JOURNAL_STREAM")):
			format = "journal"
		default:
			format = "json"
		}
	}
	switch format {
	case "json":
		return zerolog.New(out).With().Timestamp().Logger()
	case "journal":
		return zerolog.New(journalWriter{out})
	}
	console := zerolog.ConsoleWriter{Out: out, TimeFormat: time.DateTime, NoColor: !terminal || os.Getenv("NO_COLOR") != ""}
	return zerolog.New(console).With().Timestamp().Logger()
}

// setLevel changes how much is logged. It is the library's own switch, which
// loggers that were handed out before obey too.
func setLevel(name string) error {
	level, err := zerolog.ParseLevel(name)
	if err != nil {
		return err
	}
	zerolog.SetGlobalLevel(level)
	return nil
}

// isJournal reports whether out is the stream to systemd's journal, whose
// device and inode systemd names in the variable JOURNAL_STREAM.
func isJournal(out *os.File, stream string) bool {
	var device, inode uint64
	if n, _ := fmt.Sscanf(stream, "%d:%d", &device, &inode); n != 2 {
		return false
	}
	var st unix.Stat_t
	return unix.Fstat(int(out.Fd()), &st) == nil && st.Dev == device && st.Ino == inode
}

// journalWriter writes lines the way journald reads them: the priority as a
// prefix, and no time, which the journal has itself.
type journalWriter struct{ out io.Writer }

// priorities are those of syslog.
var priorities = map[zerolog.Level]int{
	zerolog.TraceLevel: 7, zerolog.DebugLevel: 7, zerolog.InfoLevel: 6, zerolog.WarnLevel: 4,
	zerolog.ErrorLevel: 3, zerolog.FatalLevel: 2, zerolog.PanicLevel: 2,
}

func (w journalWriter) Write(p []byte) (int, error) { return w.WriteLevel(zerolog.InfoLevel, p) }

func (w journalWriter) WriteLevel(level zerolog.Level, p []byte) (int, error) {
	var line bytes.Buffer
	fmt.Fprintf(&line, "<%d>", priorities[level])
	console := zerolog.ConsoleWriter{Out: &line, NoColor: true, PartsOrder: []string{zerolog.MessageFieldName}}
	if _, err := console.Write(p); err != nil {
		return 0, err
	}
	// A message of two lines would be two entries, the second with a priority of
	// its own if what a training said begins like one.
	one := bytes.ReplaceAll(bytes.TrimSpace(line.Bytes()), []byte("\n"), []byte(" "))
	if _, err := w.out.Write(append(one, '\n')); err != nil {
		return 0, err
	}
	return len(p), nil
}
