package settings

import (
	"fmt"
	"net"
	"os/user"
	"path/filepath"
	"slices"

	"ftd/api"
)

// maxSocketPath is what fits into sockaddr_un.sun_path with its final zero.
// The kernel's own error for a longer one is "invalid argument".
const maxSocketPath = 107

// LogLevels are the values of log_level, the most talkative first.
func LogLevels() []string { return []string{"trace", "debug", "info", "warn", "error"} }

// check looks at what the types alone cannot say, and makes paths absolute:
// the daemon's working directory is nobody's business.
func (s *Settings) check() error {
	for _, p := range []struct {
		name   string
		path   *string
		needed bool
	}{
		{"state_dir", &s.StateDir, true}, {"socket", &s.Socket, true}, {"shim", &s.Shim, true}, {"libexec", &s.Libexec, true},
		{"env", &s.Env, false}, {"npu_smi", &s.NPUSMI, false}, {"signatures", &s.Signatures, false},
		{"metrics_web_config", &s.MetricsWeb, false}, {"notify", &s.Notify, false},
	} {
		if *p.path == "" && !p.needed {
			continue
		}
		abs, err := filepath.Abs(*p.path)
		if err != nil || *p.path == "" {
			return s.invalid(p.name, "it must be a path")
		}
		*p.path = abs
	}
	for _, place := range s.PlaceList() {
		if !filepath.IsAbs(place) {
			return s.invalid("places", "it must be directories with commas between them, each from / on")
		}
	}
	if s.MetricsAddress == "off" {
		s.MetricsAddress = ""
	}
	for i, k := range table(s) {
		s.values[i].Value = k.value(s)
	}
	if len(s.Socket) > maxSocketPath {
		return s.invalid("socket", fmt.Sprintf("the path has %d bytes, and a Unix socket's may have %d; choose a shorter one with --socket or FTD_SOCKET",
			len(s.Socket), maxSocketPath))
	}
	if s.Slots < 1 {
		return s.invalid("slots", "it must be at least 1")
	}
	if min(s.StopGraceful, s.StopInterrupt, s.StopTerminate) < 0 {
		return s.invalid("stop_interrupt", "no time of a stop can be negative")
	}
	if _, ok := cardList(s.Cards); !ok {
		return s.invalid("cards", "it must be auto, off, or a list of cards such as 0,2,4-7")
	}
	if s.Foreign != ForeignWait && s.Foreign != ForeignIgnore {
		return s.invalid("foreign_processes", "it must be wait or ignore")
	}
	if s.RestartAbove < 0 {
		return s.invalid("restart_above", "it must be a number of megabytes, or 0")
	}
	if !slices.Contains(LogLevels(), s.LogLevel) {
		return s.invalid("log_level", "it must be trace, debug, info, warn or error")
	}
	switch s.LogFormat {
	case "auto", "console", "json", "journal":
	default:
		return s.invalid("log_format", "it must be auto, console, json or journal")
	}
	if s.MetricsAddress != "" {
		if _, _, err := net.SplitHostPort(s.MetricsAddress); err != nil {
			return s.invalid("metrics_address", "it must be HOST:PORT or off")
		}
	}
	if s.Group != "" {
		if _, err := user.LookupGroup(s.Group); err != nil {
			return s.invalid("group", "there is no such group on this machine")
		}
	}
	return nil
}

func (s *Settings) invalid(name, remedy string) error {
	for _, v := range s.values {
		if v.Name == name {
			return api.Errorf(api.CodeSettings, "%s: %q is not a valid value for %s", v.Origin, fmt.Sprint(v.Value), name).WithRemedy("%s", remedy)
		}
	}
	return api.Errorf(api.CodeSettings, "%s: %s", name, remedy)
}
