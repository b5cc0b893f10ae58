package daemon

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/launcher"
)

func TestACommandIsTrainedToItsEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	job := h.train("--steps", "30", "--step-ms", "5", "--save-every", "10", "--out", "output")
	require.Equal(t, "trainer", job.Name)
	ended := h.wait(job.ID)
	require.Equal(t, api.StateSucceeded, ended.State, "%+v", ended.Error)
	require.Len(t, h.points(job.ID), 30)
	training := ended.Training
	require.NotNil(t, training)
	require.EqualValues(t, 30, training.StepsDone)
	require.EqualValues(t, 30, training.StepsTotal)
	require.NotEmpty(t, training.Checkpoints)
	for _, c := range training.Checkpoints {
		require.True(t, c.Complete, c.Reason)
	}
	require.NotNil(t, training.CompileBegan)
	require.NotNil(t, training.CompileEnded)
	require.EqualValues(t, 0, *training.SecondsLeft)
	attempt := ended.Steps[0].Attempts[0]
	require.Equal(t, 0, *attempt.ExitCode)
	require.Equal(t, filepath.Join(h.dir, "state", "runs", job.ID, "train.1"), attempt.Dir)

	logs, err := h.Logs(t.Context(), job.ID[:12], api.LogsQuery{Tail: 3})
	require.NoError(t, err)
	tail, err := io.ReadAll(logs)
	require.NoError(t, err)
	require.NoError(t, logs.Close())
	require.Equal(t, 3, strings.Count(string(tail), "\n"), "%s", tail)
	whole, err := os.ReadFile(filepath.Join(attempt.Dir, "rank_0.log"))
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(whole), string(tail)))
}

func TestATrainingThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ended := h.wait(h.train("--steps", "20", "--step-ms", "5", "--crash-at", "7").ID)
	require.Equal(t, api.StateFailed, ended.State)
	require.NotEmpty(t, ended.Error.Code)
	require.NotEmpty(t, ended.Error.Message)
	require.NotEmpty(t, ended.Error.Remedy)
	require.Equal(t, 1, *ended.Steps[0].Attempts[0].ExitCode)
	require.Equal(t, api.StateFailed, ended.Steps[0].State)
}

func TestADaemonKilledDuringATrainingLosesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	job := h.train("--steps", "150", "--step-ms", "10")
	// One reader follows all the while, over every daemon.
	told := make(chan []int64, 1)
	go func() { told <- h.follow(job.ID) }()
	h.until(job.ID, hasPoints)
	for range 3 {
		h.end(syscall.SIGKILL)
		h.start()
		now, err := h.Job(t.Context(), job.ID)
		require.NoError(t, err)
		require.Equal(t, api.StateRunning, now.State)
		h.points(job.ID)
	}
	ended := h.wait(job.ID)
	require.Equal(t, api.StateSucceeded, ended.State, "%+v", ended.Error)
	require.Len(t, ended.Steps[0].Attempts, 1)
	require.Len(t, h.points(job.ID), 150)
	steps := <-told
	require.Len(t, steps, 150)
	for i, step := range steps {
		require.EqualValues(t, i+1, step)
	}
}

// A daemon is killed when it has stored how the training ended, and not yet what
// that means for the step, or for the job. A training of a week must not begin
// once more.
func TestADaemonKilledAfterTheEndOfATrainingDoesNotTrainAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const (
		step = `UPDATE steps SET state = 'running', outputs = NULL, ended = NULL, error = NULL WHERE job = ?`
		job  = `UPDATE jobs SET state = 'running', ended = NULL, error = NULL WHERE id = ?`
	)
	for _, c := range []struct {
		status string
		state  api.State
		undo   []string
	}{
		{"0", api.StateSucceeded, []string{step, job}},
		{"3", api.StateFailed, []string{step, job}},
		{"3", api.StateFailed, []string{job}},
	} {
		id := h.train("--steps", "3", "--step-ms", "1", "--status", c.status).ID
		require.Equal(t, c.state, h.wait(id).State)
		h.end(syscall.SIGKILL)
		db, err := sql.Open("sqlite", filepath.Join(h.dir, "state", "journal.db"))
		require.NoError(t, err)
		for _, undo := range c.undo {
			_, err = db.ExecContext(t.Context(), undo, id)
			require.NoError(t, err)
		}
		require.NoError(t, db.Close())
		h.start()
		ended := h.wait(id)
		require.Equal(t, c.state, ended.State)
		require.Len(t, ended.Steps[0].Attempts, 1)
		require.Equal(t, c.state, ended.Steps[0].Attempts[0].State)
		require.Len(t, h.points(id), 3)
	}
}

// Somebody has put something else in the place of a run.
func TestAForeignFileInThePlaceOfARunFailsItAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	job := h.train("--steps", "100000")
	h.until(job.ID, hasPoints)
	h.end(syscall.SIGKILL)
	dir := filepath.Join(h.dir, "state", "runs", job.ID)
	away := filepath.Join(h.dir, "away")
	require.NoError(t, os.Rename(dir, away))
	require.NoError(t, os.WriteFile(dir, []byte("foreign"), 0o600))
	h.start()
	ended := h.wait(job.ID)
	require.Equal(t, api.StateFailed, ended.State)
	require.Equal(t, launcher.CodeRunDirectory, ended.Error.Code)
	require.Equal(t, api.StateFailed, ended.Steps[0].Attempts[0].State)
	require.Equal(t, api.StateSucceeded, h.wait(h.train("--steps", "3").ID).State)
	moved, err := launcher.Open(filepath.Join(away, "train.1"))
	require.NoError(t, err)
	_, err = moved.Stop(t.Context(), launcher.Kill(), nil)
	require.NoError(t, err)
}

// Somebody has moved a run away. Its training must not be started once more
// beside itself.
func TestATrainingWhoseFilesWereRemovedIsNotStartedAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	job := h.train("--steps", "100000")
	h.until(job.ID, hasPoints)
	h.end(syscall.SIGKILL)
	dir := filepath.Join(h.dir, "state", "runs", job.ID, "train.1")
	away := filepath.Join(h.dir, "away")
	require.NoError(t, os.Rename(dir, away))
	h.start()
	ended := h.wait(job.ID)
	moved, err := launcher.Open(away)
	require.NoError(t, err)
	require.Equal(t, api.StateLost, ended.State)
	require.Contains(t, ended.Error.Remedy, fmt.Sprintf("kill %d", moved.Shim().PID))
	require.NoFileExists(t, filepath.Join(dir, "spec.json"))
	_, err = moved.Stop(t.Context(), launcher.Kill(), nil)
	require.NoError(t, err)
}

// follow returns the steps that the job's events tell of, until it ends.
func (h *house) follow(job string) (steps []int64) {
	for e, err := range h.Events(h.t.Context(), api.EventsQuery{Job: job, Follow: true}) {
		if err != nil {
			h.t.Error(err)
			return steps
		}
		switch e.Type {
		case api.EventPoints:
			var points []api.Point
			if err := json.Unmarshal(e.Data, &points); err != nil {
				h.t.Error(err)
			}
			for _, p := range points {
				steps = append(steps, p.GlobalStep)
			}
		case api.EventJob:
			var now api.Job
			if err := json.Unmarshal(e.Data, &now); err != nil {
				h.t.Error(err)
			}
			if now.State.Ended() {
				return steps
			}
		}
	}
	return steps
}

func TestATrainingThatEndsWhileNoDaemonRunsIsJudgedByTheNext(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	job := h.train("--steps", "40", "--step-ms", "10", "--status", "0")
	h.until(job.ID, hasPoints)
	h.end(syscall.SIGTERM)
	exit := filepath.Join(h.dir, "state", "runs", job.ID, "train.1", "exit.json")
	require.Eventually(t, func() bool { info, err := os.Stat(exit); return err == nil && info.Size() > 0 }, waitLong, waitTick)
	h.start()
	require.Equal(t, api.StateSucceeded, h.wait(job.ID).State)
	require.Len(t, h.points(job.ID), 40)
}

func TestAJobCanBeStopped(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	running := h.train("--steps", "100000", "--step-ms", "10")
	waiting := h.train("--steps", "5")
	h.until(running.ID, hasPoints)

	stopped, err := h.Stop(t.Context(), waiting.ID)
	require.NoError(t, err)
	require.Equal(t, api.StateStopped, stopped.State, "what waits is stopped at once")

	stopping, err := h.Stop(t.Context(), running.ID)
	require.NoError(t, err)
	require.Equal(t, api.StateStopping, stopping.State)
	ended := h.wait(running.ID)
	require.Equal(t, api.StateStopped, ended.State)
	require.Equal(t, api.StateStopped, ended.Steps[0].State)
	require.ErrorIs(t, syscall.Kill(ended.Steps[0].Attempts[0].PID, 0), syscall.ESRCH)

	_, err = h.Stop(t.Context(), running.ID)
	requireCode(t, err, api.CodeConflict)
}

func TestAStopThatWasBegunIsGoneOnWithByTheNextDaemon(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	// It survives SIGINT, so the stop takes longer than the daemon lives.
	job := h.train("--steps", "100000", "--step-ms", "10", "--ignore", "SIGINT")
	h.until(job.ID, hasPoints)
	_, err := h.Stop(t.Context(), job.ID)
	require.NoError(t, err)
	h.end(syscall.SIGKILL)
	h.start()
	ended := h.wait(job.ID)
	require.Equal(t, api.StateStopped, ended.State)
	require.ErrorIs(t, syscall.Kill(ended.Steps[0].Attempts[0].PID, 0), syscall.ESRCH)
}

func TestJobsWaitForASlotAlsoOverARestart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.train("--steps", "100000", "--step-ms", "10")
	second := h.train("--steps", "3", "--step-ms", "1")
	h.until(first.ID, hasPoints)
	h.end(syscall.SIGKILL)
	h.start()
	jobs, err := h.Jobs(t.Context(), api.JobsQuery{Active: true})
	require.NoError(t, err)
	require.Len(t, jobs, 2)
	require.Equal(t, second.ID, jobs[0].ID, "the newest first")
	require.Equal(t, api.StateQueued, jobs[0].State)
	_, err = h.Stop(t.Context(), first.ID)
	require.NoError(t, err)
	require.Equal(t, api.StateSucceeded, h.wait(second.ID).State)
}

func TestCheckpointsAreDeletedOnlyIfThatWasSaid(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	job := h.train("--steps", "100000", "--step-ms", "10")
	h.until(job.ID, hasPoints)
	requireCode(t, h.Remove(t.Context(), job.ID, true), api.CodeConflict)
	_, err := h.Stop(t.Context(), job.ID)
	require.NoError(t, err)
	ended := h.wait(job.ID)
	ckpt := filepath.Join(ended.Dir, "train.1", "output", "a.ckpt")
	require.NoError(t, os.MkdirAll(filepath.Dir(ckpt), 0o755))
	require.NoError(t, os.WriteFile(ckpt, []byte("x"), 0o644))
	err = h.Remove(t.Context(), job.ID, false)
	requireCode(t, err, api.CodeConflict)
	require.Contains(t, err.Error(), ckpt)
	require.FileExists(t, ckpt)
	require.NoError(t, h.Remove(t.Context(), job.ID, true))
	require.NoDirExists(t, ended.Dir)
	_, err = h.Job(t.Context(), job.ID)
	requireCode(t, err, api.CodeNotFound)
}

func TestTheDaemonRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	refuse := func(want string, args ...string) {
		t.Helper()
		cmd := exec.Command(os.Args[0], append(append([]string{}, h.args...), args...)...)
		cmd.Env = append(os.Environ(), "FTD_TEST_BE_DAEMON=1")
		out, err := cmd.CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), want)
	}
	other := filepath.Join(h.dir, "other")
	refuse("(process " + strconv.Itoa(h.daemon.Process.Pid) + ") already works on")
	refuse("another daemon answers on", "--state-dir", other)
	refuse("is not a socket", "--state-dir", other, "--socket", h.log.Name())
	refuse("not a valid value for slots", "--slots", "0")
	rows := filepath.Join(h.dir, "rows.yaml")
	require.NoError(t, os.WriteFile(rows, []byte("- id: x\n"), 0o600))
	refuse("the error signatures cannot be read", "--state-dir", other, "--socket", filepath.Join(h.dir, "p.sock"), "--signatures", rows)
	refuse("the doctor has no check \"limit\"; did you mean \"limits\"?", "--state-dir", other, "--socket", filepath.Join(h.dir, "q.sock"), "--skip-checks", "home,limit")
	_, err := h.GetVersion(t.Context())
	require.NoError(t, err, "the first daemon is untouched")
}

// A house has errors of its own, which its file of signatures names.
func TestErrorSignaturesOfOnesOwn(t *testing.T) {
	t.Parallel()
	rows := filepath.Join(t.TempDir(), "rows.yaml")
	require.NoError(t, os.WriteFile(rows, []byte("- id: our-proxy\n  literals: [\"proxy refused\"]\n  cause: the proxy is closed\n  remedy: ask the operators\n"), 0o600))
	h := newHouse(t, "--signatures", rows)
	job := h.train("--steps", "9", "--step-ms", "1", "--crash-at", "5", "--say", "proxy refused")
	ended := h.wait(job.ID)
	require.Equal(t, api.StateFailed, ended.State)
	require.Equal(t, "our-proxy", ended.Error.Code)
	require.Equal(t, "ask the operators", ended.Error.Remedy)
	h.until(job.ID, func(e api.Event) bool {
		return e.Type == api.EventProblem && strings.Contains(string(e.Data), "our-proxy")
	})
}

func TestWithoutPythonACallSaysWhatToDo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, err := h.Call(t.Context(), api.CallRequest{Module: "math", Function: "sqrt", Args: []int{4}})
	requireCode(t, err, api.CodeNoEnvironment)
	require.Contains(t, err.Error(), "FTD_ENV")
}

func requireCode(t *testing.T, err error, code string) {
	t.Helper()
	var e *api.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, e.Error())
}

// A real training with rules: what no rule keeps is deleted, shown as gone, and
// nothing of what lay there before is touched, also over a restart.
func TestRetentionOverARestart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	out := filepath.Join(h.dir, "saved")
	trainer, err := filepath.Abs("../testdata/trainer/trainer.py")
	require.NoError(t, err)
	text := fmt.Sprintf(`{apiVersion: ftd/v1, name: kept, steps: [{id: train, uses: train, with: {
		command: [python3, -B, %q, "--steps", "200", "--step-ms", "20", "--save-every", "20", "--out", %q],
		dir: %q, checkpoints: [%q], retention: {keep: 2, every: 100}}}]}`, trainer, out, h.dir, out)
	theirs := filepath.Join(out, "rank_0", "theirs_rank_0-1_20.ckpt")
	require.NoError(t, os.MkdirAll(filepath.Dir(theirs), 0o755))
	require.NoError(t, os.WriteFile(theirs, []byte("x"), 0o644))
	job, err := h.Submit(t.Context(), api.Submit{Text: text, Base: h.dir})
	require.NoError(t, err)
	gone := func(e api.Event) bool {
		var c api.Checkpoint
		return e.Type == api.EventCheckpoint && json.Unmarshal(e.Data, &c) == nil && c.Gone
	}
	h.until(job.ID, gone)
	h.end(syscall.SIGKILL)
	h.start()
	ended := h.wait(job.ID)
	require.Equal(t, api.StateSucceeded, ended.State, "%+v", ended.Error)
	ended, err = h.Job(t.Context(), job.ID)
	require.NoError(t, err)
	var left []int64
	for _, c := range ended.Training.Checkpoints {
		if c.Gone {
			require.NoFileExists(t, c.Path)
			require.Equal(t, "no rule keeps it", c.Reason)
		} else {
			require.FileExists(t, c.Path)
			left = append(left, c.Step)
		}
	}
	require.Equal(t, []int64{100, 180, 200}, left)
	require.Len(t, ended.Training.Checkpoints, 10)
	require.FileExists(t, theirs)
}
