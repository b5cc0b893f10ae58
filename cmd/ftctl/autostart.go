package main

import (
	"os"

	"github.com/spf13/cobra"

	"ftd/api"
	"ftd/recipe/lock"
)

// started makes sure that there is a daemon for a job, after failure said that
// there is none: a script, a crontab and a notebook's cell have nobody who could
// be asked. It returns nil if one answers now, and otherwise failure with the
// reason why none was started. A person at a terminal is asked instead, by
// [offerToStart].
func started(c *cobra.Command, failure error) error {
	if !isAway(failure) || asError(failure).Code == api.CodeHangs || asksPerson(c) || mustNotStart(c) {
		return failure
	}
	var flags []string
	socket := c.Flag("socket").Value.String()
	if socket != "" {
		flags = append(flags, "--socket="+socket)
	}
	if scope := service(); scope != nil && socket == "" && os.Getenv("FTD_SOCKET") == "" {
		// Somebody has stopped it, with its socket.
		return notStarted(failure, api.Errorf(api.CodeUnreachable, "the service ftd is installed, and it was stopped").WithRemedy("start it with: ftctl up"))
	}
	s, err := daemonSettings(c, flags)
	if err != nil {
		return notStarted(failure, err)
	}
	if s.Env == "" {
		return notStarted(failure, api.Errorf(api.CodeUnreachable, "no Python environment is known for one").WithRemedy("name it: ftctl up --env /path/to/env"))
	}
	if err := os.MkdirAll(s.StateDir, 0o700); err != nil {
		return notStarted(failure, err)
	}
	// Others may be about to start one at the same moment, as the lines of a
	// script are that end in "&": the second daemon would be refused.
	release, err := lock.Directory(c.Context(), s.StateDir)
	if c.Context().Err() != nil {
		return c.Context().Err()
	}
	if err != nil {
		return notStarted(failure, err)
	}
	defer release()
	client := connect(c)
	defer client.Close()
	if _, err := client.GetVersion(c.Context()); err == nil {
		return nil // another ftctl has started it meanwhile
	}
	v, log, err := startProcess(c, s)
	if err != nil {
		return notStarted(failure, err)
	}
	say(c, "no daemon was running: started ftd %s (pid %d); its log: %s", v.Version, v.PID, log)
	return nil
}

// startFlag adds --no-start, which run and train have in common.
func startFlag(c *cobra.Command) {
	c.Flags().Bool("no-start", false, "if no daemon answers, fail instead of starting one")
}

func mustNotStart(c *cobra.Command) bool {
	no, _ := c.Flags().GetBool("no-start") // not every verb has it
	return no
}

// asksPerson says whether offerToStart will ask.
func asksPerson(c *cobra.Command) bool {
	in, ok := c.InOrStdin().(*os.File)
	return ok && isTerminal(in) && isTerminal(c.ErrOrStderr()) && !wantJSON(c)
}

// notStarted is failure, with the reason why no daemon was started.
func notStarted(failure, reason error) error {
	e, why := *asError(failure), asError(reason)
	e.Message += "; none was started: " + why.Message
	e.Remedy = why.Remedy
	return &e
}
