package engine

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/recipe"
)

func TestWaitingForRoomOnTheDisk(t *testing.T) {
	e := opened(t, t.TempDir(), &calls{})
	tries := 0
	var said bytes.Buffer
	log := zerolog.New(&said).With().Str("job", "01a").Logger()
	err := e.keepTrying(t.Context(), log, func(context.Context) error {
		if tries++; tries < 3 {
			return api.Errorf(api.CodeDiskFull, "full")
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 3, tries)
	require.Contains(t, said.String(), `"job":"01a"`)
	require.Equal(t, 1, strings.Count(said.String(), "\n"), "said once")
	err = e.keepTrying(t.Context(), log, func(context.Context) error { tries++; return errors.New("something else") })
	require.ErrorContains(t, err, "something else")
	require.Equal(t, 4, tries)
}

func TestResultsGetTheirNameLastAndAreReplaced(t *testing.T) {
	e := opened(t, t.TempDir(), &calls{})
	r := results{Engine: e}
	ctx := t.Context()
	for _, text := range []string{"first", "second"} {
		dir, err := r.Dir(ctx, "key", e.State.Path())
		require.NoError(t, err)
		file := filepath.Join(dir, "out.txt")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		outputs, err := r.Commit(ctx, "key", dir, map[string]string{"file": file, "dir": dir, "other": dir + "-not", "n": "7"})
		require.NoError(t, err)
		require.Equal(t, map[string]string{
			"file": filepath.Join(e.State.Results(), "key", "out.txt"), "dir": filepath.Join(e.State.Results(), "key"),
			"other": dir + "-not", "n": "7"}, outputs)
		found, ok, err := r.Find(ctx, "key")
		require.NoError(t, err)
		require.True(t, ok)
		data, err := os.ReadFile(found["file"])
		require.NoError(t, err)
		require.Equal(t, text, string(data))
	}
	_, err := r.Dir(ctx, "half", e.State.Path())
	require.NoError(t, err)
	e.sweep()
	entries, err := os.ReadDir(e.State.Results())
	require.NoError(t, err)
	require.Len(t, entries, 1, "only what was committed")
	require.NoError(t, r.Drop(ctx, "key"))
	_, ok, err := r.Find(ctx, "key")
	require.NoError(t, err)
	require.False(t, ok)
}

func TestHowAnErrorEndsAJob(t *testing.T) {
	for _, c := range []struct {
		err   error
		state api.State
		code  string
	}{
		{nil, api.StateSucceeded, ""},
		{recipe.ErrShutdown, "", ""},
		{recipe.ErrStop, api.StateStopped, ""},
		{&recipe.Problem{Code: "static-tls"}, api.StateFailed, "static-tls"},
		{&recipe.Problem{Code: recipe.CodeTrainingLost}, api.StateLost, recipe.CodeTrainingLost},
		{&recipe.Problem{Code: recipe.CodeInterrupted}, api.StateInterrupted, recipe.CodeInterrupted},
		{api.Errorf(api.CodeDiskFull, "x"), api.StateFailed, api.CodeDiskFull},
		{errors.New("x"), api.StateFailed, api.CodeInternal},
	} {
		state, failure := outcome(c.err)
		require.Equal(t, c.state, state, "%v", c.err)
		if c.code == "" {
			require.Nil(t, failure)
		} else {
			require.Equal(t, c.code, failure.Code)
		}
	}
}

func TestNumbersOfATrainingGoAwayAfterItsEnd(t *testing.T) {
	e := opened(t, t.TempDir(), &calls{})
	e.live.update("01", "train.1", begun(time.Now(), 0))
	e.live.checkpoints("01", "train.1", []api.Checkpoint{{Step: 1, Complete: true}, {Step: 2, Complete: true}, {Step: 3}})
	list := e.Trainings()
	require.Len(t, list, 1)
	require.Equal(t, 2, list[0].Complete)
	require.EqualValues(t, 2, list[0].Newest.Step)
	e.live.end("01")
	require.Len(t, e.Trainings(), 1, "the last numbers can still be scraped")
	e.live.jobs["01"].ended = time.Now().Add(-2 * keepEnded)
	require.Empty(t, e.Trainings())
}

func TestWhatAJobSaysHoldsNoPasswordsOfAddresses(t *testing.T) {
	const address = "https://me:geheim@example.org/w?sig=geheim"
	told := apiError(&recipe.Problem{Code: "x", Message: address + " is no file", Remedy: "look at " + address})
	require.Equal(t, "https://***@example.org/w?*** is no file; look at https://***@example.org/w?***", told.Error())
	c := opened(t, t.TempDir(), &calls{}).chatter
	c.output("01a", "step", "doctor: "+address)
	require.JSONEq(t, `{"line": "doctor: https://***@example.org/w?***"}`, string(c.take()[0].Data))
}
