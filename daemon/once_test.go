package daemon

import (
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// A client whose answer was lost with the daemon asks again, and it is one job.
func TestARequestThatIsSentAgainToTheNextDaemonIsOneJob(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	between := filepath.Join(h.dir, "between.sock")
	l, err := net.Listen("unix", between)
	require.NoError(t, err)
	defer l.Close()
	handled := make(chan int, 1)
	go func() {
		n := 0
		defer func() { handled <- n }()
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			n++
			daemon, err := net.Dial("unix", h.Socket)
			if err != nil {
				client.Close()
				continue
			}
			go func() {
				_, _ = io.Copy(daemon, client)
				daemon.Close() // the client has left
			}()
			if n == 1 {
				// The daemon has answered, so the job is stored; nobody hears of it.
				_, _ = daemon.Read(make([]byte, 1))
				h.end(syscall.SIGKILL)
				h.start()
			} else {
				_, _ = io.Copy(client, daemon)
			}
			daemon.Close()
			client.Close()
		}
	}()
	sleep, err := exec.LookPath("sleep")
	require.NoError(t, err)
	client := &api.Client{Socket: between, Version: "test"}
	job, err := client.Submit(t.Context(), api.Submit{Command: []string{sleep, "60"}, Dir: h.dir, Name: "once"})
	require.NoError(t, err)
	client.Close()
	require.NoError(t, l.Close())
	require.Equal(t, 2, <-handled)
	jobs, err := h.Jobs(t.Context(), api.JobsQuery{})
	require.NoError(t, err)
	require.Len(t, jobs, 1)
	require.Equal(t, job.ID, jobs[0].ID)
}
