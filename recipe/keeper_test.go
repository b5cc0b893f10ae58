package recipe

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"ftd/checkpoint"
	"ftd/launcher"
	"ftd/launcher/watchdog"
)

// keptHost is a memoryHost that remembers what checkpoints it was told of.
type keptHost struct {
	*memoryHost
	deleted map[string]string // why, by path
	outlook checkpoint.Outlook
}

func newKeptHost(t *testing.T) *keptHost {
	return &keptHost{memoryHost: newHost(t), deleted: map[string]string{}}
}

func (h *keptHost) MadeCheckpoints(context.Context, string) (made []MadeCheckpoint, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.verdicts {
		if h.deleted[v.Path] != "" {
			continue
		}
		made = append(made, MadeCheckpoint{Attempt: "train.1", Path: v.Path, Bytes: v.Bytes, Seen: v.Modified.Add(time.Millisecond)})
	}
	return made, nil
}

// Losses says that the training was best at step 20.
func (h *keptHost) Losses(_ context.Context, steps []int64) (map[int64]float64, error) {
	losses := map[int64]float64{}
	for _, s := range steps {
		losses[s] = float64((s - 20) * (s - 20))
	}
	return losses, nil
}

func (h *keptHost) CheckpointDeleted(_ context.Context, _, path, why string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deleted[path] = why
	return nil
}

func (h *keptHost) DiskOutlook(_ string, o checkpoint.Outlook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outlook = o
}

// run carries out a job, which must succeed.
func (h *keptHost) run(j Job) {
	h.t.Helper()
	require.NoError(h.t, Run(h.t.Context(), j, h, h.settings()))
}

// savedSteps are the steps of which there is a checkpoint.
func savedSteps(t *testing.T, dir string) (steps []int64) {
	t.Helper()
	sets, err := checkpoint.Sets(t.Context(), dir, 0, checkpoint.Options{})
	require.NoError(t, err)
	for _, s := range sets {
		require.True(t, s.Complete, s.Reason)
		steps = append(steps, *s.Step)
	}
	return steps
}

func TestRetentionKeepsWhatItsRulesSay(t *testing.T) {
	h := newKeptHost(t)
	j := training(t, h.memoryHost, trainer(t, h.memoryHost, "--steps", "100", "--step-ms", "2", "--save-every", "10", "--out", "output")...)
	h.run(with(j, map[string]any{"retention": map[string]any{"keep": int64(2), "best": int64(1), "every": int64(50)}}))
	require.Equal(t, []int64{100, 90, 50, 20}, savedSteps(t, filepath.Join(h.dir, "work", "output")))
	require.Len(t, h.deleted, 6)
	for path, why := range h.deleted {
		require.NoFileExists(t, path)
		require.Equal(t, "no rule keeps it", why)
	}
	require.True(t, h.outlook.Enough)
	require.Empty(t, h.alarms)
}

func TestNothingIsDeletedThatWasNotSeenBeingMade(t *testing.T) {
	h := newKeptHost(t)
	command := trainer(t, h.memoryHost, "--steps", "30", "--step-ms", "2", "--save-every", "10", "--out", "output")
	j := training(t, h.memoryHost, command...)
	h.run(j)
	require.Empty(t, h.deleted, "there are no rules by default")
	theirs := savedSteps(t, filepath.Join(h.dir, "work", "output"))
	require.Equal(t, []int64{30, 20, 10}, theirs)

	// Another training in the same directory, which begins where that ended.
	h.verdicts = nil
	j = training(t, h.memoryHost, trainer(t, h.memoryHost, "--steps", "60", "--start", "31", "--step-ms", "2", "--save-every", "10", "--out", "output")...)
	h.run(with(j, map[string]any{"retention": map[string]any{"keep": int64(1)}}))
	require.Equal(t, append([]int64{60}, theirs...), savedSteps(t, filepath.Join(h.dir, "work", "output")))
}

// A file that was changed after it was seen is somebody else's.
func TestAFileThatWasChangedIsNotDeleted(t *testing.T) {
	h := newKeptHost(t)
	dir := t.TempDir()
	k := newKeeper(&StepContext{Host: h, Step: Step{ID: "train"}, With: map[string]any{}}, specIn(dir), keeping{rules: checkpoint.Retention{Newest: 1}})
	out, err := exec.CommandContext(t.Context(), "sh", "-c", strings.Join(trainer(t, h.memoryHost, "--steps", "20", "--step-ms", "0", "--save-every", "10", "--out", dir), " ")).CombinedOutput()
	require.NoError(t, err, string(out))
	sets, err := checkpoint.Sets(t.Context(), dir, 0, checkpoint.Options{})
	require.NoError(t, err)
	require.Len(t, sets, 2)
	for _, s := range sets {
		h.verdicts = append(h.verdicts, s.Files[0].Verdict)
	}
	old := sets[1].Files[0].Path
	later := time.Now().Add(time.Hour)
	require.NoError(t, os.Chtimes(old, later, later))
	k.look(t.Context())
	require.FileExists(t, old)
	require.NoError(t, os.Chtimes(old, sets[1].Modified, sets[1].Modified))
	k.look(t.Context())
	require.NoFileExists(t, old)
}

// smallDisk mounts a filesystem of so many KiB.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+"k"); err != nil {
		t.Skipf("no filesystem can be mounted: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

// onDisk is a training that saves to a small disk.
func onDisk(t *testing.T, h *keptHost, disk, action string, args ...string) Job {
	t.Helper()
	command := trainer(t, h.memoryHost, append([]string{"--step-ms", "20", "--save-every", "5", "--out", disk}, args...)...)
	return with(training(t, h.memoryHost, command...), map[string]any{"checkpoints": words(disk), "disk": map[string]any{"action": action}})
}

func TestADiskThatWillBeFullIsToldOfInTime(t *testing.T) {
	h := newKeptHost(t)
	j := onDisk(t, h, smallDisk(t, "64"), "notify", "--steps", "1000")
	err := Run(t.Context(), j, h, h.settings())
	require.Error(t, err, "the disk was full")
	require.NotEmpty(t, h.alarms)
	require.Equal(t, Disk, h.alarms[0].Watchdog)
	require.Contains(t, h.alarms[0].Message, "the disk will be full after")
	require.Regexp(t, `about \d{4}-\d\d-\d\d \d\d:\d\d`, h.alarms[0].Message)
	require.Equal(t, watchdog.Notify, h.alarms[0].Action)
}

// What is reckoned to happen in months alarms nobody.
func TestADiskThatLastsIsNotToldOf(t *testing.T) {
	k := newSaver(t, t.TempDir(), keeping{})
	for _, c := range []struct {
		left int
		full time.Duration
		near bool
	}{
		{-1, 23 * time.Hour, true},
		{-1, 25 * time.Hour, false},
		{1000, 20 * 24 * time.Hour, true},
		{1000, 50 * 24 * time.Hour, false},
	} {
		k.saving.Left = c.left
		require.Equal(t, c.near, k.near(time.Now().Add(c.full)), "%+v", c)
	}
	require.False(t, k.near(time.Time{}), "it is not known when")
}

// A training that keeps a number of checkpoints by itself, as by
// keep_checkpoint_max, does not fill the disk; one of which somebody deleted
// some by hand does.
func TestATrainingThatRotatesItsCheckpointsDoesNotFillTheDisk(t *testing.T) {
	s := newSaver(t, smallDisk(t, "64"), keeping{disk: watchdog.Notify})
	s.total = 1_000_000
	remove := func(step int) {
		paths, err := filepath.Glob(filepath.Join(s.dir, "*", "*", fmt.Sprintf("*_%d.*", step)))
		require.NoError(t, err)
		more, err := filepath.Glob(filepath.Join(s.dir, fmt.Sprintf("*_%d.*", step)))
		require.NoError(t, err)
		for _, path := range append(paths, more...) {
			require.NoError(t, os.Remove(path))
		}
	}
	// On this small disk already the second one would be told of.
	require.True(t, s.save(t, 1))
	s.total = 1
	require.True(t, s.save(t, 2))
	s.total = 1_000_000
	for step := 3; step < 12; step++ {
		remove(step - 2)
		require.True(t, s.save(t, step))
	}
	require.Empty(t, s.raised)
	require.True(t, s.host.outlook.Enough)

	for step := 12; step < 16; step++ {
		require.True(t, s.save(t, step))
	}
	require.NotEmpty(t, s.raised, "it has stopped doing so")
}

// A config says how many are kept before the first of them is deleted.
func TestAConfigSaysHowManyCheckpointsAreKept(t *testing.T) {
	config := filepath.Join(t.TempDir(), "run.yaml")
	require.NoError(t, os.WriteFile(config, []byte("callbacks:\n  - type: MFLossMonitor\n  - type: CheckpointMointor\n    keep_checkpoint_max: 2\n"), 0o600))
	for _, c := range []struct {
		with map[string]any
		told bool
	}{{map[string]any{"config": config}, false}, {map[string]any{}, true}, {map[string]any{"config": config + ".gone"}, true}} {
		s := newSaver(t, smallDisk(t, "64"), keeping{disk: watchdog.Notify})
		s.keeps = keptByItself(&StepContext{With: c.with})
		s.total = 1_000_000
		for step := 1; step <= 2; step++ {
			require.True(t, s.save(t, step))
		}
		require.Equal(t, c.told, len(s.raised) > 0, "%v", c.with)
	}
}

// saver is a keeper, and a training that saves when it is told to.
type saver struct {
	*keeper
	host   *keptHost
	dir    string
	raised []Alarm
}

func newSaver(t *testing.T, dir string, k keeping) *saver {
	h := newKeptHost(t)
	s := &saver{host: h, dir: dir}
	s.keeper = newKeeper(&StepContext{Host: h, Step: Step{ID: "train"}, With: map[string]any{}}, specIn(dir), k)
	s.raise = func(_ context.Context, a Alarm) { s.raised = append(s.raised, a) }
	s.total = 1000
	return s
}

// save saves at a step; the keeper looks then, or false says that it did not
// fit.
func (s *saver) save(t *testing.T, step int) bool {
	t.Helper()
	args := []string{"--steps", strconv.Itoa(step), "--start", strconv.Itoa(step), "--step-ms", "0", "--save-every", "1", "--out", s.dir}
	command := trainer(t, s.host.memoryHost, args...)
	if exec.CommandContext(t.Context(), command[0], command[1:]...).Run() != nil { //nolint:gosec // the test's own
		return false
	}
	sets, err := checkpoint.Sets(t.Context(), s.dir, 0, checkpoint.Options{})
	require.NoError(t, err)
	require.EqualValues(t, step, *sets[0].Step)
	require.True(t, sets[0].Complete)
	s.host.verdicts = append(s.host.verdicts, sets[0].Files[0].Verdict)
	s.look(t.Context())
	return true
}

func TestATrainingIsStoppedBeforeTheDiskIsFull(t *testing.T) {
	s := newSaver(t, smallDisk(t, "32"), keeping{disk: watchdog.Stop})
	for step := 1; len(s.raised) == 0 || s.raised[len(s.raised)-1].Action != watchdog.Stop; step++ {
		require.True(t, s.save(t, step), "it is stopped before one does not fit")
	}
	require.Contains(t, s.raised[len(s.raised)-1].Message, "the next save will fail")
	require.False(t, s.save(t, 999), "it would have failed")
}

func TestOldCheckpointsMakeRoomForNewOnes(t *testing.T) {
	s := newSaver(t, smallDisk(t, "32"), keeping{disk: Prune})
	for step := 1; step < 15; step++ {
		require.True(t, s.save(t, step), "there is always room")
	}
	require.NotEmpty(t, s.host.deleted)
	for _, why := range s.host.deleted {
		require.Equal(t, "the disk had no room for the next one", why)
	}
}

func TestTheNewestThatVerifiesStays(t *testing.T) {
	s := newSaver(t, t.TempDir(), keeping{rules: checkpoint.Retention{Newest: 1}})
	require.True(t, s.save(t, 1))
	first := s.host.verdicts[0].Path
	require.True(t, s.save(t, 2))
	require.NoFileExists(t, first)
	second := s.host.verdicts[1].Path
	// The newest of all is cut: the one before is what there is to go on from.
	require.NoError(t, os.WriteFile(strings.Replace(second, "_2.", "_3.", 1), []byte("cut"), 0o600))
	s.look(t.Context())
	require.FileExists(t, second)
}

func (h *keptHost) failsWith(j Job) *Problem {
	h.t.Helper()
	var p *Problem
	require.ErrorAs(h.t, Run(h.t.Context(), j, h, h.settings()), &p)
	return p
}

func TestALaunchLooksWhetherThereIsRoom(t *testing.T) {
	h := newKeptHost(t)
	disk := smallDisk(t, "64")
	j := onDisk(t, h, disk, "stop", "--steps", "10")
	h.run(j)
	free, err := checkpoint.FreeSpace(disk)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(disk, "others"), make([]byte, free), 0o600))
	p := h.failsWith(j)
	require.Equal(t, CodeDiskFull, p.Code)
	require.Contains(t, p.Message, "less than one checkpoint")
	require.Empty(t, h.attempt("train").shim.Child, "it was not launched")
}

func TestRetentionAndDiskAreChecked(t *testing.T) {
	for text, with := range map[string]map[string]any{
		`retention has no "newest"`:                   {"retention": map[string]any{"newest": int64(1)}},
		"keep is \"0\" and must be a whole number":    {"retention": map[string]any{"keep": int64(0)}},
		`the action of retention is "x"`:              {"retention": map[string]any{"action": "x"}},
		`the action of disk is "restart" and must be`: {"disk": map[string]any{"action": "restart"}},
		`disk has no "limit"`:                         {"disk": map[string]any{"limit": "3h"}},
	} {
		_, err := keepingOf(&StepContext{With: with})
		require.ErrorContains(t, err, text)
	}
	k, err := keepingOf(&StepContext{With: map[string]any{"retention": map[string]any{"keep": "3", "action": "off"}}})
	require.NoError(t, err)
	require.Zero(t, k.rules)
	require.Equal(t, watchdog.Notify, k.disk)
}

func specIn(dir string) launcher.Spec { return launcher.Spec{Dir: dir, Checkpoints: []string{dir}} }
