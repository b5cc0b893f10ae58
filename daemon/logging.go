package daemon

import (
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"ftd/daemon/settings"
)

// newLog makes the daemon's log. out is the standard error stream that the
// process was started with: while Python runs, descriptor 2 is the step's.
func newLog(s *settings.Settings, out *os.File) zerolog.Logger {
	level, err := zerolog.ParseLevel(s.LogLevel)
	if err != nil {
		level = zerolog.InfoLevel // the settings were checked
	}
	terminal := isatty.IsTerminal(out.Fd())
	if s.LogFormat == "json" || s.LogFormat == "auto" && !terminal {
		return zerolog.New(out).Level(level).With().Timestamp().Logger()
	}
	console := zerolog.ConsoleWriter{Out: out, TimeFormat: time.DateTime, NoColor: !terminal || os.Getenv("NO_COLOR") != ""}
	return zerolog.New(console).Level(level).With().Timestamp().Logger()
}
