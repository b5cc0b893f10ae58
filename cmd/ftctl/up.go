package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ftd/api"
)

type upOptions struct {
	env string
}

func newUpCommand() *cobra.Command {
	var o upOptions
	c := &cobra.Command{
		Use:   "up [-- FLAGS OF ftd]",
		Short: "Start the daemon, if none answers",
		Long: `up starts the service where one is installed, and otherwise ftd as a process of
your own that goes on when you log out, as in notebooks and containers. It
returns when the daemon answers.`,
		Example: `  ftctl up
  ftctl up --env /path/to/env
  ftctl up -- --slots 2 --metrics-address off`,
		RunE: func(c *cobra.Command, args []string) error { return runUp(c, o, args) },
	}
	c.Flags().StringVar(&o.env, "env", "", "the Python environment with MindSpore (a `directory`)")
	return c
}

// upWithin is how long the daemon may take until it answers.
const upWithin = time.Minute

func runUp(c *cobra.Command, o upOptions, flags []string) error {
	if v, err := connect(c).GetVersion(c.Context()); err == nil {
		fmt.Fprintf(c.ErrOrStderr(), "ftd %s runs already (pid %d)\n", v.Version, v.PID)
		return printUp(c, v)
	} else if known := asError(err); known.Code == api.CodeHangs || known.Code == api.CodeDenied {
		return err // a second one would not get the state directory
	}
	if o.env != "" {
		flags = append(flags, "--env="+o.env)
	}
	if socket := c.Flag("socket").Value.String(); socket != "" {
		flags = append(flags, "--socket="+socket)
	}
	if scope := service(); scope != nil && len(flags) == 0 && os.Getenv("FTD_SOCKET") == "" {
		cmd := exec.CommandContext(c.Context(), "systemctl", append(scope, "start", "ftd.service")...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = c.InOrStdin(), c.ErrOrStderr(), c.ErrOrStderr()
		if err := cmd.Run(); err != nil {
			return api.Errorf(api.CodeUnreachable, "the service ftd does not start: %v", err).
				WithRemedy("see: systemctl %s", strings.Join(append(scope, "status", "ftd"), " "))
		}
		return answers(c, &api.Client{Version: version, Wait: upWithin}, "journalctl "+strings.Join(append(scope, "-u", "ftd"), " "))
	}
	s, err := daemonSettings(c, flags)
	if err != nil {
		return err
	}
	v, log, err := startProcess(c, s)
	if err != nil {
		return err
	}
	return printRuns(c, v, log)
}

// service is what to tell systemctl about the service that is installed, nil
// if there is none.
func service() []string {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return nil
	}
	config, _ := os.UserConfigDir()
	if _, err := os.Stat(filepath.Join(config, "systemd", "user", "ftd.service")); err == nil && os.Getuid() != 0 {
		return []string{"--user"}
	}
	if _, err := os.Stat("/etc/systemd/system/ftd.service"); err == nil {
		return []string{"--system"}
	}
	return nil
}

// answers waits for the daemon and says that it is there.
func answers(c *cobra.Command, client *api.Client, log string) error {
	defer client.Close()
	v, err := during(c, "starting ftd", 0, func() (*api.Version, error) { return client.GetVersion(c.Context()) })
	if err != nil {
		return err
	}
	return printRuns(c, v, log)
}

func printRuns(c *cobra.Command, v *api.Version, log string) error {
	fmt.Fprintf(c.ErrOrStderr(), "ftd %s runs (pid %d); its log: %s\n", v.Version, v.PID, log)
	return printUp(c, v)
}

func printUp(c *cobra.Command, v *api.Version) error {
	if !wantJSON(c) {
		return nil
	}
	return printJSON(c.OutOrStdout(), v)
}

// offerToStart asks a person at a terminal whether to start the daemon that
// was not there. It returns nil if it is there now, and otherwise what to tell:
// failure, or why the daemon did not start.
func offerToStart(ctx context.Context, root, ran *cobra.Command, failure error, in io.Reader, talk io.Writer) error {
	if !isAway(failure) || ran == nil || ran.Name() == "up" || ran.Name() == "version" || !asksPerson(ran) || mustNotStart(ran) {
		return failure
	}
	client := connect(ran)
	defer client.Close()
	if _, err := client.GetVersion(ctx); !isAway(err) || asError(err).Code == api.CodeHangs {
		return failure // it broke off in the middle, or hangs; that is another matter
	}
	fmt.Fprint(talk, "No daemon is running. Start one now? [Y/n] ")
	answer, err := readLine(ctx, in)
	if ctx.Err() != nil {
		fmt.Fprintln(talk)
		return ctx.Err()
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "", "y", "yes":
	default:
		return failure
	}
	if err != nil {
		return failure
	}
	args := []string{"up"}
	if socket := ran.Flag("socket"); socket != nil && socket.Value.String() != "" {
		args = append(args, "--socket", socket.Value.String())
	}
	root.SetArgs(args)
	_, err = root.ExecuteContextC(ctx)
	return err
}
