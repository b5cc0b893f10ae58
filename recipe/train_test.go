package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/checkpoint"
	"ftd/launcher"
	"ftd/logparse"
)

// trainer is the command of a training without MindSpore.
func trainer(t *testing.T, h *memoryHost, args ...string) []string {
	t.Helper()
	script, err := filepath.Abs("../testdata/trainer/trainer.py")
	require.NoError(t, err)
	return append([]string{h.python, "-B", script}, args...)
}

// training is the job of a command, which runs in a directory of its own.
func training(t *testing.T, h *memoryHost, command ...string) Job {
	t.Helper()
	dir := filepath.Join(h.dir, "work")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	return job(h, ForCommand(command, dir, ""), nil)
}

// fails runs a job that must fail with a problem.
func (h *memoryHost) fails(j Job) *Problem {
	h.t.Helper()
	var p *Problem
	require.ErrorAs(h.t, Run(context.Background(), j, h, h.settings()), &p)
	require.NotEmpty(h.t, p.Remedy)
	return p
}

// eventually waits for a condition that other processes bring about.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, time.Minute, 10*time.Millisecond, what)
}

func (h *memoryHost) trainedSteps() (steps []int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.batches {
		for _, r := range b.Records {
			if r.Kind == logparse.KindStep {
				steps = append(steps, r.Step.Step)
			}
		}
	}
	return steps
}

func upTo(n int64) (steps []int64) {
	for i := int64(1); i <= n; i++ {
		steps = append(steps, i)
	}
	return steps
}

func TestATrainingIsSupervised(t *testing.T) {
	h := newHost(t)
	j := training(t, h, trainer(t, h, "--steps", "20", "--step-ms", "1", "--save-every", "10")...)
	j.Recipe.Steps[0].With["require_checkpoint"] = true
	require.Equal(t, []string{"train running", "train succeeded"}, h.run(j))
	a := h.attempt("train")
	require.Equal(t, StepSucceeded, a.state)
	require.Zero(t, a.exit.Code)
	require.NotZero(t, a.shim.PID)
	require.Equal(t, upTo(20), h.trainedSteps())

	outputs := h.steps["train"].Outputs
	require.Equal(t, filepath.Join(h.dir, "work"), outputs["dir"])
	require.Equal(t, filepath.Join(a.Dir, "rank_0.log"), outputs["log"])
	v, err := checkpoint.Verify(context.Background(), outputs["checkpoint"], checkpoint.Options{})
	require.NoError(t, err)
	require.True(t, v.Complete)
	require.EqualValues(t, 20, *v.Step)

	// A training always runs; what the one before saved is not its own.
	j.Recipe.Steps[0].With["command"] = []any{"true"}
	require.NoError(t, os.Chtimes(outputs["checkpoint"], time.Now(), time.Now().Add(-time.Minute)))
	require.NoError(t, os.Chtimes(strings.Replace(outputs["checkpoint"], "_20", "_10", 1), time.Now(), time.Now().Add(-time.Minute)))
	require.Equal(t, CodeCheckpointBroken, h.fails(j).Code)
	require.Equal(t, 2, h.attempt("train").Number)
}

func TestATrainingThatFails(t *testing.T) {
	h := newHost(t)
	script := filepath.Join(h.dir, "broken.py")
	require.NoError(t, os.WriteFile(script, []byte("def load():\n    raise ValueError('the weights are made of cheese')\n\nload()\n"), 0o644))
	p := h.fails(training(t, h, h.python, script))
	require.Equal(t, "python-exception", p.Code)
	require.Equal(t, "the training ended with status 1: ValueError: the weights are made of cheese", p.Message)
	require.Contains(t, strings.Join(p.Excerpt, "\n"), "in load")
	require.Regexp(t, `rank_0\.log:\d+$`, p.Source)
	require.Equal(t, 1, h.attempt("train").exit.Code)
	require.Equal(t, StepFailed, h.attempt("train").state)

	p = h.fails(training(t, h, "sh", "-c", "echo out of cheese; exit 3"))
	require.Equal(t, CodeTrainingFailed, p.Code)
	require.Equal(t, "the training ended with status 3: out of cheese", p.Message)
	require.Equal(t, []string{"out of cheese"}, p.Excerpt)

	p = h.fails(training(t, h, "sh", "-c", "kill -9 $$"))
	require.Equal(t, "the training was ended by SIGKILL", p.Message)

	p = h.fails(training(t, h, "no-such-command-anywhere"))
	require.Equal(t, CodeCommandNotFound, p.Code)
	require.Contains(t, p.Message, "no-such-command-anywhere")
	require.NotNil(t, h.attempt("train").exit)
}

func TestTheEarliestKnownErrorIsTheCause(t *testing.T) {
	h := newHost(t)
	p := h.fails(training(t, h, "sh", "-c", `
		echo "RuntimeError: TDT Push data into device Failed"
		echo "ImportError: libGL.so.1: cannot open shared object file: No such file or directory"
		echo "RuntimeError: Failed to read the checkpoint file /x.ckpt, may not have permission to read it."
		exit 1`))
	require.Equal(t, "libgl-missing", p.Code)
	require.Contains(t, p.Remedy, "opencv-python-headless")
	require.Regexp(t, `rank_0\.log:2$`, p.Source)
}

func TestStaticTLSIsCuredOnce(t *testing.T) {
	library := anyLibrary(t)
	h := newHost(t)
	failing := fmt.Sprintf(`echo "ImportError: %s: cannot allocate memory in static TLS block"; exit 1`, library)
	h.run(training(t, h, "sh", "-c", fmt.Sprintf(`case "$LD_PRELOAD" in *%s*) exit 0;; esac; %s`, library, failing)))
	require.Len(t, h.attempts["train"], 2)
	require.Equal(t, "static-tls", h.attempts["train"][0].problem.Code)
	require.Contains(t, strings.Join(h.output, "\n"), "trying once more")

	h = newHost(t)
	require.Equal(t, "static-tls", h.fails(training(t, h, "sh", "-c", failing)).Code)
	require.Len(t, h.attempts["train"], 2, "once, and no more")
	require.Equal(t, []string{"train running", "train failed"}, h.history)
}

// anyLibrary returns some shared library of this machine.
func anyLibrary(t *testing.T) string {
	t.Helper()
	for _, pattern := range []string{"/lib/*-linux-gnu/libm.so.6", "/usr/lib64/libm.so.6", "/usr/lib/libm.so.6"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	t.Fatal("this machine has no libm.so.6")
	return ""
}

func TestATrainingIsStoppedOnRequest(t *testing.T) {
	h := newHost(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error)
	j := training(t, h, trainer(t, h, "--steps", "100000", "--step-ms", "5")...)
	go func() { ended <- Run(ctx, j, h, h.settings()) }()
	eventually(t, "the first steps", func() bool { return len(h.trainedSteps()) > 3 })
	cancel(ErrStop)
	require.ErrorIs(t, <-ended, ErrStop)
	require.Equal(t, StepStopped, h.steps["train"].State)
	a := h.attempt("train")
	require.Equal(t, StepStopped, a.state)
	require.NotNil(t, a.exit)
	run, err := launcher.Open(a.Dir)
	require.NoError(t, err)
	status, err := run.Status()
	require.NoError(t, err)
	require.Equal(t, launcher.StateExited, status.State)
	// The log was read to its end.
	steps := h.trainedSteps()
	require.Equal(t, upTo(int64(len(steps))), steps)
	log, err := os.ReadFile(run.Log())
	require.NoError(t, err)
	require.Contains(t, string(log), fmt.Sprintf("step:[%5d/", len(steps)))
	require.NotContains(t, string(log), fmt.Sprintf("step:[%5d/", len(steps)+1))
}

func TestATrainingOutlivesTheProgram(t *testing.T) {
	h := newHost(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error)
	j := training(t, h, trainer(t, h, "--steps", "200", "--step-ms", "20")...)
	go func() { ended <- Run(ctx, j, h, h.settings()) }()
	eventually(t, "the first steps", func() bool { return len(h.trainedSteps()) > 3 })
	cancel(ErrShutdown)
	require.ErrorIs(t, <-ended, ErrShutdown)
	require.Equal(t, StepRunning, h.steps["train"].State)
	require.Empty(t, h.attempt("train").state)

	require.NoError(t, Run(context.Background(), j, h, h.settings()))
	require.Len(t, h.attempts["train"], 1, "it was adopted, not started again")
	require.Equal(t, StepSucceeded, h.attempt("train").state)
	require.Equal(t, upTo(200), h.trainedSteps())
}

func TestAnAttemptThatWasNeverLaunchedIsLaunched(t *testing.T) {
	h := newHost(t)
	j := training(t, h, trainer(t, h, "--steps", "2")...)
	_, err := h.BeginAttempt(context.Background(), "train")
	require.NoError(t, err)
	h.run(j)
	require.Equal(t, upTo(2), h.trainedSteps())
	require.Len(t, h.attempts["train"], 1)
}

func TestATrainStepNeedsACommandOrAConfig(t *testing.T) {
	h := newHost(t)
	// What is in variables is known only now.
	r, err := Parse("x.yaml", []byte("apiVersion: ftd/v1\nname: x\nvars: {config: ''}\nsteps: [{id: train, uses: train, with: {config: '${config}'}}]\n"))
	require.NoError(t, err)
	require.Equal(t, CodeInvalid, h.fails(job(h, r, nil)).Code)

	r, err = Parse("x.yaml", []byte("apiVersion: ftd/v1\nname: x\nsteps: [{id: train, uses: train, with: {config: a.yaml, mindformers: nowhere}}]\n"))
	require.NoError(t, err)
	require.Contains(t, h.fails(job(h, r, nil)).Message, filepath.Join(h.dir, "nowhere"))
}

func TestTheProofOfTheWeights(t *testing.T) {
	dir := t.TempDir()
	problem := func() string {
		err := checkWeights(dir, "/base.ckpt")
		if err == nil {
			return ""
		}
		var p *Problem
		require.ErrorAs(t, err, &p)
		require.Equal(t, CodeWeights, p.Code)
		return p.Message
	}
	report := func(r weightsReport) {
		text, err := json.Marshal(r)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "weights.json"), text, 0o644))
	}
	require.Contains(t, problem(), "nothing proves")
	report(weightsReport{Checkpoint: "/base.ckpt", Tensors: 2, Loaded: 2})
	require.Empty(t, problem())
	report(weightsReport{Checkpoint: "/other.ckpt", Tensors: 2, Loaded: 2})
	require.Contains(t, problem(), "/other.ckpt instead of /base.ckpt")
	report(weightsReport{Checkpoint: "/base.ckpt", Tensors: 2, Loaded: 1, Mismatched: []string{"lm_head.weight"}})
	require.Contains(t, problem(), "1 of its 2 tensors reached the network; lm_head.weight has other values there")
	report(weightsReport{Checkpoint: "/base.ckpt", Tensors: 2, Loaded: 2, Random: []string{"layers.2"}})
	require.Contains(t, problem(), "layers.2 is not in the checkpoint")
	report(weightsReport{Checkpoint: "/base.ckpt"})
	require.Contains(t, problem(), "0 of its 0")
}

// A training goes on by itself: an observer that fails for a while loses nothing.
func TestAnObserverThatFailsForAWhile(t *testing.T) {
	h := newHost(t)
	j := training(t, h, trainer(t, h, "--steps", "20", "--step-ms", "1")...)
	require.NoError(t, Run(context.Background(), j, &failingHost{memoryHost: h, failures: 1}, h.settings()))
	require.Equal(t, upTo(20), h.trainedSteps())
	require.Contains(t, strings.Join(h.output, "\n"), "it begins again: the journal is busy")
}

// A training whose start cannot be stored is not left to itself.
func TestATrainingThatNobodyKnowsOfIsEnded(t *testing.T) {
	h := newHost(t)
	j := training(t, h, "sleep", "1000")
	err := Run(context.Background(), j, &failingHost{memoryHost: h, started: errors.New("the journal is gone")}, h.settings())
	require.ErrorContains(t, err, "the journal is gone")
	run, err := launcher.Open(h.attempt("train").Dir)
	require.NoError(t, err)
	status, err := run.Status()
	require.NoError(t, err)
	require.Equal(t, launcher.StateExited, status.State)
	require.Equal(t, StepFailed, h.steps["train"].State)
}

// failingHost fails in what it stores.
type failingHost struct {
	*memoryHost
	failures int
	started  error
}

func (h *failingHost) AttemptStarted(ctx context.Context, attempt string, s launcher.Shim) error {
	if h.started != nil {
		return h.started
	}
	return h.memoryHost.AttemptStarted(ctx, attempt, s)
}

func (h *failingHost) Observer(attempt string) launcher.Observer {
	return &failingObserver{h.memoryHost.Observer(attempt), h}
}

type failingObserver struct {
	launcher.Observer
	host *failingHost
}

func (o *failingObserver) Batch(ctx context.Context, b launcher.Batch) error {
	if o.host.failures > 0 {
		o.host.failures--
		return errors.New("the journal is busy")
	}
	return o.Observer.Batch(ctx, b)
}

func TestTheEnvironmentOfATraining(t *testing.T) {
	h := newHost(t)
	settings := h.settings()
	settings.Env, settings.Library = "", "/library"
	settings.Start = []string{"PATH=/bin", "PYTHONPATH=/inherited", "REGISTER_PATH=/theirs"}
	environment := func(env map[string]string, with map[string]any) map[string]string {
		s := &StepContext{Env: env, With: with, Host: h, Settings: settings, Attempt: Attempt{ID: "train.1", Dir: "/run"}}
		spec, err := trainKind{}.spec(t.Context(), s, nil)
		require.NoError(t, err)
		got := map[string]string{}
		for _, entry := range spec.Env {
			name, value, _ := strings.Cut(entry, "=")
			got[name] = value
		}
		return got
	}
	config := map[string]any{"config": "/c.yaml", "run_mode": "train"}
	got := environment(map[string]string{}, config)
	require.Equal(t, "/library/ftd_site:/library:/inherited", got["PYTHONPATH"])
	require.Equal(t, "/library/ftd_train", got["REGISTER_PATH"], "the config names modules of ftd")
	require.Equal(t, "/run/modules", got["OM_MODULES_CACHE"])

	got = environment(map[string]string{"PYTHONPATH": "/mine", "REGISTER_PATH": "/mine"}, config)
	require.Equal(t, "/library/ftd_site:/library:/mine", got["PYTHONPATH"])
	require.Equal(t, "/mine", got["REGISTER_PATH"])

	// What mindformers downloads is there for the next attempt.
	settings.Places = nil
	require.NotContains(t, environment(nil, config), downloadFolder)
	settings.Places = []string{t.TempDir()}
	require.Equal(t, filepath.Join(settings.Places[0], "downloads"), environment(nil, config)[downloadFolder])
	require.Equal(t, "/mine", environment(map[string]string{downloadFolder: "/mine"}, config)[downloadFolder])
	settings.Start = append(settings.Start, downloadFolder+"=/theirs")
	require.Equal(t, "/theirs", environment(nil, config)[downloadFolder])

	// A command is taken as it is.
	got = environment(map[string]string{"A": "b"}, map[string]any{"command": []string{"true"}})
	require.Equal(t, "/library/ftd_site:/inherited", got["PYTHONPATH"], "but it answers for its stacks")
	require.Equal(t, "/theirs", got["REGISTER_PATH"])
	require.Equal(t, "b", got["A"])
}

// What mindformers was ended in fetching is fetched again; what is whole, or at
// work on, stays.
func TestHalfOfTheWeightsIsNoneOfThem(t *testing.T) {
	h := newHost(t)
	settings := h.settings()
	settings.Places, settings.Start = []string{t.TempDir()}, nil
	s := &StepContext{Host: h, Settings: settings, Step: Step{ID: "train"}, With: map[string]any{"downloads": "tiny_llama", "download_size": int64(100)}, planned: map[string]int64{}}
	dir := filepath.Join(settings.Places[0], "downloads", "tiny")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	whole, err := os.ReadFile("../testdata/checkpoints/mf06-ms200-complete/llama_7b_lora_rank_0-1_100.ckpt")
	require.NoError(t, err)
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, text, 0o600))
		return path
	}
	kept, half, busy := file("kept.ckpt", whole), file("half.ckpt", whole[:len(whole)-7]), file("busy.ckpt", whole[:100])
	writer, err := os.Open(busy)
	require.NoError(t, err)
	defer writer.Close()
	require.NoError(t, syscall.Flock(int(writer.Fd()), syscall.LOCK_EX))
	dropHalves(t.Context(), s)
	require.FileExists(t, kept)
	require.FileExists(t, busy)
	require.NoFileExists(t, half)

	plan := Plan{}
	downloads(s, &plan)
	require.Equal(t, []Download{{Name: "tiny_llama.ckpt", Sources: []string{"where mindformers has it"}, Size: 100}}, plan.Downloads)
	file("tiny_llama.ckpt", whole)
	plan = Plan{}
	downloads(s, &plan)
	require.Empty(t, plan.Downloads, "it is there")
	s.With["downloads"] = "/data/llama_7b.ckpt"
	downloads(s, &plan)
	require.Empty(t, plan.Downloads, "nothing is downloaded")
}
