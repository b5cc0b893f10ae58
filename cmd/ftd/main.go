// Command ftd is the front door of the daemon: it reads the settings, finds
// the Python environment and the daemon that was built for it, and becomes
// that daemon. What does not fit is said here in one sentence, since the
// dynamic loader would say it worse. See package daemon/frontdoor.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"ftd/daemon/frontdoor"
	"ftd/daemon/settings"
)

// version is set by the build.
var version = "devel"

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "ftd:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	if slices.Equal(args, []string{"--version"}) { // what people try first
		args = []string{"version"}
	}
	s, err := settings.Load(args)
	if errors.Is(err, settings.ErrHelp) {
		_, err = io.WriteString(stdout, settings.Usage())
	}
	if err != nil || s == nil {
		return err
	}
	verb := "run"
	if len(s.Args) > 0 {
		verb = s.Args[0]
	}
	switch {
	case len(s.Args) > 1:
		return fmt.Errorf("unexpected argument %q; `ftd --help` lists what there is", s.Args[1])
	case verb == "run":
		return become(s, stderr)
	case verb == "check":
		return check(s, stderr)
	case verb == "config":
		return s.Print(stdout, s.Output)
	case verb == "version":
		return printVersion(s, stdout)
	default:
		return fmt.Errorf("there is no command %q; there are run, check, config and version", verb)
	}
}

// become replaces this process by the daemon; it returns only if it cannot.
func become(s *settings.Settings, stderr io.Writer) error {
	daemon, err := open(s, stderr)
	if err != nil {
		return err
	}
	err = syscall.Exec(daemon.Path, append([]string{daemon.Path}, s.Flags...), frontdoor.Through(itself(), daemon.Env))
	return fmt.Errorf("%s cannot be executed: %w", daemon.Path, err)
}

// check says whether become would succeed: the settings, the environment, its
// Python, a daemon that can be loaded, and a journal that it understands.
func check(s *settings.Settings, stderr io.Writer) error {
	daemon, err := open(s, stderr)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.Background(), daemon.Path, append(s.Flags, "check")...)
	cmd.Env = daemon.Env
	out, err := cmd.CombinedOutput()
	if text, known := strings.CutPrefix(string(out), "ftd: "); err != nil && known {
		return errors.New(strings.TrimSpace(text))
	} else if err != nil {
		return fmt.Errorf("%s does not run: %w: %s", daemon.Path, err, out)
	}
	return nil
}

func open(s *settings.Settings, stderr io.Writer) (*frontdoor.Daemon, error) {
	daemon, err := frontdoor.Open(context.Background(), s.Env, s.Libexec, os.Environ())
	if err != nil {
		return nil, err
	}
	for _, warning := range daemon.Warnings {
		fmt.Fprintln(stderr, "ftd: warning:", warning)
	}
	return daemon, nil
}

// itself is the name this program was called by, which an upgrade may point to
// another file; by default the file itself.
func itself() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	if called, err := exec.LookPath(os.Args[0]); err == nil {
		if called, err = filepath.Abs(called); err == nil && same(called, self) {
			return called
		}
	}
	return self
}

func same(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

func printVersion(s *settings.Settings, w io.Writer) error {
	built := frontdoor.Built(s.Libexec)
	if s.Output == "json" {
		return json.NewEncoder(w).Encode(map[string]any{"version": version, "daemons": built})
	}
	fmt.Fprintln(w, "ftd", version)
	for minor, path := range built {
		fmt.Fprintf(w, "daemon for Python %s: %s\n", minor, path)
	}
	return nil
}
