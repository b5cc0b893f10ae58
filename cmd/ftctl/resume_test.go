package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

func TestResumeGoesOnWhereItStopped(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	id := h.submit(s.command()...)
	s.steps(1, 3, 5)
	s.exit(1)
	require.Equal(t, api.StateFailed, h.ended(id).State)
	s.steps(1, 5, 5)
	s.exit(0)
	out, talk, status := run(t, "resume", id)
	require.Zero(t, status, talk)
	require.Contains(t, out, "succeeded")
	job := h.job(id)
	require.Equal(t, api.StateSucceeded, job.State)
	require.Nil(t, job.Error)
	require.Len(t, job.Steps[0].Attempts, 2, "the same job, a further attempt")
	require.Equal(t, api.StateFailed, job.Steps[0].Attempts[0].State, "what was is not rewritten")
	points, _, _ := run(t, "loss", id, "-o", "csv")
	require.Contains(t, points, "train.2")
	require.NotContains(t, points, "train.1,", "the steps it did again count")

	_, talk, status = run(t, "resume", id)
	require.Equal(t, exitFailed, status)
	require.Contains(t, talk, "nothing left to do")
	require.Contains(t, talk, "what to do: ")
}

func TestResumeOfAStoppedJobAndOfOneAtWork(t *testing.T) {
	h := newHouse(t)
	marker := filepath.Join(h.dir, "second")
	id := h.submit("sh", "-c", "[ -e "+marker+" ] && exit 0; touch "+marker+"; sleep 600")
	eventually(t, "its work", func() bool { return len(h.job(id).Steps[0].Attempts) == 1 })
	_, talk, status := run(t, "resume", id)
	require.Equal(t, exitFailed, status)
	require.Contains(t, talk, "has not ended")
	require.Contains(t, talk, "ftctl stop "+id)
	eventually(t, "the marker", func() bool { m, _ := filepath.Glob(marker); return len(m) == 1 })
	_, _, status = run(t, "stop", id)
	require.Zero(t, status)
	out, talk, status := run(t, "resume", "-d", id[:12])
	require.Zero(t, status, talk)
	require.Equal(t, id+"\n", out)
	require.Equal(t, api.StateSucceeded, h.ended(id).State)
	_, talk, status = run(t, "resume", "nobody")
	require.Equal(t, exitNotFound, status)
	require.Contains(t, talk, "what to do: ")
}

// A daemon that is killed meanwhile remembers what was resumed.
func TestAResumedJobOutlivesTheDaemon(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	id := h.submit(s.command()...)
	s.exit(1)
	h.ended(id)
	_, talk, status := run(t, "resume", "-d", id)
	require.Zero(t, status, talk)
	eventually(t, "its second attempt", func() bool { return len(h.job(id).Steps[0].Attempts) == 2 })
	h.kill()
	h.open()
	s.exit(0)
	require.Equal(t, api.StateSucceeded, h.ended(id).State)
	require.Len(t, h.job(id).Steps[0].Attempts, 2)
}
