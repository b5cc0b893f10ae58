package recipe

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/checkpoint"
	"ftd/launcher"
	"ftd/logparse"
)

// distributed is the job of a trainer that the real msrun starts twice.
func distributed(t *testing.T, h *memoryHost, args ...string) Job {
	t.Helper()
	mindspore(t)
	return with(training(t, h, trainer(t, h, args...)...), map[string]any{"workers": int64(2)})
}

// stepsOf are the steps that a rank has logged.
func (h *memoryHost) stepsOf(rank int) (steps []int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.batches {
		for _, r := range b.Records {
			if b.Rank == rank && r.Kind == logparse.KindStep {
				steps = append(steps, r.Step.Step)
			}
		}
	}
	return steps
}

func TestWorkersAreStartedByMsrun(t *testing.T) {
	h := newHost(t)
	j := distributed(t, h, "--steps", "20", "--step-ms", "1", "--save-every", "10")
	j.Recipe.Steps[0].With["require_checkpoint"] = true
	require.Equal(t, []string{"train running", "train succeeded"}, h.run(j))
	for rank := range 2 {
		require.Equal(t, upTo(20), h.stepsOf(rank))
	}
	require.Empty(t, h.stepsOf(launcher.LauncherRank))
	a := h.attempt("train")
	log, err := os.ReadFile(filepath.Join(a.Dir, "rank_1.log"))
	require.NoError(t, err)
	require.Contains(t, string(log), "step:[   20/")
	outputs := h.steps["train"].Outputs
	require.Equal(t, filepath.Join(a.Dir, "msrun_log", "worker_0.log"), outputs["log"])
	v, err := checkpoint.Verify(t.Context(), outputs["checkpoint"], checkpoint.Options{})
	require.NoError(t, err)
	require.EqualValues(t, 20, *v.Step)
	require.Contains(t, outputs["checkpoint"], "rank_0")
}

// The scheduler of the trainer never ends when a worker is dead, as the real
// one does not for half a minute: only who acts on the death gets to the end.
func TestADeadWorkerIsActedOnAtOnce(t *testing.T) {
	for _, c := range []struct{ name, code, says, args, env string }{
		{"killed", CodeTrainingFailed, "rank 1 was ended by SIGKILL", "--kill-at 5", ""},
		{"exception", logparse.IDException, "rank 1 ended with status 1: Crash: the trainer was told to crash at step 5", "--crash-at 5", ""},
		{"killed, and msrun is told to say nothing", CodeTrainingFailed, "was ended by SIGKILL", "--kill-at 5", "GLOG_v=4 GLOG_stderrthreshold=4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			args := append(strings.Fields(c.args), "--steps", "100000", "--step-ms", "10", "--lame", "1")
			j := distributed(t, h, args...)
			j.Recipe.Env = map[string]string{}
			for _, entry := range strings.Fields(c.env) {
				name, value, _ := strings.Cut(entry, "=")
				j.Recipe.Env[name] = value
			}
			p := h.fails(j)
			require.Contains(t, p.Message, c.says)
			require.Contains(t, p.Source, "worker_1.log")
			require.Equal(t, c.code, p.Code)
			require.Equal(t, "SIGKILL", h.attempt("train").exit.Signal, "no success, whoever reads it")
			require.NotEmpty(t, h.stepsOf(0))
		})
	}
}

// fallsAfter is a host that stores what msrun says of a dead worker, and falls
// before anything is done about it.
type fallsAfter struct {
	*memoryHost
	fall context.CancelCauseFunc
}

type fallingObserver struct {
	launcher.Observer
	fall context.CancelCauseFunc
}

func (h *fallsAfter) Observer(attempt string) launcher.Observer {
	return &fallingObserver{h.memoryHost.Observer(attempt), h.fall}
}

func (o *fallingObserver) Batch(ctx context.Context, b launcher.Batch) error {
	err := o.Observer.Batch(ctx, b)
	if err == nil && b.Rank == launcher.LauncherRank && len(b.Records) > 0 {
		o.fall(ErrShutdown)
		return ErrShutdown
	}
	return err
}

// The daemon ends just after it has stored what msrun said of a dead worker:
// the next one acts on it.
func TestADeadWorkerIsNotForgotten(t *testing.T) {
	h := newHost(t)
	j := distributed(t, h, "--steps", "100000", "--step-ms", "10", "--lame", "1", "--kill-at", "5")
	ctx, fall := context.WithCancelCause(t.Context())
	require.ErrorIs(t, Run(ctx, j, &fallsAfter{h, fall}, h.settings()), ErrShutdown)
	require.Empty(t, h.attempt("train").state)

	p := h.fails(j)
	require.Contains(t, p.Message, "rank 1 was ended by SIGKILL")
	require.Len(t, h.attempts["train"], 1)
	require.Equal(t, "SIGKILL", h.attempt("train").exit.Signal, "and not msrun's own status, later")
}

func TestWorkersKeepTheirLogLevel(t *testing.T) {
	env := talkative([]string{"GLOG_v=4", "GLOG_logtostderr=0", "A=b"})
	require.ElementsMatch(t, []string{"GLOG_v=3", "GLOG_logtostderr=1", "A=b", "FTD_WORKERS_GLOG=GLOG_logtostderr=0 GLOG_v=4"}, env)
	same := []string{"GLOG_v=1", "GLOG_logtostderr=1"}
	require.Equal(t, same, talkative(same))

	h := newHost(t)
	site, err := filepath.Abs("py/ftd_site")
	require.NoError(t, err)
	for role, want := range map[string]string{"": "3 1", "MS_ROLE=MS_WORKER": "4 0"} {
		c := exec.CommandContext(t.Context(), h.python, "-c", "import os; print(os.environ['GLOG_v'], os.environ['GLOG_logtostderr'])")
		c.Env = append(env, "PYTHONPATH="+site, role)
		out, err := c.Output()
		require.NoError(t, err)
		require.Equal(t, want, strings.TrimSpace(string(out)))
	}
}

func TestWorkersGoOnFromASetOfCheckpoints(t *testing.T) {
	h := newHost(t)
	j := distributed(t, h, "--steps", "30", "--step-ms", "5", "--save-every", "10", "--lame", "1", "--kill-at", "25")
	h.run(with(j, map[string]any{"restart": quick(2), "resume": words("--resumed", "{step}", "--load-checkpoint={checkpoint}")}))
	require.Len(t, h.attempts["train"], 2)
	run, err := launcher.Open(h.attempt("train").Dir)
	require.NoError(t, err)
	args := run.Spec().Command
	dir := strings.TrimPrefix(args[len(args)-1], "--load-checkpoint=")
	for rank := range 2 {
		found, err := filepath.Glob(filepath.Join(dir, fmt.Sprintf("rank_%d", rank), "*-1_20.*"))
		require.NoError(t, err)
		require.Len(t, found, 1, "each rank's file, and nothing newer beside it")
	}
	require.Equal(t, "20", args[len(args)-2])
}

func TestAStopReachesAllWorkers(t *testing.T) {
	h := newHost(t)
	j := distributed(t, h, "--steps", "100000", "--step-ms", "10")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, j, h, h.settings()) }()
	eventually(t, "steps of both", func() bool { return len(h.stepsOf(0)) > 2 && len(h.stepsOf(1)) > 2 })
	cancel(ErrStop)
	require.ErrorIs(t, <-done, ErrStop)
	run, err := launcher.Open(h.attempt("train").Dir)
	require.NoError(t, err)
	vitals, err := run.Vitals()
	require.NoError(t, err)
	require.Zero(t, vitals.Processes)
}

// The port of an earlier try is taken by somebody: the next one has another.
func TestThePortOfMsrunIsFree(t *testing.T) {
	seen := map[int]bool{}
	for range 20 {
		port, err := freePort(t.Context())
		require.NoError(t, err)
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		require.NoError(t, err)
		defer l.Close()
		require.False(t, seen[port], "a port that is listened on is not chosen")
		seen[port] = true
	}
}

func TestWhatCannotBeDistributed(t *testing.T) {
	for _, c := range []struct {
		name    string
		with    map[string]any
		message string
	}{
		{"no Python", map[string]any{"command": words("bash", "train.sh"), "workers": int64(2)}, "bash is not a Python program"},
		{"too few", map[string]any{"workers": int64(0)}, "at least 1"},
		{"too many", map[string]any{"workers": int64(1 << 40)}, "from 1 to"},
		{"no msrun", map[string]any{"command": words("/usr/bin/python3", "train.py"), "workers": int64(2)}, "msrun"},
		{"a launcher", map[string]any{"command": words("bash", "scripts/msrun_launcher.sh", "run.py", "1")}, "status 0 whatever becomes"},
		{"one that leaves", map[string]any{"command": words("msrun", "--worker_num=2", "train.py")}, "--join=True"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			p := h.fails(with(training(t, h, "python3", "train.py"), c.with))
			require.Contains(t, p.Message, c.message)
			require.Equal(t, CodeInvalid, p.Code)
		})
	}
}

// A program that ends well and has not trained is no success of a config, and
// of a command it is said.
func TestATrainingWithoutAStepIsReported(t *testing.T) {
	h := newHost(t)
	h.run(training(t, h, "true"))
	require.Contains(t, strings.Join(h.output, "\n"), "its log holds no step: did it train?")

	h = newHost(t)
	checkout := filepath.Join(h.dir, "mindformers")
	require.NoError(t, os.MkdirAll(checkout, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(checkout, "run_mindformer.py"), []byte("print('bye')\n"), 0o600))
	config := filepath.Join(h.dir, "run.yaml")
	require.NoError(t, os.WriteFile(config, []byte("seed: 0\n"), 0o600))
	j := training(t, h, "true")
	delete(j.Recipe.Steps[0].With, "command")
	p := h.fails(with(j, map[string]any{"config": config, "mindformers": checkout, "require_checkpoint": false, "doctor": "off"}))
	require.Equal(t, CodeUntrained, p.Code, p.Message)
	require.Contains(t, p.Excerpt, "bye")
}

// Between the choice of the port and the scheduler's start somebody takes it.
func TestATakenPortIsAnsweredWithAnother(t *testing.T) {
	h := newHost(t)
	j := distributed(t, h, "--steps", "5", "--step-ms", "1", "--port-taken", filepath.Join(h.dir, "taken"))
	h.run(j)
	require.Len(t, h.attempts["train"], 2)
	require.Equal(t, portBusy, h.attempts["train"][0].problem.Code)
	require.Contains(t, strings.Join(h.output, "\n"), "another one is chosen")
	require.FileExists(t, filepath.Join(h.attempt("train").Dir, curesFile))
}

// Two ranks that train together on real MindSpore; one is killed.
func TestWorkersOfMindSpore(t *testing.T) {
	mindspore(t)
	t.Parallel()
	script := filepath.Join(t.TempDir(), "train.py")
	require.NoError(t, os.WriteFile(script, []byte(distributedScript), 0o600))
	h := newHost(t)
	j := with(training(t, h, h.python, script), map[string]any{"workers": int64(2)})
	require.Equal(t, []string{"train running", "train succeeded"}, h.run(j))
	for rank := range 2 {
		require.Equal(t, upTo(20), h.stepsOf(rank))
	}

	h = newHost(t)
	j = with(training(t, h, h.python, script, "forever"), map[string]any{"workers": int64(2)})
	done := make(chan error, 1)
	go func() { done <- Run(t.Context(), j, h, h.settings()) }()
	eventually(t, "steps of both", func() bool { return len(h.stepsOf(0)) > 0 && len(h.stepsOf(1)) > 0 })
	pid, err := os.ReadFile(filepath.Join(h.dir, "work", "pid_1"))
	require.NoError(t, err)
	n, err := strconv.Atoi(string(pid))
	require.NoError(t, err)
	victim, err := os.FindProcess(n)
	require.NoError(t, err)
	require.NoError(t, victim.Kill())
	var p *Problem
	require.ErrorAs(t, <-done, &p)
	require.Equal(t, "SIGKILL", h.attempt("train").exit.Signal, "msrun alone ends with 1, half a minute later")
	require.Contains(t, p.Message, "rank 1 was ended by SIGKILL")
}

// distributedScript adds up a tensor over the ranks at each step, and says so
// in the words of mindformers.
const distributedScript = `
import itertools, os, sys, time
import numpy
import mindspore
from mindspore import Tensor, ops
from mindspore.communication import get_rank, init

mindspore.set_device("CPU")
init()
rank = get_rank()
with open(f"pid_{rank}", "w") as f:
    f.write(str(os.getpid()))
total = 20
add = ops.AllReduce()
for step in itertools.count(1):
    value = float(add(Tensor(numpy.ones(4, numpy.float32)))[0])
    assert value == 2.0, value
    print(
        time.strftime("%Y-%m-%d %H:%M:%S,000") + " - mindformers./output/log[mindformers/core/callback/callback.py:494]"
        f" - INFO - {{ Epoch:[  1/  1], step:[{step:5d}/{total:5d}], loss:[{7 / step:.3f}/6.909], per_step_time: 20ms,"
        " lr: 1e-4, overflow cond: False, loss_scale: 1.0, global_norm: [0.6068563], train_throughput_per_npu: 0.011T",
        flush=True,
    )
    if step == total and len(sys.argv) == 1:
        break
    time.sleep(0.02)
`
