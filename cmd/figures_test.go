package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// The benchmarks of this file are figures of whole processes. They say what
// they measured as metrics of their own; see docs/figures.md.

// hundred is how many trainings the figures speak of.
const hundred = 100

// client talks to the daemon of a house.
func (h *house) client() *api.Client {
	return &api.Client{Socket: h.socket(), Wait: 20 * time.Second}
}

// train has the daemon run n trainings and waits until all have begun. Once
// the returned function was called they have ended, by themselves.
func (h *house) train(n, perSecond int, busy bool) (jobs []string, end func()) {
	h.t.Helper()
	until := filepath.Join(h.dir, "enough")
	for range n {
		job, err := h.client().Submit(h.t.Context(), api.Submit{Command: trainer(h.t, perSecond, until, busy), Dir: h.dir})
		require.NoError(h.t, err)
		jobs = append(jobs, job.ID)
	}
	eventually(h.t, "all trainings to begin", func() bool {
		return !slices.ContainsFunc(jobs, func(id string) bool {
			job := h.ask(id)
			return job.Training == nil || job.Training.StepsDone == 0
		})
	})
	return jobs, func() {
		h.t.Helper()
		require.NoError(h.t, os.WriteFile(until, nil, 0o600))
		eventually(h.t, "all trainings to end", func() bool {
			return !slices.ContainsFunc(jobs, func(id string) bool { return !h.ask(id).State.Ended() })
		})
	}
}

// ask is like job, without a process of its own.
func (h *house) ask(id string) *api.Job {
	h.t.Helper()
	job, err := h.client().Job(h.t.Context(), id)
	require.NoError(h.t, err)
	return job
}

// process is what /proc knows of a process.
type process int

// cpu is the processor time that it has used.
func (p process) cpu(tb testing.TB) time.Duration {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(int(p)), "stat"))
	require.NoError(tb, err)
	// After the name, which may hold anything: state is field 3.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var ticks time.Duration
	for _, field := range fields[11:13] { // utime, stime
		n, err := strconv.Atoi(field)
		require.NoError(tb, err)
		ticks += time.Duration(n)
	}
	return ticks * time.Second / 100
}

// resident is its resident memory in MB.
func (p process) resident(tb testing.TB) float64 {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(int(p)), "status"))
	require.NoError(tb, err)
	_, after, found := strings.Cut(string(status), "VmRSS:")
	require.True(tb, found)
	kilobytes, err := strconv.ParseFloat(strings.Fields(after)[0], 64)
	require.NoError(tb, err)
	return kilobytes / 1024
}

// shim returns the processes of the only training: its shim, and itself.
func (h *house) shim() (shim, training process) {
	h.t.Helper()
	found, err := filepath.Glob(filepath.Join(h.state(), "runs", "*", "*", "shim.json"))
	require.NoError(h.t, err)
	require.Len(h.t, found, 1)
	text, err := os.ReadFile(found[0])
	require.NoError(h.t, err)
	var pids struct{ PID, Child int }
	require.NoError(h.t, json.Unmarshal(text, &pids))
	return process(pids.PID), process(pids.Child)
}

func (h *house) pid() process { return process(h.daemon.Process.Pid) }

// arrival is a line of a log that came out as part of an event.
type arrival struct {
	job  string
	late time.Duration // since it was written
}

// arrivals follows all jobs from now on, until the context ends.
func (h *house) arrivals(ctx context.Context) <-chan arrival {
	out := make(chan arrival, 1<<16)
	go func() {
		defer close(out)
		for event, err := range h.client().Events(ctx, api.EventsQuery{After: api.Now, Follow: true}) {
			now := time.Now()
			var points []api.Point
			if err != nil || event.Type != api.EventPoints || json.Unmarshal(event.Data, &points) != nil {
				continue
			}
			for _, p := range points {
				written := time.UnixMicro(int64(float64(p.Loss) * 1000))
				out <- arrival{event.Job, now.Sub(written)}
			}
		}
	}()
	return out
}

// BenchmarkHundredRuns follows a hundred trainings that print 50 lines a second
// each, kills the daemon, and looks whether the next one misses anything.
func BenchmarkHundredRuns(b *testing.B) {
	const watched = 10 * time.Second
	h := newHouse(b)
	b.Setenv("FTD_SLOTS", strconv.Itoa(hundred))
	h.start()
	jobs, end := h.train(hundred, 50, false)

	ctx, cancel := context.WithTimeout(b.Context(), watched)
	defer cancel()
	arrivals := h.arrivals(ctx)
	<-arrivals
	var late []time.Duration
	before, began := h.pid().cpu(b), time.Now()
	for a := range arrivals {
		late = append(late, a.late)
	}
	used := h.pid().cpu(b) - before
	b.ReportMetric(100*used.Seconds()/time.Since(began).Seconds(), "cpu-%")
	slices.Sort(late)
	require.NotEmpty(b, late)
	b.ReportMetric(float64(late[len(late)*99/100].Milliseconds()), "late-p99-ms")
	b.ReportMetric(float64(late[len(late)/2].Milliseconds()), "late-p50-ms")
	b.ReportMetric(float64(len(late))/watched.Seconds(), "lines/s")

	h.kill()
	restart := time.Now()
	h.launch()
	ctx, cancel = context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	// A training is adopted when a line comes out that nobody could have read
	// before.
	adopted := map[string]bool{}
	for a := range h.arrivals(ctx) {
		if a.late < time.Since(restart) {
			adopted[a.job] = true
		}
		if len(adopted) == hundred {
			break
		}
	}
	require.Len(b, adopted, hundred)
	b.ReportMetric(float64(time.Since(restart).Milliseconds()), "adopted-ms")
	b.ReportMetric(float64(h.pid().cpu(b).Milliseconds()), "adopted-cpu-ms")

	cancel()
	end()
	lost := 0
	for _, id := range jobs {
		lost += h.lost(id)
	}
	b.ReportMetric(float64(lost), "lost-lines")
	b.ReportMetric(0, "ns/op")
}

// lost counts the lines in the log of an ended job that are not on record once.
func (h *house) lost(id string) int {
	h.t.Helper()
	log, err := os.ReadFile(filepath.Join(h.state(), "runs", id, "train.1", "rank_0.log"))
	require.NoError(h.t, err)
	missing := map[int64]bool{}
	for step := range bytes.Count(log, []byte("step:[")) {
		missing[int64(step)+1] = true
	}
	doubled := 0
	for p, err := range h.client().Points(h.t.Context(), id, api.PointsQuery{}) {
		require.NoError(h.t, err)
		if !missing[p.Step] {
			doubled++
		}
		delete(missing, p.Step)
	}
	return len(missing) + doubled
}

// BenchmarkPs is ftctl ps, from its start to its end, with a hundred jobs.
func BenchmarkPs(b *testing.B) {
	h := newHouse(b)
	b.Setenv("FTD_SLOTS", strconv.Itoa(hundred))
	h.start()
	_, end := h.train(hundred, 1, false)
	for b.Loop() {
		ps := h.ctl("ps")
		require.Zero(b, ps.code, ps.stderr)
		require.Equal(b, hundred+1, strings.Count(ps.stdout, "\n"), ps.stdout)
	}
	end()
}

// BenchmarkSupervision is what one training that computes all the time costs
// the machine beside it, and the memory of who watches it.
func BenchmarkSupervision(b *testing.B) {
	h := newHouse(b)
	h.start()
	b.ReportMetric(h.pid().resident(b), "daemon-MB")
	_, end := h.train(1, 10, true)
	shim, training := h.shim()
	before, trained := h.pid().cpu(b)+shim.cpu(b), training.cpu(b)
	<-time.After(20 * time.Second)
	used := h.pid().cpu(b) + shim.cpu(b) - before
	b.ReportMetric(100*used.Seconds()/(training.cpu(b)-trained).Seconds(), "cpu-%")
	b.ReportMetric(shim.resident(b), "shim-MB")
	end()
	b.ReportMetric(0, "ns/op")
}

// BenchmarkParse is ftctl parse, from its start to its end, beside grep -c on
// the same file.
func BenchmarkParse(b *testing.B) {
	const size = 300 << 20
	sample, err := os.ReadFile(filepath.Join("..", "testdata", "logs", "mf160-llama-full-ok-branch.log"))
	require.NoError(b, err)
	var steps []byte
	for line := range bytes.Lines(sample) {
		if bytes.Contains(line, []byte("step:[")) {
			steps = append(steps, line...)
		}
	}
	text := bytes.Repeat(steps, size/len(steps)+1)
	log := filepath.Join(b.TempDir(), "steps.log")
	require.NoError(b, os.WriteFile(log, text, 0o600))
	count := strconv.Itoa(bytes.Count(text, []byte("\n")))
	for _, program := range []struct {
		name    string
		command []string
	}{
		{"ftctl", []string{bin(b, "ftctl"), "parse", "--summary", "-o", "json", log}},
		{"grep", []string{"grep", "-c", `step:\[`, log}},
	} {
		b.Run(program.name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				out, err := exec.Command(program.command[0], program.command[1:]...).Output()
				require.NoError(b, err)
				require.Contains(b, string(out), count)
			}
		})
	}
}
