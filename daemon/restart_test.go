package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// restarted waits until the daemon has restarted in place.
func (h *house) restarted(before *api.Version) *api.Version {
	h.t.Helper()
	var now *api.Version
	require.Eventually(h.t, func() bool {
		var err error
		now, err = h.GetVersion(h.t.Context())
		require.NoError(h.t, err)
		return now.Started.After(before.Started)
	}, waitLong, waitTick)
	require.Equal(h.t, before.PID, now.PID, "it is the same process")
	return now
}

func (h *house) version() *api.Version {
	h.t.Helper()
	v, err := h.GetVersion(h.t.Context())
	require.NoError(h.t, err)
	return v
}

// Somebody removes the socket under a daemon that works: it puts it back, and
// whoever had been let in before notices nothing.
func TestADaemonPutsItsSocketBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	job := h.train("--steps", "150", "--step-ms", "20")
	h.until(job.ID, hasPoints)
	var follower sync.WaitGroup
	var steps []int64
	follower.Go(func() { steps = h.follow(job.ID) })
	for range 2 {
		require.NoError(t, os.Remove(h.Socket))
		require.Eventually(t, func() bool {
			info, err := os.Lstat(h.Socket)
			return err == nil && info.Mode().Perm() == 0o600
		}, waitLong, waitTick)
		before := h.version()
		require.Equal(t, h.daemon.Process.Pid, before.PID)
		require.NoError(t, h.Restart(t.Context()))
		h.restarted(before)
	}
	require.Contains(t, h.said(), "it is there again")
	require.Equal(t, api.StateSucceeded, h.wait(job.ID).State)
	follower.Wait()
	require.Len(t, steps, 150)
	h.end(syscall.SIGTERM)
	require.NoFileExists(t, h.Socket)
}

func TestNobodyNoticesARestartInPlace(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "--metrics-address", "127.0.0.1:0")
	job := h.train("--steps", "300", "--step-ms", "50")
	h.until(job.ID, hasPoints)

	var followers sync.WaitGroup
	var steps []int64
	followers.Go(func() { steps = h.follow(job.ID) })
	var log string
	followers.Go(func() {
		r, err := h.Logs(t.Context(), job.ID, api.LogsQuery{Follow: true})
		if err != nil {
			t.Error(err)
			return
		}
		defer r.Close()
		text, err := io.ReadAll(r)
		if err != nil {
			t.Error(err)
		}
		log = string(text)
	})
	var ended *api.Job
	followers.Go(func() {
		var err error
		if ended, err = h.WaitJob(t.Context(), job.ID); err != nil {
			t.Error(err)
		}
	})
	// Clients that come at any moment are answered: none of these may wait for
	// a socket that is not there.
	asking, enough := context.WithCancel(t.Context())
	for range 4 {
		followers.Go(func() {
			for asking.Err() == nil {
				c := &api.Client{Socket: h.Socket}
				if _, err := c.Job(t.Context(), job.ID); err != nil {
					t.Error(err)
					return
				}
				c.Close()
			}
		})
	}
	v := h.version()
	for range 3 {
		require.NoError(t, h.Restart(t.Context()))
		v = h.restarted(v)
	}
	require.NoError(t, h.daemon.Process.Signal(syscall.SIGUSR2))
	h.restarted(v)
	now, err := h.Job(t.Context(), job.ID)
	require.NoError(t, err)
	require.Equal(t, api.StateRunning, now.State, "it was restarted during the training")
	enough()
	followers.Wait()

	require.Equal(t, api.StateSucceeded, ended.State, "%+v", ended.Error)
	require.Len(t, ended.Steps[0].Attempts, 1)
	require.Len(t, h.points(job.ID), 300)
	require.Len(t, steps, 300)
	for i, step := range steps {
		require.EqualValues(t, i+1, step)
	}
	whole, err := os.ReadFile(filepath.Join(ended.Steps[0].Attempts[0].Dir, "rank_0.log"))
	require.NoError(t, err)
	require.Equal(t, string(whole), log)
	h.end(syscall.SIGTERM)
	require.NoFileExists(t, h.Socket, "the last daemon removes the socket")
}

// What takes effect at once does so, and the rest after a restart.
func TestSettingsAreReadAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	value := func(name string) api.Setting {
		all, err := h.Settings(t.Context())
		require.NoError(t, err)
		for _, s := range all.Settings {
			if s.Name == name {
				return s
			}
		}
		t.Fatalf("no setting %s", name)
		return api.Setting{}
	}
	config := filepath.Join(h.dir, "ftd.yaml")
	require.NoError(t, os.WriteFile(config, []byte("slots: 1\n"), 0o600))
	h.end(syscall.SIGTERM)
	h.args = append(h.args, "--config", config)
	h.start()

	first := h.train("--steps", "100000", "--step-ms", "10")
	second := h.train("--steps", "3", "--step-ms", "1")
	h.until(first.ID, hasPoints)
	require.NoError(t, os.WriteFile(config, []byte("slots: 2\nread_for_others: true\n"), 0o600))
	require.NoError(t, h.daemon.Process.Signal(syscall.SIGHUP))
	require.Equal(t, api.StateSucceeded, h.wait(second.ID).State, "there is a second slot at once")
	require.Eventually(t, func() bool {
		all, err := h.Settings(t.Context())
		require.NoError(t, err)
		return slices.Equal(all.Waiting, []string{"read_for_others"})
	}, waitLong, waitTick)
	require.EqualValues(t, json.Number("2"), value("slots").Value)
	require.Equal(t, config+":1", value("slots").Origin)
	require.Equal(t, false, value("read_for_others").Value)
	before := h.version()
	require.NoError(t, h.Restart(t.Context()))
	h.restarted(before)
	require.Equal(t, true, value("read_for_others").Value)
	info, err := os.Stat(h.Socket)
	require.NoError(t, err)
	require.EqualValues(t, 0o666, info.Mode().Perm(), "others get as far as the daemon")

	all, err := h.Settings(t.Context())
	require.NoError(t, err)
	require.Empty(t, all.Waiting)

	require.NoError(t, os.WriteFile(config, []byte("slots: 2\n"), 0o600))
	_, err = h.SetSetting(t.Context(), "log_level", "warn")
	require.NoError(t, err)
	require.Equal(t, "warn", value("log_level").Value)
	_, err = h.SetSetting(t.Context(), "log_level", "loud")
	requireCode(t, err, api.CodeBadRequest)
	_, err = h.SetSetting(t.Context(), "socket", "/x")
	requireCode(t, err, api.CodeConflict)
	_, err = h.SetSetting(t.Context(), "sockets", "/x")
	requireCode(t, err, api.CodeNotFound)
	said := h.said()
	h.version()
	require.Equal(t, said, h.said(), "requests are logged at another level")
}

// A mistake in the file, or in one that it names, changes nothing, and everybody
// who could be asked says so.
func TestSettingsThatAreWrongChangeNothing(t *testing.T) {
	t.Parallel()
	h, m := newHouse(t), newManager(t)
	config, whom := filepath.Join(h.dir, "ftd.yaml"), filepath.Join(h.dir, "notify.yaml")
	write := func(path, text string) {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	write(config, "slots: 2\n")
	h.args = append(h.args, "--config", config)
	h.again(m)
	m.hears("STATUS=no jobs at work")
	failed := func() *api.Error {
		all, err := h.Settings(t.Context())
		require.NoError(t, err)
		for _, s := range all.Settings {
			if s.Name == "slots" {
				require.EqualValues(t, json.Number("2"), s.Value)
			}
		}
		return all.Failed
	}
	for _, c := range []struct{ settings, whom, says string }{
		{"slots: none\n", "", config + `:1: "none" is not a valid value for slots`},
		{"slots: 3\nslotz: 1\n", "", config + `:2: there is no setting "slotz"`},
		{"slots: 3\nnotify: " + whom + "\n", "- url: http://localhost\n- ulr: x\n", whom + ":2: unknown field"},
		{"slots: 3\nnotify: " + whom + "\n", "- url: http://localhost\n\n- name: b\n  url: nowhere\n", whom + ":3: b: its url must"},
		{"slots: 3\nmetrics_web_config: " + whom + "\n", "tls: [\n", "metrics_web_config: "},
	} {
		write(config, c.settings)
		write(whom, c.whom)
		require.NoError(t, h.daemon.Process.Signal(syscall.SIGHUP))
		require.Eventually(t, func() bool { return failed() != nil && strings.Contains(failed().Message, c.says) }, waitLong, waitTick, c.says)
		_, err := h.Reload(t.Context())
		requireCode(t, err, api.CodeSettings)
		require.ErrorContains(t, err, c.says)
		require.Contains(t, h.said(), "the settings stay as they are")
	}
	write(config, "slots: none\n")
	_, err := h.Reload(t.Context())
	require.Error(t, err)
	m.hears("STATUS=no jobs at work; the settings stay as they are: " + err.Error())

	write(config, "slots: 2\ncards: off\nrestart_above: 7\n")
	read, err := h.Reload(t.Context())
	require.NoError(t, err)
	require.Equal(t, &api.Reload{Changed: []string{"restart_above"}, Waiting: []string{"cards"}}, read)
	require.Nil(t, failed())
	m.hears("STATUS=no jobs at work")
	write(config, "slots: 2\n")
	_, err = h.Reload(t.Context())
	require.NoError(t, err)
}

// Whom to notify is read anew, whether the setting or only the file has changed.
func TestWhomToNotifyIsReadAgain(t *testing.T) {
	t.Parallel()
	whom := filepath.Join(t.TempDir(), "notify.yaml")
	target := func(name string) string { return filepath.Join(filepath.Dir(whom), name) }
	tell := func(name string) {
		text := fmt.Sprintf("- name: %s\n  command: [sh, -c, 'cat >>%s; echo >>%s']\n  body: '{{.Job.Name}}'\n", name, target(name), target(name))
		require.NoError(t, os.WriteFile(whom, []byte(text), 0o600))
	}
	tell("first")
	h := newHouse(t)
	_, err := h.TestNotify(t.Context(), "")
	requireCode(t, err, api.CodeConflict)
	_, err = h.SetSetting(t.Context(), "notify", whom)
	require.NoError(t, err)
	job := h.train("--steps", "1", "--step-ms", "1")
	h.wait(job.ID)
	heard := func(name, text string) {
		t.Helper()
		require.Eventually(t, func() bool { got, _ := os.ReadFile(target(name)); return string(got) == text }, waitLong, waitTick)
	}
	heard("first", "trainer\n")
	h.end(syscall.SIGTERM)

	h.args = append(h.args, "--notify", whom)
	h.start()
	tell("second")
	read, err := h.Reload(t.Context())
	require.NoError(t, err)
	require.Empty(t, read.Changed, "only the file has changed")
	h.wait(h.train("--steps", "1", "--step-ms", "1").ID)
	heard("second", "trainer\n")
	heard("first", "trainer\n")
}

// said is the daemon's log.
func (h *house) said() string {
	h.t.Helper()
	text, err := os.ReadFile(h.log.Name())
	require.NoError(h.t, err)
	return string(text)
}
