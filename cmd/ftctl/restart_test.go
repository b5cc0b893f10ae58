package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// Everybody who follows a job sees it to its end, and nothing else, while the
// daemon restarts in place again and again.
func TestFollowersDoNotNoticeARestartInPlace(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	job := background(t, s.ftctl()...)
	id := h.submitted()
	s.steps(1, 5, 20)
	eventually(t, "the fifth step", func() bool { return h.job(id).Training != nil && h.job(id).Training.StepsDone == 5 })
	loss := background(t, "loss", "-f", id, "-o", "json")
	logs := background(t, "logs", "-f", id)
	wait := background(t, "wait", id)
	for i := range 3 {
		out, talk, status := run(t, "restart")
		require.Zero(t, status, talk)
		require.Contains(t, out, "ftd test (pid "+strconv.Itoa(h.daemon.Process.Pid)+")")
		require.Empty(t, talk)
		s.steps(6+5*i, 10+5*i, 20)
	}
	s.exit(0)
	out, talk, status := job()
	require.Zero(t, status, out+talk)
	require.NotContains(t, out+talk, "does not answer")
	require.Equal(t, 1, strings.Count(out, "step 20/20  loss"), out)
	out, talk, status = wait()
	require.Zero(t, status, out+talk)
	require.NotContains(t, out+talk, "does not answer")
	out, talk, status = loss()
	require.Zero(t, status, talk)
	require.Empty(t, talk)
	require.Equal(t, 20, strings.Count(out, "\n"))
	out, talk, status = logs()
	require.Zero(t, status, talk)
	require.Empty(t, talk)
	whole, err := os.ReadFile(filepath.Join(h.job(id).Steps[0].Attempts[0].Dir, "rank_0.log"))
	require.NoError(t, err)
	require.Equal(t, string(whole), out)
}

func TestConfigShowsAndSets(t *testing.T) {
	newHouse(t)
	out, talk, status := run(t, "config")
	require.Zero(t, status, talk)
	require.Regexp(t, `(?m)^slots \*\s+2\s+flag --slots$`, out)
	require.Regexp(t, `(?m)^group\s+-\s+default$`, out)
	_, talk, status = run(t, "config", "set", "slots", "3")
	require.Zero(t, status, talk)
	out, _, _ = run(t, "config", "-o", "json")
	found := false
	for _, s := range decode[api.Settings](t, out).Settings {
		if s.Name == "slots" {
			found = true
			require.EqualValues(t, 3, s.Value)
			require.Equal(t, "set with ftctl config set", s.Origin)
		}
	}
	require.True(t, found)
	_, talk, status = run(t, "config", "set", "slots", "many")
	require.Equal(t, exitUsage, status)
	require.Contains(t, talk, "whole number")
	_, talk, status = run(t, "config", "set", "log_level", "loud")
	require.Equal(t, exitUsage, status)
	require.Contains(t, talk, "trace, debug, info, warn or error")
	_, talk, status = run(t, "config", "set", "group", "x")
	require.Equal(t, exitFailed, status)
	require.Contains(t, talk, "ftctl restart")
}

// A daemon whose API is another version is worked with, and it is said once.
func TestAnotherVersionOfTheAPIIsSaid(t *testing.T) {
	dir, err := os.MkdirTemp("", "ftctl")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "ftd.sock"))
	require.NoError(t, err)
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(api.HeaderAPI, "2")
		w.Header().Set(api.HeaderVersion, "v9.0")
		_, _ = w.Write([]byte(`{"jobs": [], "later": "a field that is not known here"}`))
	})}}
	server.Start()
	t.Cleanup(server.Close)
	_, talk, status := run(t, "ps", "--socket", filepath.Join(dir, "ftd.sock"))
	require.Zero(t, status, talk)
	require.Equal(t, 1, strings.Count(talk, "different versions of the API"), talk)
	require.Contains(t, talk, "the daemon v9.0")
}

// shows waits until the words can be seen.
func (s *terminal) shows(words string) {
	s.t.Helper()
	eventually(s.t, words, func() bool { return strings.Contains(s.screen(), words) })
}

// A person at a terminal is asked whether to start the daemon.
func TestAMissingDaemonIsOffered(t *testing.T) {
	dir, err := os.MkdirTemp("", "ftctl")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	self, err := os.Executable()
	require.NoError(t, err)
	// ftctl looks for ftd beside itself and then in PATH, where this is it.
	fake := "#!/bin/sh\nexport " + asDaemon + "=1\nexec " + self + " --env= --metrics-address=off --shim=" + shim(t) + " \"$@\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ftd"), []byte(fake), 0o755))
	socket := filepath.Join(dir, "ftd.sock")
	cmd := ftctlProcess(t, socket, "ps")
	cmd.Env = append(cmd.Env, "FTD_CONFIG=/dev/null", "FTD_STATE_DIR="+filepath.Join(dir, "state"), "PATH="+dir+":"+os.Getenv("PATH"))
	s := startInTerminal(t, 100, cmd)
	s.shows("Start one now? [Y/n]")
	_, err = s.master.WriteString("\n")
	require.NoError(t, err)
	s.shows("CREATED") // what was asked for in the first place
	require.Zero(t, s.end())
	client := &api.Client{Socket: socket}
	v, err := client.GetVersion(t.Context())
	require.NoError(t, err)
	client.Close()
	require.NoError(t, syscall.Kill(v.PID, syscall.SIGTERM))
	eventually(t, "its end", func() bool { _, err := os.Stat(socket); return err != nil })

	// One that cannot start says why, and that is all that is said.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ftd"), []byte("#!/bin/sh\necho 'ftd: the moon is full' >&2\nexit 1\n"), 0o755))
	cmd = ftctlProcess(t, socket, "ps")
	cmd.Env = append(cmd.Env, "FTD_CONFIG=/dev/null", "FTD_STATE_DIR="+filepath.Join(dir, "state"), "PATH="+dir+":"+os.Getenv("PATH"))
	s = startInTerminal(t, 100, cmd)
	s.shows("Start one now? [Y/n]")
	_, err = s.master.WriteString("\n")
	require.NoError(t, err)
	require.Equal(t, exitUnreachable, s.end())
	require.Contains(t, s.screen(), "the daemon does not start: the moon is full")
	require.Equal(t, 1, strings.Count(s.screen(), "error:"), s.screen())

	s = startInTerminal(t, 100, ftctlProcess(t, socket, "ps"))
	s.shows("Start one now? [Y/n]")
	_, err = s.master.WriteString("\x03")
	require.NoError(t, err)
	require.Equal(t, exitInterrupted, s.end())

	cmd = ftctlProcess(t, socket, "ps")
	s = startInTerminal(t, 100, cmd)
	s.shows("Start one now? [Y/n]")
	_, err = s.master.WriteString("n\n")
	require.NoError(t, err)
	require.Equal(t, exitUnreachable, s.end())
}
