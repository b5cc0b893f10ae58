package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/daemon/journal"
	"ftd/daemon/server"
	"ftd/recipe"
)

// house is a daemon without its engine: the real server on a real socket over
// a real journal, in which the test writes what a job does, so that it can
// stop the clock in the middle of a compile phase. The stories with the whole
// daemon are told in package cmd_test.
type house struct {
	t       *testing.T
	dir     string
	socket  string
	journal *journal.Journal
	server  *server.Server
	served  chan error

	mu       sync.Mutex
	training *api.Training
	stopped  chan string // ids of jobs that were asked to stop
}

func newHouse(t *testing.T) *house {
	t.Helper()
	dir, err := os.MkdirTemp("", "ftctl") // t.TempDir is too long for a socket
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	h := &house{t: t, dir: dir, socket: filepath.Join(dir, "s", "ftd.sock"), stopped: make(chan string, 10)}
	h.journal, _, err = journal.Open(t.Context(), filepath.Join(dir, "journal.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.journal.Close()) })
	t.Setenv("FTD_SOCKET", h.socket)
	h.open()
	t.Cleanup(h.shut)
	return h
}

// open begins to serve, shut ends it; a daemon that is restarted does both.
func (h *house) open() {
	h.t.Helper()
	l, err := server.Listen(h.socket, false)
	require.NoError(h.t, err)
	h.server = server.New(server.Config{
		Jobs: engine{h}, Journal: h.journal, Metrics: http.NotFoundHandler(), Log: zerolog.Nop(),
		Version: func() api.Version {
			return api.Version{Version: "test", API: api.APIVersion, PID: os.Getpid(), State: h.dir}
		},
		Access: server.Access{Owner: uint32(os.Getuid())},
	})
	h.served = make(chan error, 1)
	go func(s *server.Server) { h.served <- s.Serve(l) }(h.server)
}

func (h *house) shut() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	require.NoError(h.t, h.server.Shutdown(ctx))
	require.NoError(h.t, <-h.served)
}

// engine answers from the journal; it carries nothing out.
type engine struct{ *house }

func (e engine) Submit(ctx context.Context, s api.Submit) (api.Job, error) {
	r := recipe.ForCommand(s.Command, s.Dir, s.Name)
	if s.Recipe != "" {
		var err error
		if r, err = recipe.Load(s.Recipe); err != nil {
			return api.Job{}, asError(err)
		}
	}
	jobs, err := e.journal.Jobs(ctx, journal.JobsQuery{Limit: 100})
	if err != nil {
		return api.Job{}, err
	}
	job := api.Job{ID: fmt.Sprintf("01k9xq4t8m%016d", len(jobs)+1), Name: r.Name, Recipe: s.Recipe, State: api.StateQueued,
		Created: time.Now(), Dir: filepath.Join(e.dir, "runs")}
	if s.Name != "" {
		job.Name = s.Name
	}
	for _, step := range r.Order() {
		job.Steps = append(job.Steps, api.Step{ID: step.ID, Uses: step.Uses, State: api.StateQueued})
	}
	if err := e.journal.CreateJob(ctx, job, s); err != nil {
		return api.Job{}, err
	}
	return e.Job(ctx, job.ID)
}

func (e engine) Job(ctx context.Context, ref string) (api.Job, error) {
	id, err := e.journal.Resolve(ctx, ref)
	if err != nil {
		return api.Job{}, err
	}
	job, err := e.journal.Job(ctx, id)
	e.mu.Lock()
	defer e.mu.Unlock()
	if t := e.training; t != nil {
		copied := *t
		job.Training = &copied
	}
	return job, err
}

func (e engine) Jobs(ctx context.Context, q api.JobsQuery) ([]api.Job, error) {
	return e.journal.Jobs(ctx, journal.JobsQuery{Active: q.Active, Before: q.Before, Limit: max(q.Limit, 100)})
}

func (e engine) Stop(ctx context.Context, ref string) (api.Job, error) {
	id, err := e.journal.Resolve(ctx, ref)
	if err == nil {
		_, err = e.journal.SetJob(ctx, id, api.StateStopping, nil)
	}
	if err != nil {
		return api.Job{}, err
	}
	e.stopped <- id
	return e.Job(ctx, id)
}

func (e engine) Remove(ctx context.Context, ref string, checkpoints bool) error {
	id, err := e.journal.Resolve(ctx, ref)
	if err != nil {
		return err
	}
	if !checkpoints && e.training != nil {
		return api.Errorf(api.CodeConflict, "job %s holds checkpoints", id).WithRemedy("add --checkpoints")
	}
	return e.journal.RemoveJob(ctx, id)
}

func (e engine) Recipes() ([]api.Recipe, error) { return nil, nil }

func (e engine) Call(_ context.Context, r api.CallRequest) (api.CallResult, error) {
	if r.Function == "fail" {
		return api.CallResult{}, api.Errorf(api.CodePython, "ValueError: no")
	}
	return api.CallResult{Result: r.Args, Output: "printed\n", Seconds: 0.1}, nil
}

// What follows writes into the journal what the daemon would.

func (h *house) submit(command ...string) string {
	h.t.Helper()
	job, err := engine{h}.Submit(h.t.Context(), api.Submit{Command: command, Dir: h.dir})
	require.NoError(h.t, err)
	return job.ID
}

func (h *house) setJob(id string, s api.State, failure *api.Error) {
	h.t.Helper()
	_, err := h.journal.SetJob(h.t.Context(), id, s, failure)
	require.NoError(h.t, err)
}

func (h *house) setStep(id, step string, s api.State) {
	h.t.Helper()
	require.NoError(h.t, h.journal.SetStep(h.t.Context(), id, api.Step{ID: step, State: s}, time.Now()))
}

// begin starts the job and an attempt at its training.
func (h *house) begin(id string) {
	h.t.Helper()
	h.setJob(id, api.StateRunning, nil)
	h.setStep(id, "train", api.StateRunning)
	_, err := h.journal.BeginAttempt(h.t.Context(), id, "train", "boot",
		func(attempt string) string { return filepath.Join(h.dir, "runs", attempt) })
	require.NoError(h.t, err)
}

// logged stores what was read from the training's log.
func (h *house) logged(id string, t api.Training, points ...api.Point) {
	h.t.Helper()
	t.Attempt = "train.1"
	h.mu.Lock()
	h.training = &t
	h.mu.Unlock()
	require.NoError(h.t, h.journal.AddBatch(h.t.Context(), journal.Batch{Job: id, Step: "train", Attempt: "train.1",
		File: "1:1", Path: "rank_0.log", Parser: []byte("{}"), Tracker: []byte("{}"), Points: points,
		Phases: []api.PhaseChange{{Phase: t.Phase, Since: t.PhaseSince}}}))
}

func (h *house) end(id string, s api.State, failure *api.Error) {
	h.t.Helper()
	h.setStep(id, "train", s)
	h.setJob(id, s, failure)
}
