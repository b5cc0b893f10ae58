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
		return become(s, args, stderr)
	case verb == "config":
		return s.Print(stdout, s.Output)
	case verb == "version":
		return printVersion(s, stdout)
	default:
		return fmt.Errorf("there is no command %q; there are run, config and version", verb)
	}
}

// become replaces this process by the daemon; it returns only if it cannot.
func become(s *settings.Settings, args []string, stderr io.Writer) error {
	daemon, err := frontdoor.Open(context.Background(), s.Env, s.Libexec, os.Environ())
	if err != nil {
		return err
	}
	for _, warning := range daemon.Warnings {
		fmt.Fprintln(stderr, "ftd: warning:", warning)
	}
	err = syscall.Exec(daemon.Path, append([]string{daemon.Path}, args...), daemon.Env)
	return fmt.Errorf("%s cannot be executed: %w", daemon.Path, err)
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
