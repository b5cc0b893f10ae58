package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"ftd/api"
	"ftd/daemon/settings"
	"ftd/launcher"
)

// daemonSettings are the settings that a daemon with these flags would have.
func daemonSettings(c *cobra.Command, flags []string) (*settings.Settings, error) {
	s, err := settings.Load(flags)
	if err != nil || s.Env != "" {
		return s, err
	}
	env := activeEnvironment()
	if env == "" {
		return s, nil
	}
	say(c, "taking the Python environment %s, the one of python in PATH; --env names another", env)
	return settings.Load(append(flags, "--env="+env))
}

// startProcess starts ftd in a session of its own and waits until it answers.
// It returns which one does, and where its log is.
func startProcess(c *cobra.Command, s *settings.Settings) (v *api.Version, path string, err error) {
	program, err := findDaemon()
	if err != nil {
		return nil, "", err
	}
	if err := os.MkdirAll(s.StateDir, 0o700); err != nil {
		return nil, "", err
	}
	path = filepath.Join(s.StateDir, "ftd.log")
	log, err := openLog(path)
	if err != nil {
		return nil, "", err
	}
	defer log.Close()
	end, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, "", err
	}
	// Not with the command's context: the daemon outlives it.
	cmd := exec.CommandContext(context.WithoutCancel(c.Context()), program)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Args = append([]string{program}, absolute(s)...)
	keepToOurselves()
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithCancelCause(c.Context())
	defer cancel(nil)
	go func() {
		_ = cmd.Wait() // the log says how it ended
		cancel(errEnded)
	}()
	client := &api.Client{Socket: s.Socket, Version: version, Wait: upWithin}
	defer client.Close()
	v, err = during(c, "starting ftd", 0, func() (*api.Version, error) { return client.GetVersion(ctx) })
	if err != nil && errors.Is(context.Cause(ctx), errEnded) {
		said, _ := io.ReadAll(io.NewSectionReader(log, end, 1<<20))
		lines := strings.Split(strings.TrimSpace(string(said)), "\n")
		err = api.Errorf(api.CodeUnreachable, "the daemon does not start: %s", strings.TrimPrefix(lines[len(lines)-1], "ftd: ")).
			WithRemedy("all it said is in %s", path)
	}
	return v, path, err
}

// keepToOurselves closes to the daemon what this process was given open beyond
// its standard streams: the lock of flock(1) around a line of a crontab would
// be held for as long as the daemon lives.
func keepToOurselves() {
	open, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range open {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
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
		if len(launcher.Glob(env, "lib/python3*/site-packages/mindspore/__init__.py")) > 0 {
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
