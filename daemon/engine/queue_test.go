package engine

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/daemon/cards"
	"ftd/launcher/devices"
	"ftd/recipe"
)

func TestTheLineForASlot(t *testing.T) {
	dir := t.TempDir()
	var mu sync.Mutex
	var order []string
	begun := make(chan struct{}, 10)
	hold := &calls{call: func(ctx context.Context, _ recipe.PythonCall) (json.RawMessage, error) {
		begun <- struct{}{}
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}}
	e, closeAll, err := open(dir, hold, zerolog.Nop())
	require.NoError(t, err)
	submit := func(name string, priority int) api.Job {
		job, err := e.Submit(t.Context(), api.Submit{Recipe: "tiny-llama", Name: name, Force: true, Priority: priority,
			Env: map[string]string{"WHO": name}})
		require.NoError(t, err)
		return job
	}
	for _, name := range []string{"one", "two"} {
		require.Nil(t, submit(name, 0).Waiting)
		<-begun
	}
	later := submit("later", 0)
	require.Equal(t, &api.Waiting{For: api.WaitForSlot, Position: 1, Since: later.Created,
		Reason: "as many jobs are at work as there are slots"}, later.Waiting)
	last := submit("last", -5)
	require.Equal(t, 2, last.Waiting.Position)
	urgent := submit("urgent", 5)
	require.Equal(t, 5, urgent.Priority)
	require.Equal(t, 1, urgent.Waiting.Position)
	second := submit("urgent too", 5)
	require.Equal(t, 2, second.Waiting.Position)
	list, err := e.Jobs(t.Context(), api.JobsQuery{Active: true, Limit: 100})
	require.NoError(t, err)
	positions := map[string]int{}
	for _, j := range list {
		if j.Waiting != nil {
			positions[j.Name] = j.Waiting.Position
		}
	}
	line := map[string]int{"urgent": 1, "urgent too": 2, "later": 3, "last": 4}
	require.Equal(t, line, positions)
	require.Equal(t, 4, e.Queues()[api.WaitForSlot].Length)
	require.Equal(t, later.Created, e.Queues()[api.WaitForSlot].Oldest)
	_, err = e.Submit(t.Context(), api.Submit{Recipe: "tiny-llama", Priority: 1001})
	require.ErrorContains(t, err, "from -1000 to 1000")
	require.NoError(t, closeAll())

	// The next daemon goes on in the same order, with what ran first.
	next := &calls{call: func(_ context.Context, c recipe.PythonCall) (json.RawMessage, error) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, c.Env["WHO"])
		return nil, errors.New("enough seen")
	}}
	e, closeAll, err = openWith(dir, next, zerolog.Nop(), 1)
	require.NoError(t, err)
	defer func() { require.NoError(t, closeAll()) }()
	ended(t, e, last.ID)
	for _, name := range []string{"one", "two", "later", "urgent", "urgent too"} {
		ended(t, e, name)
	}
	require.ElementsMatch(t, []string{"one", "two"}, order[:2])
	require.Equal(t, []string{"urgent", "urgent too", "later", "last"}, order[2:])
}

func TestAJobInLineCanBeStopped(t *testing.T) {
	hold := &calls{call: func(ctx context.Context, _ recipe.PythonCall) (json.RawMessage, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}}
	e := opened(t, t.TempDir(), hold)
	var jobs []api.Job
	for range 4 {
		job, err := e.Submit(t.Context(), api.Submit{Recipe: "tiny-llama", Force: true})
		require.NoError(t, err)
		jobs = append(jobs, job)
	}
	_, err := e.Stop(t.Context(), jobs[2].ID)
	require.NoError(t, err)
	job, err := e.Job(t.Context(), jobs[3].ID)
	require.NoError(t, err)
	require.Equal(t, 1, job.Waiting.Position)
	job, err = e.Job(t.Context(), jobs[2].ID)
	require.NoError(t, err)
	require.Nil(t, job.Waiting)
}

func TestOrdinals(t *testing.T) {
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 112: "112th"} {
		require.Equal(t, want, ordinal(n))
	}
}

func TestCardsThatStayInUseAreTold(t *testing.T) {
	e := opened(t, t.TempDir(), &calls{})
	e.cardsLeft(cards.Lease{Job: "01", Attempt: "train.2", Cards: []int{3}}, &devices.Occupied{Devices: []devices.Device{
		{Logical: 3, Memory: devices.Memory{Used: 60000, Total: 65536, HBM: true}},
	}})
	events := pages(t, e, "01")
	require.Len(t, events, 1)
	require.Equal(t, api.EventProblem, events[0].Type)
	require.Equal(t, "train", events[0].Step)
	var told api.Error
	require.NoError(t, json.Unmarshal(events[0].Data, &told))
	require.Equal(t, "card-occupied", told.Code)
	require.Equal(t, "after the training, card 3 is still used by a process that is not in sight: its memory is in use (60000 of 65536 MB)", told.Message)
}
