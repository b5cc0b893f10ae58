package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// background runs ftctl while the test goes on.
func background(t *testing.T, args ...string) func() (out, talk string, status int) {
	t.Helper()
	type result struct {
		out, talk string
		status    int
	}
	done := make(chan result, 1)
	go func() {
		out, talk, status := run(t, args...)
		done <- result{out, talk, status}
	}()
	return func() (string, string, int) {
		t.Helper()
		select {
		case r := <-done:
			return r.out, r.talk, r.status
		case <-time.After(30 * time.Second):
			t.Fatal("ftctl did not end")
			panic("unreachable")
		}
	}
}

// eventually waits for a condition of the world outside.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s", what)
		}
		<-tick.C
	}
}

// submitted waits for the only job of the house.
func (h *house) submitted() string {
	h.t.Helper()
	var id string
	eventually(h.t, "the job", func() bool {
		jobs, err := engine{h}.Jobs(h.t.Context(), api.JobsQuery{})
		require.NoError(h.t, err)
		if len(jobs) == 1 {
			id = jobs[0].ID
		}
		return id != ""
	})
	return id
}

func (h *house) train(id string) {
	h.begin(id)
	since := time.Now()
	h.logged(id, api.Training{Phase: api.PhaseCompiling, PhaseSince: since})
	points := losses(falling(10)...)
	t := api.Training{Phase: api.PhaseTraining, PhaseSince: since.Add(7 * time.Second), Last: &points[9], StepsDone: 10,
		StepsTotal: 10, StepSeconds: 0.031, SamplesPerSec: 18.2, SecondsLeft: api.Float(0).Ptr(),
		Checkpoints: []api.Checkpoint{{Path: "/d/llama-10_1.ckpt", Complete: true, Tensors: 112, Bytes: 1_400_000, Step: 10}}}
	h.logged(id, t, points...)
	require.NoError(h.t, h.journal.AddCheckpoint(h.t.Context(), id, "train", "train.1", t.Checkpoints[0]))
}

func TestRunFollowsToASuccess(t *testing.T) {
	h := newHouse(t)
	result := background(t, "train", "--name", "first", "--", "python", "train.py", "--lr", "1")
	id := h.submitted()
	h.train(id)
	h.end(id, api.StateSucceeded, nil)
	out, talk, status := result()
	require.Zero(t, status, talk)
	require.Contains(t, talk, "job "+id+" (first)")
	for _, words := range []string{"train: running\n", "compiling, nothing is wrong", "compiled in 7.0 s", "step 10/10  loss ",
		"18.2 samples/s", "train: succeeded after", "┤", "overflow    0 steps",
		"checkpoint  /d/llama-10_1.ckpt (step 10, 112 tensors, 1.4 MB, verified)", "job " + id + " succeeded in"} {
		require.Contains(t, out, words)
	}
	require.NotContains(t, out, "\x1b", "no terminal, no escapes")
	submit, err := h.journal.Submitted(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []string{"python", "train.py", "--lr", "1"}, submit.Command)
}

func TestRunTellsAFailure(t *testing.T) {
	h := newHouse(t)
	result := background(t, "train", "false")
	id := h.submitted()
	h.begin(id)
	h.end(id, api.StateFailed, failure())
	out, talk, status := result()
	require.Equal(t, exitJob, status)
	require.Contains(t, out, "error: "+failure().Message)
	require.Contains(t, out, "what to do: "+failure().Remedy)
	require.NotContains(t, talk, failure().Message, "once is enough")
}

func TestRunAsJSON(t *testing.T) {
	h := newHouse(t)
	result := background(t, "train", "-o", "json", "--", "false")
	id := h.submitted()
	h.begin(id)
	h.end(id, api.StateFailed, failure())
	out, talk, status := result()
	require.Equal(t, exitJob, status)
	var job api.Job
	require.NoError(t, json.Unmarshal([]byte(out), &job))
	require.Equal(t, api.StateFailed, job.State)
	var e api.Error
	require.NoError(t, json.Unmarshal([]byte(talk), &e), "stderr holds the error and nothing else: %s", talk)
	require.Equal(t, *failure(), e)
}

func TestRunDetached(t *testing.T) {
	h := newHouse(t)
	out, talk, status := run(t, "run", "tiny-llama", "--detach", "--set", "steps=3", "--set", "a=b=c")
	require.Zero(t, status, talk)
	id := strings.TrimSpace(out)
	require.Contains(t, talk, "ftctl wait "+id)
	submit, err := h.journal.Submitted(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"steps": "3", "a": "b=c"}, submit.Vars)

	out, talk, status = run(t, "run", "tiny-llama", "-d", "-o", "json")
	require.Zero(t, status)
	require.Empty(t, talk)
	var job api.Job
	require.NoError(t, json.Unmarshal([]byte(out), &job))
	require.Equal(t, api.StateQueued, job.State)
}

func TestWaitSaysHowTheJobEnded(t *testing.T) {
	h := newHouse(t)
	id := h.submit("true")
	_, talk, status := run(t, "wait", "--timeout", "50ms", id)
	require.Equal(t, exitTimeout, status)
	require.Contains(t, talk, "it goes on")

	result := background(t, "wait", "-q", id[:24])
	h.begin(id)
	h.end(id, api.StateSucceeded, nil)
	out, talk, status := result()
	require.Zero(t, status)
	require.Empty(t, out+talk)

	stopped := h.submit("true")
	h.setJob(stopped, api.StateStopped, nil)
	_, _, status = run(t, "wait", stopped)
	require.Equal(t, exitJob, status)
	_, _, status = run(t, "wait", "01NOSUCHJOB")
	require.Equal(t, exitNotFound, status)
}

// A daemon that is restarted costs its followers nothing.
func TestAFollowerOutlivesTheDaemon(t *testing.T) {
	h := newHouse(t)
	result := background(t, "train", "true")
	id := h.submitted()
	h.train(id)
	h.shut()
	h.end(id, api.StateSucceeded, nil)
	h.open()
	out, talk, status := result()
	require.Zero(t, status, talk)
	require.Equal(t, 1, strings.Count(out, "step 10/10"), out)
	require.Equal(t, 1, strings.Count(out, "train: succeeded"), out)
}
