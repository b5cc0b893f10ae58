package recipe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ftd/checkpoint"
	"ftd/launcher"
)

// shim is the path of ftd-shim, built for the tests.
var shim string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "recipe")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"} { // whoever runs the tests
		if err := os.Setenv(name, os.DevNull); err != nil {
			panic(err)
		}
	}
	shim = filepath.Join(dir, "ftd-shim")
	build := exec.Command("go", "build", "-o", shim, "ftd/cmd/ftd-shim")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("go build ftd-shim: %v\n%s", err, out))
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		os.RemoveAll(dir)
		os.Exit(status) //nolint:forbidigo // this is the end of the tests' main
	}))
}

// memoryHost keeps in memory what the daemon keeps in its journal. Its Python
// is a process for each call; trainings are real ones.
type memoryHost struct {
	t      *testing.T
	dir    string
	python string

	mu       sync.Mutex
	steps    map[string]StepStatus
	history  []string // "step state"
	attempts map[string][]attemptRecord
	results  map[string]map[string]string
	holds    map[string]int
	contents map[string]string // SHA-256 by path and look
	output   []string
	progress []int64
	batches  []launcher.Batch
	verdicts []checkpoint.Verdict
	alarms   []Alarm
}

type attemptRecord struct {
	Attempt
	state   StepState // "" while it is not ended
	exit    *launcher.Exit
	problem *Problem
	shim    launcher.Shim
}

func newHost(t *testing.T) *memoryHost {
	return &memoryHost{
		t: t, dir: t.TempDir(), python: testPython(t),
		steps: map[string]StepStatus{}, attempts: map[string][]attemptRecord{}, results: map[string]map[string]string{},
		contents: map[string]string{}, holds: map[string]int{},
	}
}

// testPython is the environment's interpreter, or any.
func testPython(t *testing.T) string {
	t.Helper()
	if env := os.Getenv("FTD_TEST_ENV"); env != "" {
		return filepath.Join(env, "bin", "python")
	}
	path, err := exec.LookPath("python3")
	require.NoError(t, err, "these tests need a python3")
	return path
}

// settings are those of a daemon in this host's directory.
func (h *memoryHost) settings() Settings {
	library := filepath.Join(h.dir, "library")
	if _, err := os.Stat(library); err != nil {
		require.NoError(h.t, os.CopyFS(library, Library()))
	}
	return Settings{
		Env: os.Getenv("FTD_TEST_ENV"), Python: h.python, Shim: shim, Library: library, Start: os.Environ(),
		Places: []string{h.dir}, Partial: filepath.Join(h.dir, "partial"), Environments: filepath.Join(h.dir, "envs"),
	}
}

func (h *memoryHost) StepChanged(_ context.Context, s StepStatus) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.steps[s.ID] = s
	h.history = append(h.history, s.ID+" "+string(s.State))
	return nil
}

func (h *memoryHost) BeginAttempt(_ context.Context, step string) (Attempt, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.attempts[step]
	if n := len(all); n > 0 && all[n-1].state == "" {
		a := all[n-1].Attempt
		a.Resumed = true
		return a, nil
	}
	number := len(all) + 1
	id := fmt.Sprintf("%s.%d", step, number)
	a := Attempt{ID: id, Number: number, Dir: filepath.Join(h.dir, "runs", id)}
	h.attempts[step] = append(all, attemptRecord{Attempt: a})
	return a, os.MkdirAll(a.Dir, 0o755)
}

func (h *memoryHost) record(attempt string, change func(*attemptRecord)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	step, _, _ := strings.Cut(attempt, ".")
	for i := range h.attempts[step] {
		if h.attempts[step][i].ID == attempt {
			change(&h.attempts[step][i])
			return nil
		}
	}
	return errors.New("no such attempt: " + attempt)
}

func (h *memoryHost) AttemptStarted(_ context.Context, attempt string, s launcher.Shim) error {
	return h.record(attempt, func(a *attemptRecord) { a.shim = s })
}

func (h *memoryHost) EndAttempt(_ context.Context, attempt string, state StepState, exit *launcher.Exit, p *Problem) error {
	return h.record(attempt, func(a *attemptRecord) { a.state, a.exit, a.problem = state, exit, p })
}

func (h *memoryHost) Progress(_ string, done, _ int64, _ string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.progress = append(h.progress, done)
}

func (h *memoryHost) Output(_, line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.output = append(h.output, line)
}

func (h *memoryHost) Alarm(_ context.Context, _ string, a Alarm) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.alarms = append(h.alarms, a)
	return nil
}

func (h *memoryHost) Observer(string) launcher.Observer { return (*memoryObserver)(h) }
func (h *memoryHost) Python() Python                    { return (*processPython)(h) }
func (h *memoryHost) Results() Results                  { return (*memoryResults)(h) }

// attempt returns the newest attempt at a step.
func (h *memoryHost) attempt(step string) attemptRecord {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.attempts[step]
	require.NotEmpty(h.t, all)
	return all[len(all)-1]
}

type memoryObserver memoryHost

func (o *memoryObserver) Position(_ context.Context, rank int) (launcher.Position, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, b := range slices.Backward(o.batches) {
		if b.Rank == rank {
			return launcher.Position{File: b.File, Offset: b.Offset, Parser: b.Parser}, nil
		}
	}
	return launcher.Position{}, nil
}

func (o *memoryObserver) Batch(_ context.Context, b launcher.Batch) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.batches = append(o.batches, b)
	return nil
}

func (o *memoryObserver) Checkpoint(_ context.Context, v checkpoint.Verdict, _ int) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.verdicts = append(o.verdicts, v)
	return nil
}

type memoryResults memoryHost

func (r *memoryResults) Find(_ context.Context, key string) (map[string]string, bool, error) {
	outputs, ok := r.results[key]
	return maps.Clone(outputs), ok, nil
}

func (r *memoryResults) Alone(context.Context, string, func()) (func(), error) {
	return func() {}, nil // jobs of the tests have hosts of their own
}

func (r *memoryResults) Dir(_ context.Context, key, place string) (string, error) {
	dir := filepath.Join(place, "results", key+".new")
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755)
}

func (r *memoryResults) Commit(_ context.Context, key, dir string, outputs map[string]string) (map[string]string, error) {
	final := filepath.Join(filepath.Dir(dir), key)
	if err := os.RemoveAll(final); err != nil {
		return nil, err
	}
	if err := os.Rename(dir, final); err != nil {
		return nil, err
	}
	moved := maps.Clone(outputs)
	for name, value := range moved {
		if rest, ok := strings.CutPrefix(value, dir); ok && (rest == "" || rest[0] == '/') {
			moved[name] = filepath.Join(final, rest)
		}
	}
	r.results[key] = moved
	return maps.Clone(moved), nil
}

func (r *memoryResults) Content(_ context.Context, path string, look Look) (string, bool) {
	sum, ok := r.contents[fmt.Sprint(path, look)]
	return sum, ok
}

func (r *memoryResults) PutContent(_ context.Context, path string, look Look, sum string) {
	r.contents[fmt.Sprint(path, look)] = sum
}

func (r *memoryResults) Drop(_ context.Context, key string) error {
	dir := filepath.Dir(r.results[key][manifestOutput])
	delete(r.results, key)
	return os.RemoveAll(dir)
}

func (r *memoryResults) Hold(key string) func() {
	r.holds[key]++
	return func() { r.holds[key]-- }
}

func (r *memoryResults) Remove(_ context.Context, key string) error {
	if r.holds[key] > 1 {
		return nil
	}
	return os.RemoveAll(filepath.Dir(r.results[key][manifestOutput]))
}
