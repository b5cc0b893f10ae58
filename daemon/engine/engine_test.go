package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ftd/api"
	"ftd/daemon/journal"
	"ftd/daemon/statedir"
	"ftd/recipe"
)

// TestMain lets the test binary be a daemon that a Python step takes down.
func TestMain(m *testing.M) {
	if dir := os.Getenv("FTD_TEST_CRASH_IN"); dir != "" {
		crash(dir)
		return
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

// calls is a Python of which only the calls matter.
type calls struct {
	mu   sync.Mutex
	made []recipe.PythonCall
	call func(ctx context.Context, c recipe.PythonCall) (json.RawMessage, error)
}

func (p *calls) Interpreter() string { return "" }

func (p *calls) Call(ctx context.Context, c recipe.PythonCall) (json.RawMessage, error) {
	p.mu.Lock()
	p.made = append(p.made, c)
	p.mu.Unlock()
	return p.call(ctx, c)
}

func (p *calls) Query(context.Context, api.CallRequest) (json.RawMessage, string, error) {
	return nil, "", errors.New("not here")
}

// open opens an engine on a state directory.
func open(dir string, p Python, log zerolog.Logger) (e *Engine, closeAll func() error, err error) {
	return openWith(dir, p, log, 2)
}

// openWith opens an engine with so many slots.
func openWith(dir string, p Python, log zerolog.Logger, slots int) (e *Engine, closeAll func() error, err error) {
	state, err := statedir.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	j, _, err := journal.Open(context.Background(), state.Journal())
	if err != nil {
		return nil, nil, err
	}
	e, err = New(Config{Journal: j, State: state, Python: p, Slots: slots, Log: log})
	if err != nil {
		return nil, nil, err
	}
	return e, func() error {
		return errors.Join(e.Close(context.Background()), j.Close(), state.Close())
	}, e.Start(context.Background())
}

func opened(t *testing.T, dir string, p Python) *Engine {
	t.Helper()
	e, closeAll, err := open(dir, p, zerolog.New(zerolog.NewTestWriter(t)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, closeAll()) })
	return e
}

// ended waits for the end of a job, event by event.
func ended(t *testing.T, e *Engine, id string) api.Job {
	t.Helper()
	for {
		_, changed := e.Journal.LastEvent()
		job, err := e.Job(t.Context(), id)
		require.NoError(t, err)
		if job.State.Ended() {
			return job
		}
		<-changed
	}
}

// crash runs a job until its first Python call kills this process, as a fault
// in a C extension does.
func crash(dir string) {
	die := &calls{call: func(context.Context, recipe.PythonCall) (json.RawMessage, error) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}}
	e, _, err := open(dir, die, zerolog.New(os.Stderr))
	if err == nil {
		_, err = e.Submit(context.Background(), api.Submit{Recipe: "tiny-llama", Name: "crash"})
	}
	if err != nil {
		panic(err)
	}
	select {}
}

func TestAStepThatTookTheDaemonDownRunsIsolatedFromThenOn(t *testing.T) {
	dir := t.TempDir()
	var said bytes.Buffer
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "FTD_TEST_CRASH_IN="+dir)
	cmd.Stderr = &said
	require.Error(t, cmd.Run())
	require.Equal(t, syscall.SIGKILL, cmd.ProcessState.Sys().(syscall.WaitStatus).Signal(), said.String())

	refused := &calls{call: func(context.Context, recipe.PythonCall) (json.RawMessage, error) {
		return nil, errors.New("enough seen")
	}}
	e := opened(t, dir, refused)
	job := ended(t, e, "crash")
	require.Equal(t, api.StateFailed, job.State)
	require.Len(t, refused.made, 1)
	require.True(t, refused.made[0].Isolated)

	// The same step in another job is the same danger.
	next, err := e.Submit(t.Context(), api.Submit{Recipe: "tiny-llama", Name: "next"})
	require.NoError(t, err)
	ended(t, e, next.ID)
	require.Len(t, refused.made, 2)
	require.True(t, refused.made[1].Isolated)
}

func TestAStepThatOnlyFailsIsNotIsolated(t *testing.T) {
	dir := t.TempDir()
	refuse := &calls{call: func(context.Context, recipe.PythonCall) (json.RawMessage, error) { return nil, errors.New("no") }}
	e := opened(t, dir, refuse)
	for range 2 {
		job, err := e.Submit(t.Context(), api.Submit{Recipe: "tiny-llama"})
		require.NoError(t, err)
		require.Equal(t, api.StateFailed, ended(t, e, job.ID).State)
	}
	require.Len(t, refuse.made, 2)
	require.False(t, refuse.made[0].Isolated)
	require.False(t, refuse.made[1].Isolated)
}

func TestAStepThatPanicsFailsItsJobAndNoOther(t *testing.T) {
	waits := make(chan struct{})
	p := &calls{}
	p.call = func(_ context.Context, c recipe.PythonCall) (json.RawMessage, error) {
		if c.Env["WHO"] == "clumsy" {
			panic("on purpose")
		}
		<-waits
		return nil, errors.New("done waiting")
	}
	e := opened(t, t.TempDir(), p)
	good, err := e.Submit(t.Context(), api.Submit{Recipe: "tiny-llama", Force: true})
	require.NoError(t, err)
	clumsy, err := e.Submit(t.Context(), api.Submit{Recipe: "tiny-llama", Env: map[string]string{"WHO": "clumsy"}, Force: true})
	require.NoError(t, err)
	require.Equal(t, api.CodeInternal, ended(t, e, clumsy.ID).Error.Code)
	now, err := e.Job(t.Context(), good.ID)
	require.NoError(t, err)
	require.Equal(t, api.StateRunning, now.State)
	close(waits)
	require.Contains(t, ended(t, e, good.ID).Error.Message, "done waiting")
}

func TestAShutdownLeavesTheJobForTheNextDaemon(t *testing.T) {
	dir := t.TempDir()
	begun := make(chan struct{})
	p := &calls{call: func(ctx context.Context, _ recipe.PythonCall) (json.RawMessage, error) {
		close(begun)
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}}
	e, closeAll, err := open(dir, p, zerolog.Nop())
	require.NoError(t, err)
	job, err := e.Submit(t.Context(), api.Submit{Recipe: "tiny-llama"})
	require.NoError(t, err)
	<-begun
	require.NoError(t, closeAll())

	again := &calls{call: func(context.Context, recipe.PythonCall) (json.RawMessage, error) {
		return nil, errors.New("enough seen")
	}}
	e = opened(t, dir, again)
	after := ended(t, e, job.ID)
	require.Len(t, again.made, 1, "the step was begun again")
	require.False(t, again.made[0].Isolated, "an orderly shutdown is no crash")
	require.Equal(t, api.StateSucceeded, after.Steps[0].State)
	require.Len(t, after.Steps[0].Attempts, 1, "what was done stayed done")
}

// pages reads all events of a job, page by page.
func pages(t *testing.T, e *Engine, job string) (all []api.Event) {
	t.Helper()
	after := int64(0)
	for more := true; more; {
		page, again, err := e.Journal.Page(t.Context(), after, job)
		require.NoError(t, err)
		if all, more = append(all, page...), again; len(page) > 0 {
			after = page[len(page)-1].ID
		}
	}
	return all
}

func TestWhatStepsSayIsTold(t *testing.T) {
	var e *Engine
	p := &calls{}
	p.call = func(_ context.Context, c recipe.PythonCall) (json.RawMessage, error) {
		_, changed := e.Journal.LastEvent()
		for n := range int64(900) {
			c.Progress(n, 1000, "rows")
		}
		<-changed // told; what follows comes too soon for the next time
		c.Progress(999, 1000, "rows")
		c.Output("hello")
		return nil, errors.New("enough said")
	}
	e = opened(t, t.TempDir(), p)
	job, err := e.Submit(t.Context(), api.Submit{Recipe: "tiny-llama"})
	require.NoError(t, err)
	ended(t, e, job.ID)
	events := pages(t, e, job.ID)
	var last api.Progress
	told, heard, over := 0, false, false
	for _, ev := range events {
		switch ev.Type {
		case api.EventProgress:
			told++
			require.NoError(t, json.Unmarshal(ev.Data, &last))
			require.False(t, over, "before the step's end")
		case api.EventOutput:
			heard = true
			require.JSONEq(t, `{"line":"hello"}`, string(ev.Data))
		case api.EventStep:
			var s api.Step
			require.NoError(t, json.Unmarshal(ev.Data, &s))
			over = over || s.State == api.StateFailed
		}
	}
	require.True(t, heard)
	require.Equal(t, api.Progress{Done: 999, Total: 1000, Note: "rows"}, last)
	require.Less(t, told, 100, "only the newest counts")
}
