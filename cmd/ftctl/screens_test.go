package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

func failure() *api.Error {
	return &api.Error{
		Code:    "static-tls",
		Message: "libgomp could not be loaded: cannot allocate memory in static TLS block",
		Remedy:  "put the environment's libgomp first with LD_PRELOAD; `ftctl env explain` shows which",
		Source:  "/state/runs/j/train.1/rank_0.log:17",
		Excerpt: []string{"Traceback (most recent call last):", "ImportError: cannot allocate memory in \x1b[31mstatic TLS block"},
	}
}

func jobList() []api.Job {
	ended := endedJob(api.StateFailed, failure())
	ended.ID, ended.Name = "01k9xq4t8maaaaaaaaaaaaaaaa", "a name with\ta tab"
	queued := api.Job{ID: "01k9xz00000000000000000000", Recipe: "tiny-llama", State: api.StateQueued, Created: *at(time.Minute)}
	return []api.Job{queued, trainedJob(), ended}
}

func TestScreenOfPs(t *testing.T) {
	var out bytes.Buffer
	writeJobs(&out, jobList(), false, *at(3 * time.Minute))
	golden(t, "ps.txt", out.String())
}

func TestScreenOfPsWide(t *testing.T) {
	var out bytes.Buffer
	writeJobs(&out, jobList(), true, *at(3 * time.Minute))
	golden(t, "ps-wide.txt", out.String())
}

func TestScreenOfPsWithoutJobs(t *testing.T) {
	var out bytes.Buffer
	writeJobs(&out, nil, false, noon)
	require.Equal(t, "JOB   NAME   STATE   PHASE   STEP   LOSS   LEFT   CREATED\n", out.String())
}

func TestScreenOfShow(t *testing.T) {
	var out bytes.Buffer
	job := trainedJob()
	writeJob(&out, &job, *at(time.Minute), palette{})
	golden(t, "show.txt", out.String())
}

func TestScreenOfShowFailed(t *testing.T) {
	var out bytes.Buffer
	job := endedJob(api.StateFailed, failure())
	writeJob(&out, &job, *at(time.Minute), palette{})
	golden(t, "show-failed.txt", out.String())
}

func TestScreenOfASuccess(t *testing.T) {
	var out bytes.Buffer
	job := endedJob(api.StateSucceeded, nil)
	writeEnding(&out, &job, losses(falling(100)...), 80, palette{})
	golden(t, "ending.txt", out.String())
}

func TestScreenOfAFailure(t *testing.T) {
	var out bytes.Buffer
	job := endedJob(api.StateFailed, failure())
	job.Training = nil
	writeEnding(&out, &job, nil, 80, palette{})
	golden(t, "ending-failed.txt", out.String())
}

func TestScreenOfAStoppedJob(t *testing.T) {
	var out bytes.Buffer
	writeEnding(&out, &api.Job{ID: "01k9", State: api.StateStopped}, nil, 80, palette{})
	require.Equal(t, "job 01k9 is stopped\n", out.String())
}

func TestErrorsForPeopleAndForPrograms(t *testing.T) {
	var people, programs bytes.Buffer
	printError(&people, failure(), false, palette{on: true})
	golden(t, "error.txt", people.String())
	require.Contains(t, people.String(), "allocate memory in static TLS", "a log must not colour the terminal")

	printError(&programs, failure(), true, palette{})
	require.JSONEq(t, `{"code":"static-tls",
		"message":"libgomp could not be loaded: cannot allocate memory in static TLS block",
		"remedy":"put the environment's libgomp first with LD_PRELOAD; `+"`ftctl env explain`"+` shows which",
		"source":"/state/runs/j/train.1/rank_0.log:17",
		"excerpt":["Traceback (most recent call last):","ImportError: cannot allocate memory in \u001b[31mstatic TLS block"]}`,
		programs.String())
}

func TestPointsAsATableAndAsCSV(t *testing.T) {
	points := losses(5.25, 5.125)
	points[1].LR, points[1].Overflow = nil, ptr(true)
	for format, want := range map[string]string{
		"text": "STEP      EPOCH  LOSS       LR          S/STEP   OVERFLOW  SCALE\n" +
			"1         1      5.250      1e-05       0.031    no        4096\n" +
			"2         1      5.125      -           0.031    yes       4096\n",
		"csv": "attempt,rank,time,epoch,step,total,global_step,loss,lr,step_ms,overflow,loss_scale,global_norm\n" +
			"train.1,0,2026-03-01T12:00:00Z,1,1,2,1,5.25,1e-05,31,false,4096,\n" +
			"train.1,0,2026-03-01T12:00:01Z,1,2,2,2,5.125,,31,true,4096,\n",
	} {
		var out bytes.Buffer
		w := newPointWriter(&out, format)
		for i := range points {
			require.NoError(t, w.write(&points[i]))
		}
		require.NoError(t, w.flush())
		require.Equal(t, want, out.String())
	}
}
