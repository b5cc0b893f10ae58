package logparse_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

func summarize(t *testing.T, log string) *logparse.Summary {
	t.Helper()
	s, err := logparse.Summarize(context.Background(), strings.NewReader(log))
	require.NoError(t, err)
	return s
}

func sample(t *testing.T, name string) *logparse.Summary {
	t.Helper()
	s, err := logparse.SummarizeFile(context.Background(), "../testdata/logs/"+name+".log")
	require.NoError(t, err)
	return s
}

// line is a record of mindformers at so many seconds after noon.
func line(second int, message string) string {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(second) * time.Second)
	return at.Format("2006-01-02 15:04:05,000") + " - mindformers[callback.py:1] - INFO - " + message + "\n"
}

func TestPhasesOfBothOrders(t *testing.T) {
	for name, order := range map[string][]string{
		"r0.6 to r1.5": {"Starting Training Model", "Model Compiling, Please Wait a Moment"},
		"r1.6 on":      {"Model Compiling, Please Wait a Moment", "Starting Training Model"},
	} {
		t.Run(name, func(t *testing.T) {
			s := summarize(t, line(0, "Now Running Task is: text_generation, Model is: x")+
				line(2, ".........Build Dataset For Train..........")+
				line(5, "........."+order[0]+"..........")+line(6, "........."+order[1]+"..........")+
				line(65, "{ Epoch:[  1/  1], step:[    1/   20], loss: 7.000, per_step_time: 59000ms, overflow cond: False, loss_scale: 1.0")+
				line(70, "......Saving ckpt......")+line(73, "Finish saving ckpt of epoch 1 step 1 using 3.000 seconds")+
				line(75, ".........Starting Evaluate Model..........")+line(80, "Evaluate Over!")+
				line(90, ".........Training Over!............."))
			want := map[logparse.Phase]float64{logparse.PhaseStarting: 2, logparse.PhaseLoading: 3, logparse.PhaseCompiling: 60,
				logparse.PhaseTraining: 5 + 2 + 10, logparse.PhaseSaving: 3, logparse.PhaseEvaluating: 5, logparse.PhaseExiting: 0}
			for _, p := range s.Phases {
				require.InDelta(t, want[p.Phase], p.Seconds, 1e-9, p.Phase)
				delete(want, p.Phase)
			}
			require.Empty(t, want)
			require.True(t, s.CompileStarted)
			require.True(t, s.Completed)
			require.Equal(t, logparse.PhaseExiting, s.Phase)
			require.EqualValues(t, 1, s.Checkpoints())
		})
	}
}

// Compilation while a checkpoint is transformed is followed by loading; the
// announcements of an evaluation's dataset do not end the training.
func TestPhasesOnTheWay(t *testing.T) {
	var phases []logparse.Phase
	for _, r := range records(line(0, "Building model.........") + line(60, "Time spent building the model: 60.00s") +
		line(61, "Model Compiling, Please Wait a Moment") + "2026-03-01 12:01:02.123: Start compiling 'X'.\n" +
		line(70, "{ step:[    1/   20], loss: 7.000000, per_step_time: 59ms }") +
		line(71, ".........Build Dataset For Evaluate..........") + line(72, "set train process early stop at 5 steps in yaml")) {
		if r.Kind == logparse.KindPhase {
			phases = append(phases, r.Phase)
		}
	}
	require.Equal(t, []logparse.Phase{logparse.PhaseCompiling, logparse.PhaseLoading, logparse.PhaseCompiling,
		logparse.PhaseTraining, logparse.PhaseExiting}, phases)
}

func TestCheckpointsAreCounted(t *testing.T) {
	step := func(n int) string {
		return line(n, fmt.Sprintf("{ Epoch:[  1/  1], step:[%5d/   20], loss: 7.000, per_step_time: 59ms, overflow cond: False, loss_scale: 1.0", n))
	}
	normed := func(n int) string { return strings.TrimSuffix(step(n), "\n") + ", global_norm: None\n" }
	saving := line(1, "......Saving ckpt......")
	finished := func(what string, n int) string {
		return line(n, fmt.Sprintf("Finish saving %s of epoch 1 step %d using 0.1 seconds", what, n))
	}
	begun := line(1, "....... Start to save checkpoint as new format .......")
	done := func(n int) string {
		return line(n, fmt.Sprintf("successfully sync saved checkpoint from step '%d' to '/out'.", n))
	}
	for name, c := range map[string]struct {
		log  string
		want int64
	}{
		"r0.8":                       {step(1) + saving + step(2) + step(3) + saving + line(4, "Training Over!"), 2},
		"r0.8, killed while saving":  {step(1) + saving + step(2) + saving, 1},
		"r1.6":                       {normed(1) + saving + finished("ckpt", 1) + normed(2) + saving + finished("ckpt", 2), 2},
		"r1.6, killed while saving":  {normed(1) + saving + finished("ckpt", 1) + normed(2) + saving, 1},
		"r1.6, never finished":       {normed(1) + saving + normed(2), 0},
		"r1.6, asynchronous":         {normed(1) + saving + normed(2) + finished("ckpt", 1), 1},
		"r1.6, three files":          {normed(1) + saving + finished("ckpt", 1) + finished("network", 1) + finished("trainable_params", 1), 1},
		"r1.8, new format":           {normed(1) + begun + done(1) + normed(2) + begun + done(2), 2},
		"r1.8, new format, rank 1":   {normed(1) + begun + normed(2), 1},
		"master, pynative":           {step(1) + begun + done(1) + line(1, "Checkpoint saved at step 1 to /out (async=False, remove_redundancy=False)"), 1},
		"two runs save the same one": {line(0, "Now Running Task is: x") + normed(1) + finished("ckpt", 1) + line(2, "Now Running Task is: x") + normed(1) + finished("ckpt", 1), 2},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, summarize(t, c.log).Checkpoints()) })
	}
}

func TestTimeLeft(t *testing.T) {
	step := func(epoch, n int, ms string) string {
		return fmt.Sprintf("{ Epoch:[%3d/  2], step:[%5d/  100], loss: 7.000, per_step_time: %sms, overflow cond: False, loss_scale: 1.0\n", epoch, n, ms)
	}
	log := step(1, 1, "600000") // it compiled
	for n := 2; n <= 100; n++ {
		log += step(1, n, "50")
	}
	log += step(2, 1, "50")
	s := summarize(t, log)
	require.EqualValues(t, 200, s.TotalSteps())
	require.Equal(t, 50*time.Millisecond, s.MedianStep())
	left, ok := s.TimeLeft()
	require.True(t, ok)
	require.Equal(t, 99*50*time.Millisecond, left)

	// With a dataset sink F1 prints the time of the whole sink.
	s = summarize(t, "Epoch:[  1/  1], step:[    4/  125], loss:[2.244/2.244], time:507844.205 ms, overflow cond: True, loss_scale: 1.0\n"+
		strings.Join(func() (lines []string) {
			for n := 8; n < 60; n += 4 {
				lines = append(lines, fmt.Sprintf("Epoch:[  1/  1], step:[%5d/  125], loss:[2.499/2.499], time:2000.000 ms, overflow cond: True, loss_scale: 1.0\n", n))
			}
			return lines
		}(), ""))
	require.Equal(t, 500*time.Millisecond, s.MedianStep())

	// F0 counts epochs from zero.
	first := "Epoch:[  1/  2], step:[    9/   25], loss:[2.718/2.900], time:90000.000 ms, lr:9.9e-06\n"
	s = summarize(t, first+"Epoch:[  1/  2], step:[   10/   25], loss:[2.718/2.900], time:100.000 ms, lr:9.9e-06\n")
	require.EqualValues(t, 35, s.Last.GlobalStep())
	left, _ = s.TimeLeft()
	require.Equal(t, 1500*time.Millisecond, left)

	_, ok = summarize(t, first).TimeLeft()
	require.False(t, ok, "nothing but the compile is known")
	_, ok = summarize(t, "epoch: 1 step: 5, loss is 2.3\n").TimeLeft()
	require.False(t, ok)
}

func TestHealth(t *testing.T) {
	for name, want := range map[string]logparse.Health{
		"mf06-llama-lora-finetune-ok": logparse.HealthOK, "mf08-llama-lora-finetune-ok": logparse.HealthOK,
		"mf06-glm-lora-finetune-ok": logparse.HealthOK, "mf08-glm-lora-train-ok": logparse.HealthOK,
		"mf160-llama-fp16-dynamic-lossscale": logparse.HealthOK, "mf160-llama-full-ok-branch": logparse.HealthOK,
		"mf06-llama-lora-overflow-lossscale": logparse.HealthOverflowing, "mf160-llama-diverged-lr1e30": logparse.HealthOverflowing,
		"mf08-llama-lora-diverged-lr1e10": logparse.HealthOverflowing, "mf06-llama-lora-ckpt-missing": logparse.HealthUnknown,
	} {
		require.Equal(t, want, sample(t, name).Health(), name)
	}
	steps := func(loss func(n int) string, scale string, overflow string) string {
		log := ""
		for n := 1; n <= 100; n++ {
			log += fmt.Sprintf("{ Epoch:[  1/  1], step:[%5d/  100], loss: %s, per_step_time: 5ms, overflow cond: %s, loss_scale: %s\n", n, loss(n), overflow, scale)
		}
		return log
	}
	flat := func(int) string { return "6.908" }
	require.Equal(t, logparse.HealthFlat, summarize(t, steps(flat, "1.0", "False")).Health())
	falling := func(n int) string { return fmt.Sprintf("%.3f", 7-float64(n)/20) }
	require.Equal(t, logparse.HealthOK, summarize(t, steps(falling, "1.0", "False")).Health())
	require.Equal(t, logparse.HealthOverflowing, summarize(t, steps(falling, "1.0", "True")).Health())
	rising := func(n int) string { return fmt.Sprintf("%.3f", 2+float64(max(n-50, 0))) }
	require.Equal(t, logparse.HealthDiverging, summarize(t, steps(rising, "1.0", "False")).Health())
	broken := func(n int) string { return map[bool]string{true: "  nan", false: "2.000"}[n > 90] }
	s := summarize(t, steps(broken, "1.0", "False"))
	require.Equal(t, logparse.HealthNonFinite, s.Health())
	require.EqualValues(t, 10, s.NonFiniteSteps)
	data, err := json.Marshal(s)
	require.NoError(t, err)
	require.Contains(t, string(data), `"loss":"NaN"`)
}

func TestFirstCause(t *testing.T) {
	rank, cause := logparse.FirstCause(sample(t, "mf160-msrun2-ok-worker_0"), sample(t, "mf160-msrun2-ok-scheduler"))
	require.Equal(t, -1, rank)
	require.Nil(t, cause)
	// The scheduler's error is earlier by its own words, but only a consequence.
	rank, cause = logparse.FirstCause(sample(t, "mf160-msrun2-worker1-killed-worker_1"),
		sample(t, "mf160-msrun2-worker1-killed-scheduler"), sample(t, "mf160-msrun2-worker1-killed-launcher"))
	require.Equal(t, 2, rank)
	require.Equal(t, "worker-failed", cause.Signature.ID)

	late := summarize(t, "[ERROR] X(1,7f,p):2026-03-01-12:00:09.000.000 [a.cc:1] F] Memory not enough: x\n")
	early := summarize(t, line(3, "x")+"Traceback (most recent call last):\n  File \"x\"\nOSError: No space left on device\n")
	pointing := summarize(t, "[ERROR] X(1,7f,p):2026-03-01-12:00:01.000.000 [a.cc:1] F] EZ9999: Inner Error!\n"+
		"[ERROR] X(1,7f,p):2026-03-01-12:00:02.000.000 [a.cc:1] F] EI0002: times out\n")
	require.Equal(t, "hccl-timeout", pointing.Cause().Signature.ID)

	timeless := summarize(t, "Traceback (most recent call last):\n  File \"x\"\nOSError: other\n")
	rank, cause = logparse.FirstCause(timeless, late, early, timeless)
	require.Equal(t, 2, rank)
	require.Equal(t, "disk-full", cause.Signature.ID)
}

// What a program goes on after is not what it ended of.
func TestCauseAfterExceptionsThatWereCaught(t *testing.T) {
	const caught = "Traceback (most recent call last):\n  File \"x\"\nValueError: caught\n"
	const last = "Traceback (most recent call last):\n  File \"x\"\nValueError: the last\n"
	const full = "Traceback (most recent call last):\n  File \"x\"\nOSError: No space left on device\n"
	require.Equal(t, "ValueError: the last", summarize(t, caught+last).Cause().Text)
	require.Equal(t, "disk-full", summarize(t, caught+full).Cause().Signature.ID)
	require.Equal(t, "disk-full", summarize(t, full+last).Cause().Signature.ID)
}

// Why a process was killed is told after the fact that it was; and a command
// that a script could do without is the cause only where there is no other.
func TestCauseThatIsToldLate(t *testing.T) {
	const oom = "slurmstepd: error: Detected 1 oom_kill event in StepId=12.batch. Some of the step tasks have been OOM Killed.\n"
	const lacks = "start.sh: line 3: npu-smi: command not found\n"
	for log, id := range map[string]string{
		"start.sh: line 12: 4711 Killed                  python run.py\n" + oom:                                                    "host-memory",
		"[ERROR] ME(1:2,MainProcess):2026-01-02-12:00:00.0 [a.py:1] Worker process 7 exit with exception. Error code: -9.\n" + oom: "host-memory",
		"Traceback (most recent call last):\n  File \"x\"\nOSError: No space left on device\n" + oom:                               "disk-full",
		"KeyboardInterrupt\nslurmstepd: error: *** JOB 1 ON c CANCELLED AT 2026-09-30T16:00:24 DUE TO TIME LIMIT ***\n":            "time-limit",
		"KeyboardInterrupt\nKilled\n": "interrupted",
		lacks:                         "tool-missing",
		lacks + "Traceback (most recent call last):\n  File \"x\"\nValueError: x\n":             "python-exception",
		lacks + "[ERROR] X(1,7f,p):2026-03-01-12:00:02.000.000 [a.cc:1] F] EI0002: times out\n": "hccl-timeout",
	} {
		require.Equal(t, id, summarize(t, log).Cause().Signature.ID, log)
	}
}

func TestGzipIsUnpacked(t *testing.T) {
	const name = "../testdata/logs/mf160-llama-full-ok-branch.log"
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	var packed bytes.Buffer
	for _, part := range [][]byte{data[:5000], data[5000:]} { // as "cat a.gz b.gz" makes it
		z := gzip.NewWriter(&packed)
		_, err = z.Write(part)
		require.NoError(t, err)
		require.NoError(t, z.Close())
	}
	path := filepath.Join(t.TempDir(), "log.gz")
	require.NoError(t, os.WriteFile(path, packed.Bytes(), 0o600))
	s, err := logparse.SummarizeFile(context.Background(), path)
	require.NoError(t, err)
	plain, err := logparse.SummarizeFile(context.Background(), name)
	require.NoError(t, err)
	require.Equal(t, plain, s)
}

func TestReadEndsWithItsContext(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := logparse.Summarize(ctx, r)
		done <- err
	}()
	_, err := io.WriteString(w, strings.Repeat(stepLine(1)+"\n", 10))
	require.NoError(t, err)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

type failing struct{ io.Reader }

func (f failing) Read(b []byte) (int, error) {
	n, err := f.Reader.Read(b)
	if errors.Is(err, io.EOF) {
		err = errors.New("the disk is gone")
	}
	return n, err
}

func TestVerdicts(t *testing.T) {
	for name, c := range map[string]struct{ text, code string }{
		"empty":       {"", "empty"},
		"utf-16":      {"\xff\xfem\x00s\x00", "wide-text"},
		"utf-16 bare": {strings.Repeat("m\x00s\x00 \x00", 100), "wide-text"},
		"tar":         {"worker_0.log" + strings.Repeat("\x00", 245) + "ustar\x0000", "compressed"},
		"lz4":         {"\x04\x22\x4d\x18" + strings.Repeat("\x00\x01\xff", 100), "compressed"},
		"only nul":    {strings.Repeat("\x00", 5000), "binary"},
		"picture":     {"\x89PNG\r\n\x1a\n" + strings.Repeat("\x00\x01\xff", 100), "binary"},
		"weights":     {"\x0a\x00\x00\x00\x00\x00\x00\x00{\"a\":{}}   ", "binary"},
		"xz":          {"\xfd7zXZ\x00\x00", "compressed"},
		"prose":       {"Dear reader,\nthis is no log.\n", "not-a-log"},
		"recipe":      {"apiVersion: ftd/v1\nsteps:\n  - id: train\n", "not-a-log"},
		"other log":   {"Mar  1 12:00:00 host kernel: hello\n", "not-a-log"},
		"broken gzip": {"\x1f\x8b\x08\x00\x00", "unreadable"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := logparse.Summarize(context.Background(), strings.NewReader(c.text))
			var in *logparse.InputError
			require.ErrorAs(t, err, &in)
			require.Equal(t, c.code, in.Code, in.Error())
		})
	}
	_, err := logparse.Summarize(context.Background(), failing{strings.NewReader(stepLine(1) + "\n")})
	require.ErrorContains(t, err, "the disk is gone")
	for path, code := range map[string]string{"/no/such/file": "missing", t.TempDir(): "directory"} {
		_, err := logparse.SummarizeFile(context.Background(), path)
		var in *logparse.InputError
		require.ErrorAs(t, err, &in)
		require.Equal(t, code, in.Code)
		require.Contains(t, err.Error(), path)
	}
	// Chinese text, a log behind NUL bytes and a log without a newline are logs.
	for _, text := range []string{"训练开始\n" + stepLine(1), strings.Repeat("\x00", 5000) + stepLine(1), stepLine(1),
		"训练开始\n" + strings.Repeat("\x00", 100_000) + stepLine(1)} {
		require.EqualValues(t, 1, summarize(t, text).Steps)
	}
}
