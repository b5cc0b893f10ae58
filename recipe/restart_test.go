package recipe

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/checkpoint"
	"ftd/launcher"
	"ftd/launcher/watchdog"
)

// with is a training's job with parameters of its step.
func with(j Job, params map[string]any) Job {
	for name, value := range params {
		j.Recipe.Steps[0].With[name] = value
	}
	return j
}

// quick is a restart policy that does not wait.
func quick(budget int) map[string]any {
	return map[string]any{"budget": int64(budget), "backoff": "1ms"}
}

func words(texts ...string) (list []any) {
	for _, text := range texts {
		list = append(list, text)
	}
	return list
}

func TestATrainingGoesOnFromItsNewestCheckpoint(t *testing.T) {
	for _, kind := range []string{"ckpt", "safetensors"} {
		t.Run(kind, func(t *testing.T) {
			h := newHost(t)
			j := training(t, h, trainer(t, h, "--steps", "30", "--step-ms", "1", "--save-every", "10", "--save-kind", kind, "--kill-at", "25")...)
			h.run(with(j, map[string]any{"restart": quick(2), "resume": words("--resumed", "{step}", "--load-checkpoint={checkpoint}")}))
			require.Len(t, h.attempts["train"], 2)
			first, second := h.attempts["train"][0], h.attempts["train"][1]
			require.Equal(t, StepFailed, first.state)
			require.Equal(t, "SIGKILL", first.exit.Signal)
			require.Equal(t, StepSucceeded, second.state)

			run, err := launcher.Open(second.Dir)
			require.NoError(t, err)
			log, err := os.ReadFile(run.Log())
			require.NoError(t, err)
			require.Contains(t, string(log), "step:[   21/")
			require.NotContains(t, string(log), "step:[   20/", "each attempt has a log of its own, and what is done is done")
			last := run.Spec().Command[len(run.Spec().Command)-1]
			from := strings.TrimPrefix(last, "--load-checkpoint=")
			v, err := checkpoint.Verify(t.Context(), from, checkpoint.Options{})
			require.NoError(t, err)
			require.True(t, v.Complete)
			require.EqualValues(t, 20, *v.Step)
			require.NotContains(t, filepath.Base(filepath.Dir(from)), "rank_", "one process must not be given a file below rank_N")
		})
	}
}

// A person may have a training go on whose recipe allows no restarts, or has
// used them up.
func TestATrainingThatIsResumed(t *testing.T) {
	h := newHost(t)
	j := with(training(t, h, trainer(t, h, "--steps", "30", "--step-ms", "1", "--save-every", "10", "--kill-at", "25")...),
		map[string]any{"resume": words("--resumed", "{step}", "--load-checkpoint={checkpoint}")})
	h.fails(j)
	j.Earlier = map[string]int{"train": 1}
	h.run(j)
	require.Len(t, h.attempts["train"], 2)
	run, err := launcher.Open(h.attempts["train"][1].Dir)
	require.NoError(t, err)
	log, err := os.ReadFile(run.Log())
	require.NoError(t, err)
	require.Contains(t, string(log), "step:[   21/")
	require.NotContains(t, string(log), "step:[   20/", "it goes on from its newest checkpoint")
}

func TestRestartsAreCountedFromTheResumption(t *testing.T) {
	h := newHost(t)
	j := with(training(t, h, "sh", "-c", "exit 3"), map[string]any{"restart": map[string]any{"budget": int64(2), "backoff": "1ms", "no_progress": int64(3)}})
	h.fails(j)
	require.Len(t, h.attempts["train"], 3)
	j.Earlier = map[string]int{"train": 3}
	h.fails(j)
	require.Len(t, h.attempts["train"], 6)
}

// A checkpoint that is cut is the newest file, and no state to go on from.
func TestABrokenCheckpointIsNotGoneOnFrom(t *testing.T) {
	h := newHost(t)
	script := `case "$*" in *resumed*) echo "going on from $4" ; exit 0;; esac
		"$0" -B "$1" --steps 20 --step-ms 1 --save-every 10 || exit 9
		for f in output/checkpoint/rank_0/*_20.safetensors output/rank_0/*_20.safetensors output/*_20.safetensors; do
			[ -e "$f" ] && chmod u+w "$f" && truncate -s -100 "$f"
		done
		exit 1`
	command := trainer(t, h)
	j := training(t, h, "sh", "-c", script, command[0], command[2])
	h.run(with(j, map[string]any{"restart": quick(1), "resume": words("resumed", "{step}", "at", "{step}")}))
	run, err := launcher.Open(h.attempt("train").Dir)
	require.NoError(t, err)
	require.Equal(t, words("resumed", "10", "at", "10"), words(run.Spec().Command[len(run.Spec().Command)-4:]...))
}

func TestTheBudgetOfRestarts(t *testing.T) {
	h := newHost(t)
	j := training(t, h, "sh", "-c", "exit 3")
	p := h.fails(with(j, map[string]any{"restart": map[string]any{"budget": int64(2), "backoff": "1ms", "no_progress": int64(9)}}))
	require.Equal(t, "the training ended with status 3", p.Message)
	require.Len(t, h.attempts["train"], 3)
	require.Contains(t, strings.Join(h.output, "\n"), "budget of 2 restarts is used up")

	h = newHost(t)
	h.fails(training(t, h, "sh", "-c", "exit 3"))
	require.Len(t, h.attempts["train"], 1, "none by default")
}

func TestAttemptsThatGainNoStepAreEnough(t *testing.T) {
	h := newHost(t)
	j := training(t, h, trainer(t, h, "--steps", "9", "--step-ms", "1", "--kill-at", "5")...)
	h.fails(with(j, map[string]any{"restart": quick(100)}))
	require.Len(t, h.attempts["train"], 3, "the first came to step 4, two more came no further")
	require.Contains(t, strings.Join(h.output, "\n"), "the last 2 attempts have gained no step")
}

func TestAPermanentFailureIsNotTriedAgain(t *testing.T) {
	h := newHost(t)
	p := h.fails(with(training(t, h, "sh", "-c", "echo 'ImportError: libGL.so.1: cannot open shared object file: No such file or directory'; exit 1"),
		map[string]any{"restart": quick(5)}))
	require.Equal(t, "libgl-missing", p.Code)
	require.Len(t, h.attempts["train"], 1)
}

// The cure for static TLS is no restart of the policy's.
func TestACureDoesNotCostTheBudget(t *testing.T) {
	library := anyLibrary(t)
	h := newHost(t)
	j := training(t, h, "sh", "-c", `case "$LD_PRELOAD" in *`+library+`*) exit 3;; esac; echo "ImportError: `+library+`: cannot allocate memory in static TLS block"; exit 1`)
	h.fails(with(j, map[string]any{"restart": map[string]any{"budget": int64(1), "backoff": "1ms", "no_progress": int64(9)}}))
	require.Len(t, h.attempts["train"], 3)
}

func TestAStopWhileItWaitsForARestart(t *testing.T) {
	h := newHost(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error)
	j := with(training(t, h, "sh", "-c", "exit 3"), map[string]any{"restart": map[string]any{"budget": int64(2), "backoff": "10h", "max_backoff": "10h"}})
	go func() { ended <- Run(ctx, j, h, h.settings()) }()
	eventually(t, "the pause", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return strings.Contains(strings.Join(h.output, "\n"), "starting again in")
	})
	cancel(ErrStop)
	require.ErrorIs(t, <-ended, ErrStop)
	require.Equal(t, StepStopped, h.steps["train"].State)
}

// After a restart of the machine the training goes on, if the policy says so.
func TestAnInterruptedTrainingGoesOn(t *testing.T) {
	for budget, state := range map[int]StepState{0: StepInterrupted, 1: StepSucceeded} {
		h := newHost(t)
		ctx, cancel := context.WithCancelCause(context.Background())
		ended := make(chan error)
		j := with(training(t, h, trainer(t, h, "--steps", "30", "--step-ms", "1", "--save-every", "10", "--hang-at", "25")...),
			map[string]any{"restart": quick(budget), "resume": words("--resumed", "{step}")})
		go func() { ended <- Run(ctx, j, h, h.settings()) }()
		eventually(t, "the last step", func() bool { return len(h.trainedSteps()) == 24 })
		cancel(ErrShutdown)
		require.ErrorIs(t, <-ended, ErrShutdown)

		dir := h.attempt("train").Dir
		run, err := launcher.Open(dir)
		require.NoError(t, err)
		_, err = run.Stop(t.Context(), launcher.DefaultLadder(), nil)
		require.NoError(t, err)
		s := run.Shim()
		s.BootID = "00000000-0000-0000-0000-000000000000"
		text, err := json.Marshal(s)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "shim.json"), text, 0o600))
		require.NoError(t, os.Remove(filepath.Join(dir, "exit.json")))

		err = Run(context.Background(), j, h, h.settings())
		require.Equal(t, state, h.steps["train"].State, "%v", err)
		require.Equal(t, StepInterrupted, h.attempts["train"][0].state, "%v", h.attempts["train"][0].problem)
		require.Len(t, h.attempts["train"], budget+1)
		if budget > 0 {
			log, err := os.ReadFile(filepath.Join(h.attempt("train").Dir, "rank_0.log"))
			require.NoError(t, err)
			require.Contains(t, string(log), "step:[   21/")
			require.NotContains(t, string(log), "step:[   20/")
		}
	}
}

func TestAStallIsDumpedAndRestarted(t *testing.T) {
	h := newHost(t)
	j := training(t, h, trainer(t, h, "--steps", "20", "--step-ms", "1", "--save-every", "5", "--hang-at", "13")...)
	h.run(with(j, map[string]any{
		"watchdogs": map[string]any{"stall": map[string]any{"action": "restart", "limit": "1s"}},
		"restart":   quick(1),
		"resume":    words("--resumed", "{step}"),
	}))
	require.Len(t, h.attempts["train"], 2)
	require.Equal(t, CodeWatchdog, h.attempts["train"][0].problem.Code)
	require.NotNil(t, h.attempts["train"][0].exit)
	require.Len(t, h.alarms, 1)
	a := h.alarms[0]
	require.Equal(t, watchdog.Stall, a.Watchdog)
	require.EqualValues(t, 12, a.Evidence.Step)
	require.FileExists(t, a.Dump)
	require.Contains(t, h.attempts["train"][0].problem.Remedy, a.Dump)
}

// A training that ends well and has learnt nothing has failed, if that is asked for.
func TestARunThatLearnsNothingIsStopped(t *testing.T) {
	h := newHost(t)
	j := training(t, h, trainer(t, h, "--steps", "40", "--step-ms", "0", "--flat")...)
	p := h.fails(with(j, map[string]any{"watchdogs": map[string]any{"flat": map[string]any{"action": "stop"}}}))
	require.Equal(t, CodeWatchdog, p.Code)
	require.Contains(t, p.Message, "nothing is learnt")
	require.Len(t, h.attempts["train"], 1)

	h = newHost(t)
	h.run(training(t, h, trainer(t, h, "--steps", "40", "--step-ms", "0", "--flat")...))
	require.Len(t, h.alarms, 1, "by default it is told")
	require.Equal(t, watchdog.Notify, h.alarms[0].Action)
	require.Empty(t, h.alarms[0].Dump)
}

func TestSupervisionIsChecked(t *testing.T) {
	for message, step := range map[string]string{
		`the parameter "watchdogs" cannot be used: there is no watchdog "stal"`: `{command: ["true"], watchdogs: {stal: {}}}`,
		`the watchdog stall: it has no "idle"`:                                  `{command: ["true"], watchdogs: {stall: {idle: 3s}}}`,
		`backoff is "5" and must be a time such as 10s`:                         `{command: ["true"], restart: {backoff: 5}}`,
		`budget is "-1" and must be a whole number up to 1000`:                  `{command: ["true"], restart: {budget: -1}}`,
		`it has no "budgets", only backoff, budget, max_backoff`:                `{command: ["true"], restart: {budgets: 3}}`,
	} {
		_, err := Parse("x.yaml", []byte("apiVersion: ftd/v1\nname: x\nsteps: [{id: train, uses: train, with: "+step+"}]\n"))
		require.ErrorContains(t, err, message)
	}
	h := newHost(t)
	p := h.fails(with(training(t, h, "true"), map[string]any{"watchdogs": map[string]any{"stall": map[string]any{"action": "restart"}}}))
	require.Contains(t, p.Remedy, "restart: {budget: 3}")
	require.Empty(t, h.attempts["train"][0].exit)
}

// The clock of the machine is set, forwards or backwards: the stamps in the log
// jump, and nobody takes that for a hang or for anything else.
func TestAClockThatJumpsAlarmsNobody(t *testing.T) {
	for _, seconds := range []string{"-90000", "90000"} {
		h := newHost(t)
		j := training(t, h, trainer(t, h, "--steps", "150", "--step-ms", "15", "--clock-jump-at", "20", "--clock-jump", seconds)...)
		// One that is off only makes them look often.
		h.run(with(j, map[string]any{"watchdogs": map[string]any{"silence": map[string]any{"action": "off", "limit": "1s"}}}))
		require.Equal(t, upTo(150), h.trainedSteps())
		require.Empty(t, h.alarms)
	}
}

// Checkpoints that seem to be older than the training itself are its own all
// the same: those that were made while nobody was there are reported, a restart
// goes on from them, and the newest is the result.
func TestCheckpointsOfAClockThatJumpsAreFound(t *testing.T) {
	for _, seconds := range []string{"-90000", "90000"} {
		h := newHost(t)
		command := trainer(t, h, "--steps", "150", "--step-ms", "10", "--save-every", "30", "--clock-jump-at", "20", "--clock-jump", seconds)
		j := with(training(t, h, command...), map[string]any{"require_checkpoint": true})
		ctx, fall := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() { done <- Run(ctx, j, h, h.settings()) }()
		eventually(t, "the first checkpoint", func() bool { h.mu.Lock(); defer h.mu.Unlock(); return len(h.verdicts) > 0 })
		fall(ErrShutdown)
		require.ErrorIs(t, <-done, ErrShutdown)
		run, err := launcher.Open(h.attempt("train").Dir)
		require.NoError(t, err)
		_, err = run.Wait(t.Context())
		require.NoError(t, err)

		h.run(j)
		seen := map[string]bool{}
		for _, v := range h.verdicts {
			seen[v.Path] = true
		}
		require.Len(t, seen, 5, seconds)
		require.Contains(t, h.steps["train"].Outputs["checkpoint"], "_150.")
		require.Empty(t, h.alarms)

		// In the same directory, where those are now somebody else's.
		shared := filepath.Join(h.dir, "work")
		h = newHost(t)
		j = training(t, h, append(command, "--crash-at", "70")...)
		h.run(with(j, map[string]any{"dir": shared, "restart": quick(1), "resume": words("--resumed", "{step}", "--crash-at=0")}))
		log, err := os.ReadFile(filepath.Join(h.attempt("train").Dir, "rank_0.log"))
		require.NoError(t, err)
		require.Contains(t, string(log), "step:[   61/", "what it has saved anew at step 60 is newer than 150")
		require.NotContains(t, string(log), "step:[   60/")
	}
}

// A watchdog began to end a training that answers signals with status 0, and
// the daemon died before it did: the next one does not take that for success.
func TestAHaltIsNotForgotten(t *testing.T) {
	for _, ended := range []bool{true, false} {
		h := newHost(t)
		j := training(t, h, "sh", "-c", "trap 'exit 0' INT TERM; while sleep 0.01; do :; done")
		ctx, cancel := context.WithCancelCause(context.Background())
		done := make(chan error, 1)
		go func() { done <- Run(ctx, j, h, h.settings()) }()
		eventually(t, "its start", func() bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			return len(h.attempts["train"]) > 0 && h.attempts["train"][0].shim.PID != 0
		})
		cancel(ErrShutdown)
		require.ErrorIs(t, <-done, ErrShutdown)
		a := h.attempt("train")
		require.NoError(t, keepHalt(a.Dir, Alarm{Verdict: watchdog.Verdict{Watchdog: watchdog.Flat, Message: "nothing is learnt"}, Action: watchdog.Stop}))
		run, err := launcher.Open(a.Dir)
		require.NoError(t, err)
		if ended {
			_, err = run.Stop(t.Context(), launcher.DefaultLadder(), nil)
			require.NoError(t, err)
		}
		p := h.fails(j)
		require.Equal(t, CodeWatchdog, p.Code)
		require.Contains(t, p.Message, "the watchdog flat ended the training")
		require.Zero(t, h.attempt("train").exit.Code)
		require.Len(t, h.attempts["train"], 1)
	}
}

func TestHowATrainingIsStopped(t *testing.T) {
	defaults := launcher.Graces{Interrupt: time.Minute}
	g, err := graces(map[string]any{"graceful": "2m", "terminate": "0s"}, defaults)
	require.NoError(t, err)
	require.Equal(t, launcher.Graces{Graceful: 2 * time.Minute, Interrupt: time.Minute}, g)
	g, err = graces(nil, launcher.Graces{})
	require.NoError(t, err)
	require.Equal(t, launcher.DefaultGraces(), g)
	for field, value := range map[string]any{"graceful": "soon", "interrupt": "-1s", "kill": "1s", "terminate": "48h"} {
		_, err := graces(map[string]any{field: value}, defaults)
		require.ErrorContains(t, err, field)
	}

	// The step's own ladder is climbed, and what it saved on request counts.
	h := newHost(t)
	j := with(training(t, h, trainer(t, h, "--steps", "100000", "--polite")...), map[string]any{"stop": map[string]any{"graceful": "1m"}})
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, j, h, h.settings()) }()
	eventually(t, "steps", func() bool { return len(h.trainedSteps()) > 2 })
	cancel(ErrStop)
	require.ErrorIs(t, <-done, ErrStop)
	require.Equal(t, StepStopped, h.attempt("train").state)
	require.Zero(t, h.attempt("train").exit.Code)
	require.Contains(t, h.output, "stopping the training: exit request")
	require.NotContains(t, h.output, "stopping the training: SIGINT")
}

func TestTheWaitBeforeARestartGrows(t *testing.T) {
	r := restarts{backoff: time.Second, maxBackoff: time.Minute}
	for used, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
		require.InDelta(t, want.Seconds(), r.wait(used).Seconds(), want.Seconds()/2)
	}
	require.LessOrEqual(t, r.wait(100), 90*time.Second)
}
