package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// house is a private daemon, the whole of it but Python, in a process of its
// own that can be killed and started again.
type house struct {
	t      *testing.T
	dir    string
	socket string
	client *api.Client
	daemon *exec.Cmd
	log    *os.File
}

func newHouse(t *testing.T) *house {
	t.Helper()
	dir, err := os.MkdirTemp("", "ftctl") // t.TempDir may be too long for a socket
	require.NoError(t, err)
	log, err := os.Create(filepath.Join(dir, "daemon.log"))
	require.NoError(t, err)
	socket := filepath.Join(dir, "ftd.sock")
	h := &house{t: t, dir: dir, socket: socket, log: log, client: &api.Client{Socket: socket, Wait: 20 * time.Second}}
	t.Setenv("FTD_SOCKET", socket)
	h.open()
	t.Cleanup(h.leave)
	return h
}

// open starts the daemon and waits until it answers.
func (h *house) open() {
	h.t.Helper()
	self, err := os.Executable()
	require.NoError(h.t, err)
	h.daemon = exec.Command(self, "--state-dir", filepath.Join(h.dir, "state"), "--socket", h.socket, "--shim", shim(h.t),
		"--config", "/dev/null", "--env", "", "--metrics-address", "off", "--slots", "2")
	h.daemon.Env = append(os.Environ(), asDaemon+"=1")
	h.daemon.Stdout, h.daemon.Stderr = h.log, h.log
	require.NoError(h.t, h.daemon.Start())
	_, err = h.client.GetVersion(context.Background())
	require.NoError(h.t, err)
}

// kill ends the daemon as a crash would.
func (h *house) kill() {
	h.t.Helper()
	require.NoError(h.t, h.daemon.Process.Kill())
	_ = h.daemon.Wait() // says that it was killed
}

// leave stops what still runs, and the daemon.
func (h *house) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	jobs, err := h.client.Jobs(ctx, api.JobsQuery{Active: true})
	require.NoError(h.t, err)
	for _, j := range jobs {
		_, _ = h.client.Stop(ctx, j.ID) // it may end by itself
		_, err = h.client.WaitJob(ctx, j.ID)
		require.NoError(h.t, err)
	}
	h.client.Close()
	require.NoError(h.t, h.daemon.Process.Signal(syscall.SIGTERM))
	require.NoError(h.t, h.daemon.Wait())
	if h.t.Failed() {
		text, _ := os.ReadFile(h.log.Name())
		h.t.Logf("the daemon said:\n%s", text)
	}
	require.NoError(h.t, h.log.Close())
	require.NoError(h.t, os.RemoveAll(h.dir))
}

// submit hands in a command without ftctl.
func (h *house) submit(command ...string) string {
	h.t.Helper()
	job, err := h.client.Submit(h.t.Context(), api.Submit{Command: command, Dir: h.dir})
	require.NoError(h.t, err)
	return job.ID
}

func (h *house) job(id string) *api.Job {
	h.t.Helper()
	job, err := h.client.Job(h.t.Context(), id)
	require.NoError(h.t, err)
	return job
}

// ended waits for the end of a job.
func (h *house) ended(id string) *api.Job {
	h.t.Helper()
	job, err := h.client.WaitJob(h.t.Context(), id)
	require.NoError(h.t, err)
	return job
}

// submitted waits for the newest job, which ftctl is about to submit.
func (h *house) submitted() string {
	h.t.Helper()
	var id string
	eventually(h.t, "the job", func() bool {
		jobs, err := h.client.Jobs(h.t.Context(), api.JobsQuery{Limit: 1})
		require.NoError(h.t, err)
		if len(jobs) == 1 {
			id = jobs[0].ID
		}
		return id != ""
	})
	return id
}

var built struct {
	sync.Once
	dir string
	out []byte
	err error
}

// shim returns a freshly built ftd-shim.
func shim(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "ftd-shim"); built.err == nil {
			cmd := exec.Command("go", "build", "-o", built.dir, "ftd/cmd/ftd-shim")
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
			built.out, built.err = cmd.CombinedOutput()
		}
	})
	require.NoError(t, built.err, "%s", built.out)
	return filepath.Join(built.dir, "ftd-shim")
}
