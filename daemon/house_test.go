package daemon

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/pybridge"
)

// TestMain lets the test binary be the daemon that gets killed.
func TestMain(m *testing.M) {
	if pybridge.IsWorker() {
		os.Exit(pybridge.WorkerMain())
	}
	if os.Getenv("FTD_TEST_BE_DAEMON") != "" {
		os.Exit(Main(os.Args[1:], "test"))
	}
	status := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(status)
}

var built struct {
	sync.Once
	dir string
	err error
}

// shim returns a freshly built ftd-shim.
func shim(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "ftd-shim"); built.err != nil {
			return
		}
		cmd := exec.Command("go", "build", "-o", built.dir, "ftd/cmd/ftd-shim")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	require.NoError(t, built.err)
	return filepath.Join(built.dir, "ftd-shim")
}

// house is a state directory with a daemon that may be killed and started
// again, and a client.
type house struct {
	*api.Client
	t      *testing.T
	dir    string
	args   []string
	env    []string   // besides this process's own
	files  []*os.File // that systemd would hand to the daemon
	daemon *exec.Cmd
	log    *os.File
}

func newHouse(t *testing.T, args ...string) *house {
	t.Helper()
	dir, err := os.MkdirTemp("", "ftd") // t.TempDir may be too long for a socket
	require.NoError(t, err)
	log, err := os.Create(filepath.Join(dir, "daemon.log"))
	require.NoError(t, err)
	h := &house{t: t, dir: dir, log: log, Client: &api.Client{Socket: filepath.Join(dir, "ftd.sock"), Version: "test", Wait: 10 * time.Second}}
	h.args = append([]string{"--state-dir", filepath.Join(dir, "state"), "--socket", h.Socket, "--shim", shim(t),
		"--config", "/dev/null", "--env", "", "--metrics-address", "off", "--log-level", "debug"}, args...)
	h.start()
	t.Cleanup(func() {
		if h.daemon == nil {
			h.start()
		}
		// The context of the test has ended.
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		jobs, err := h.Jobs(ctx, api.JobsQuery{Active: true})
		require.NoError(t, err)
		for _, j := range jobs {
			_, _ = h.Stop(ctx, j.ID) // it may end by itself
			_, err = h.WaitJob(ctx, j.ID)
			require.NoError(t, err)
		}
		h.end(syscall.SIGTERM)
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("the daemon said:\n%s", text)
		}
		require.NoError(t, log.Close())
		require.NoError(t, os.RemoveAll(dir))
	})
	return h
}

// start starts the daemon and waits until it answers.
func (h *house) start() {
	h.t.Helper()
	h.daemon = exec.Command("/bin/sh", append([]string{"-c", `[ -z "$LISTEN_FDS" ] || export LISTEN_PID=$$; exec "$@"`, "sh", os.Args[0]}, h.args...)...)
	h.daemon.Env = append(append(os.Environ(), "FTD_TEST_BE_DAEMON=1"), h.env...)
	h.daemon.ExtraFiles = h.files
	h.daemon.Stdout, h.daemon.Stderr = h.log, h.log
	require.NoError(h.t, h.daemon.Start())
	v, err := h.GetVersion(context.Background())
	require.NoError(h.t, err)
	require.Equal(h.t, h.daemon.Process.Pid, v.PID)
}

// end ends the daemon by a signal.
func (h *house) end(by syscall.Signal) {
	h.t.Helper()
	require.NoError(h.t, h.daemon.Process.Signal(by))
	err := h.daemon.Wait()
	if by == syscall.SIGTERM {
		require.NoError(h.t, err)
	}
	h.daemon = nil
}

// train submits a training without MindSpore.
func (h *house) train(args ...string) *api.Job {
	h.t.Helper()
	trainer, err := filepath.Abs("../testdata/trainer/trainer.py")
	require.NoError(h.t, err)
	python, err := exec.LookPath("python3")
	require.NoError(h.t, err)
	job, err := h.Submit(h.t.Context(), api.Submit{Command: append([]string{python, trainer}, args...), Dir: h.dir, Name: "trainer"})
	require.NoError(h.t, err)
	return job
}

// until follows the job's events to one that passes.
func (h *house) until(job string, passes func(e api.Event) bool) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	for e, err := range h.Events(ctx, api.EventsQuery{Job: job, Follow: true}) {
		require.NoError(h.t, err)
		if passes(e) {
			return
		}
	}
	h.t.Fatal("the events ended")
}

func (h *house) wait(job string) *api.Job {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	j, err := h.WaitJob(ctx, job)
	require.NoError(h.t, err)
	return j
}

// points returns the job's points, each of which must be there once.
func (h *house) points(job string) []api.Point {
	h.t.Helper()
	var points []api.Point
	for p, err := range h.Points(h.t.Context(), job, api.PointsQuery{Limit: 7}) {
		require.NoError(h.t, err)
		points = append(points, p)
	}
	for i, p := range points {
		require.EqualValues(h.t, i+1, p.GlobalStep)
	}
	return points
}

func hasPoints(e api.Event) bool { return e.Type == api.EventPoints }

// Conditions are waited for as long as a loaded machine may need.
const (
	waitLong = time.Minute
	waitTick = 20 * time.Millisecond
)
