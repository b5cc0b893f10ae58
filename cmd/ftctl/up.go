package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ftd/api"
	"ftd/daemon/settings"
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
	return startProcess(c, flags)
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

// startProcess starts ftd in a session of its own and waits until it answers.
func startProcess(c *cobra.Command, flags []string) error {
	s, err := settings.Load(flags)
	if err != nil {
		return err
	}
	if s.Env == "" {
		if env := activeEnvironment(); env != "" {
			say(c, "taking the Python environment %s, the one of python in PATH; --env names another", env)
			if s, err = settings.Load(append(flags, "--env="+env)); err != nil {
				return err
			}
		}
	}
	program, err := findDaemon()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.StateDir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(s.StateDir, "ftd.log")
	log, err := openLog(path)
	if err != nil {
		return err
	}
	defer log.Close()
	end, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	// Not with the command's context: the daemon outlives it.
	cmd := exec.CommandContext(context.WithoutCancel(c.Context()), program, flags...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Args = append([]string{program}, absolute(s)...)
	if err := cmd.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(c.Context())
	defer cancel(nil)
	go func() {
		_ = cmd.Wait() // the log says how it ended
		cancel(errEnded)
	}()
	c.SetContext(ctx)
	err = answers(c, &api.Client{Socket: s.Socket, Version: version, Wait: upWithin}, path)
	if err != nil && errors.Is(context.Cause(ctx), errEnded) {
		said, _ := io.ReadAll(io.NewSectionReader(log, end, 1<<20))
		lines := strings.Split(strings.TrimSpace(string(said)), "\n")
		return api.Errorf(api.CodeUnreachable, "the daemon does not start: %s", strings.TrimPrefix(lines[len(lines)-1], "ftd: ")).
			WithRemedy("all it said is in %s", path)
	}
	return err
}

// activeEnvironment is the environment of the python that a shell would find,
// if MindSpore is in it: what images for notebooks have, where nothing was
// activated. "" if it is not there.
func activeEnvironment() string {
	for _, name := range []string{"python", "python3"} {
		path, err := exec.LookPath(name)
		if err != nil || !filepath.IsAbs(path) {
			continue
		}
		// Not what the link points to: that is outside of a venv.
		env := filepath.Dir(filepath.Dir(path))
		if found, _ := filepath.Glob(filepath.Join(env, "lib", "python3*", "site-packages", "mindspore", "__init__.py")); len(found) > 0 {
			return env
		}
	}
	return ""
}

var errEnded = errors.New("the daemon ended")

// absolute are the flags of s that were given, fit for another directory.
func absolute(s *settings.Settings) []string {
	var flags []string
	for _, v := range s.Values() {
		if strings.HasPrefix(v.Origin, "flag ") {
			flags = append(flags, "--"+strings.ReplaceAll(v.Name, "_", "-")+"="+fmt.Sprint(v.Value))
		}
	}
	return flags
}

// findDaemon is the ftd that belongs to this ftctl, or the one in PATH.
func findDaemon() (string, error) {
	if self, err := os.Executable(); err == nil {
		if path := filepath.Join(filepath.Dir(self), "ftd"); isProgram(path) {
			return path, nil
		}
	}
	path, err := exec.LookPath("ftd")
	if err != nil {
		return "", api.Errorf(api.CodeUnreachable, "ftd is neither beside ftctl nor in PATH").
			WithRemedy("install it with: scripts/install.sh --env /path/to/env")
	}
	return path, nil
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// answers waits for the daemon and says that it is there.
func answers(c *cobra.Command, client *api.Client, log string) error {
	defer client.Close()
	v, err := during(c, "starting ftd", 0, func() (*api.Version, error) { return client.GetVersion(c.Context()) })
	if err != nil {
		return err
	}
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
	file, ok := in.(*os.File)
	if !ok || !isAway(failure) || ran == nil || ran.Name() == "up" || ran.Name() == "version" ||
		wantJSON(ran) || !isTerminal(file) || !isTerminal(talk) {
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

// logMost is how many bytes the daemon's log may have grown to when it starts:
// nobody else puts it aside where there is no systemd.
const logMost = 16 << 20

// openLog opens the daemon's log at its end. One that has grown becomes
// ftd.log.1, and the one before it goes.
func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > logMost {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
}
