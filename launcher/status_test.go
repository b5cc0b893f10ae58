package launcher

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/launcher/process"
	"ftd/launcher/rundir"
)

func TestDecide(t *testing.T) {
	ended, damaged := &Exit{Code: 3}, errors.New("exit.json is damaged")
	here := facts{shimKnown: true, sameBoot: true, sameNamespace: true}
	with := func(change func(*facts)) facts {
		f := here
		change(&f)
		return f
	}
	for _, c := range []struct {
		name   string
		facts  facts
		state  State
		ending bool
	}{
		{"runs", with(func(f *facts) { f.holderAlive, f.mainAlive = true, true }), StateRunning, false},
		{"command ended, shim cleans up", with(func(f *facts) { f.holderAlive = true }), StateRunning, true},
		{"ended", with(func(f *facts) { f.exit = ended }), StateExited, false},
		{"ended, shim about to go", with(func(f *facts) { f.exit, f.holderAlive = ended, true }), StateExited, false},
		{"ended before a reboot", facts{shimKnown: true, exit: ended}, StateExited, false},
		{"could not start", facts{exit: ended}, StateExited, false},
		{"rebooted", facts{shimKnown: true, sameNamespace: true}, StateInterrupted, false},
		{"rebooted, pid used again", facts{shimKnown: true, holderAlive: true, mainAlive: true}, StateInterrupted, false},
		{"container restarted", facts{shimKnown: true, sameBoot: true}, StateInterrupted, false},
		{"shim killed", with(func(f *facts) { f.mainAlive = true }), StateOrphaned, false},
		{"shim and command killed", with(func(f *facts) { f.others = true }), StateOrphaned, true},
		{"all killed", here, StateLost, false},
		{"being started", facts{holderAlive: true}, StateRunning, false},
		{"shim killed while starting", facts{others: true}, StateOrphaned, true},
		{"shim killed while starting, the command has ended since", facts{begun: true}, StateLost, false},
		{"never started", facts{}, StateLost, false},
		{"runs, and exit.json is damaged", with(func(f *facts) { f.damaged, f.holderAlive, f.mainAlive = damaged, true, true }), StateRunning, false},
		{"all killed, and exit.json is damaged", with(func(f *facts) { f.damaged = damaged }), StateLost, false},
		{"rebooted, and exit.json is damaged", facts{shimKnown: true, damaged: damaged}, StateLost, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := decide(c.facts)
			require.Equal(t, c.state, st.State)
			require.Equal(t, c.ending, st.Ending)
			require.Equal(t, c.name == "never started", st.Unstarted)
			if c.state == StateExited {
				require.Equal(t, *ended, st.Exit)
			} else {
				require.Zero(t, st.Exit, "no status but a recorded one")
			}
			if c.state != StateRunning && c.state != StateExited {
				require.NotEmpty(t, st.Reason)
			}
		})
	}
}

func TestShimKilledTrainingGoesOn(t *testing.T) {
	run := launch(t, training(t, "--steps", "100000"))
	logged(t, run, "step:[    2/")
	require.NoError(t, holder(run.Shim()).Signal(syscall.SIGKILL))
	until(t, func() bool { return !holder(run.Shim()).Alive() }, func() string { return "the shim's death" })

	st, err := run.Status()
	require.NoError(t, err)
	require.Equal(t, StateOrphaned, st.State)
	size := len(content(run.Log()))
	until(t, func() bool { return len(content(run.Log())) > size+1000 }, func() string { return "more log" })

	require.NoError(t, child(run.Shim()).Signal(syscall.SIGKILL))
	require.Equal(t, StateLost, wait(t, run).State)
}

// The workers of a training whose shim and whose command are gone still hold
// the card, and are found by the mark in their environment.
func TestWorkersOfAKilledShimAreFound(t *testing.T) {
	list := filepath.Join(t.TempDir(), "pids")
	run := launch(t, training(t, "--steps", "100000", "--workers", "2", "--pids", list))
	all := pids(t, list, 3)
	require.NoError(t, holder(run.Shim()).Signal(syscall.SIGKILL))
	require.NoError(t, child(run.Shim()).Signal(syscall.SIGKILL))
	until(t, func() bool { return !holder(run.Shim()).Alive() && !child(run.Shim()).Alive() },
		func() string { return "their death" })

	st, err := run.Status()
	require.NoError(t, err)
	require.Equal(t, StateOrphaned, st.State)
	require.True(t, st.Ending)

	st, err = run.Stop(t.Context(), DefaultLadder(), nil)
	require.NoError(t, err)
	require.Equal(t, StateLost, st.State)
	for _, id := range all {
		require.False(t, id.Alive())
	}
}

// rewrite changes shim.json of a run as if other processes had written it.
func rewrite(t *testing.T, run *Run, change func(*Shim)) *Run {
	t.Helper()
	dir := t.TempDir()
	s := run.Shim()
	change(&s)
	require.NoError(t, rundir.WriteSpec(dir, run.Spec()))
	file, err := rundir.Reserve(filepath.Join(dir, rundir.ShimFile))
	require.NoError(t, err)
	require.NoError(t, file.Commit(s))
	other, err := Open(dir)
	require.NoError(t, err)
	return other
}

func TestPidReusedByAStranger(t *testing.T) {
	run := launch(t, command(t, "true"))
	wait(t, run)
	stranger := launch(t, command(t, "sleep", "60"))
	victim := child(stranger.Shim())

	reused := rewrite(t, run, func(s *Shim) {
		s.PID, s.StartTicks = stranger.Shim().PID, stranger.Shim().StartTicks-1
		s.Child, s.ChildStartTicks = victim.PID, victim.StartTicks-1
	})
	st, err := reused.Status()
	require.NoError(t, err)
	require.Equal(t, StateLost, st.State)
	st, err = reused.Stop(t.Context(), DefaultLadder(), func(r Rung) { t.Error("a rung was tried: " + r.Name) })
	require.NoError(t, err)
	require.Equal(t, StateLost, st.State)
	reached, err := (&stop{run: reused, seen: map[process.Identity]bool{}}).send(Rung{Signal: syscall.SIGKILL})
	require.NoError(t, err)
	require.Zero(t, reached, "nor when it is told to")
	require.True(t, victim.Alive())
	require.True(t, holder(stranger.Shim()).Alive())
}

func TestRestartOfMachineOrContainer(t *testing.T) {
	run := launch(t, command(t, "sleep", "60"))
	rebooted := rewrite(t, run, func(s *Shim) { s.BootID = "0c9a3f3e-0000-4000-8000-000000000000" })
	st, err := rebooted.Status()
	require.NoError(t, err)
	require.Equal(t, StateInterrupted, st.State)

	restarted := rewrite(t, run, func(s *Shim) { s.PIDNamespace += "0" })
	st, err = restarted.Status()
	require.NoError(t, err)
	require.Equal(t, StateInterrupted, st.State)
}

func TestZombieIsDead(t *testing.T) {
	pid, err := syscall.ForkExec("/bin/true", []string{"true"}, nil)
	require.NoError(t, err)
	var zombie process.Stat
	until(t, func() bool {
		zombie, err = process.ReadStat(pid)
		return err == nil && zombie.Zombie()
	}, func() string { return "a zombie" })
	require.False(t, zombie.Identity().Alive())
	var status syscall.WaitStatus
	_, err = syscall.Wait4(pid, &status, 0, nil)
	require.NoError(t, err)
}

func TestBrokenDirectories(t *testing.T) {
	run := launch(t, command(t, "true"))
	wait(t, run)
	whole := content(filepath.Join(run.Dir(), rundir.SpecFile))
	for name, files := range map[string]map[string]string{
		"empty":          {},
		"empty spec":     {rundir.SpecFile: ""},
		"half a spec":    {rundir.SpecFile: whole[:len(whole)/2]},
		"no spec at all": {rundir.SpecFile: "{}"},
		"newer spec":     {rundir.SpecFile: `{"version": 99, "command": ["true"]}`},
		"empty shim":     {rundir.SpecFile: whole, rundir.ShimFile: ""},
		"half a shim":    {rundir.SpecFile: whole, rundir.ShimFile: `{"pid": 12`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range files {
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
			}
			_, err := Open(dir)
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, CodeRunDirectory, e.Code)
			require.Contains(t, e.Message, dir)
		})
	}
	t.Run("daemon died before the shim was started", func(t *testing.T) {
		dir := t.TempDir()
		spec := run.Spec()
		spec.Token = "nobody-has-this"
		require.NoError(t, rundir.WriteSpec(dir, spec))
		never, err := Open(dir)
		require.NoError(t, err)
		require.Equal(t, StateLost, wait(t, never).State)
	})
}

// What is damaged may still run, and the error says which process it is.
func TestBrokenDirectoryOfATrainingThatRuns(t *testing.T) {
	run := launch(t, command(t, "sleep", "60"))
	pid := "process " + itoa(run.Shim().PID)
	for name, damage := range map[string]func(path string) error{
		rundir.SpecFile: os.Remove,
		rundir.ShimFile: func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		path := filepath.Join(run.Dir(), name)
		whole := content(path)
		require.NoError(t, damage(path))
		_, err := Open(run.Dir())
		var e *Error
		require.ErrorAs(t, err, &e, name)
		require.Contains(t, e.Remedy, pid, name)
		require.NotErrorIs(t, err, fs.ErrNotExist, "it would be launched again")
		require.NoError(t, os.WriteFile(path, []byte(whole), 0o600))
	}
	// The shim writes it anew.
	require.NoError(t, os.WriteFile(filepath.Join(run.Dir(), rundir.ExitFile), []byte(`{"code": "zero"}`), 0o600))
	st, err := run.Status()
	require.NoError(t, err)
	require.Equal(t, StateRunning, st.State)
	st, err = run.Stop(t.Context(), Kill(), nil)
	require.NoError(t, err)
	require.Equal(t, StateExited, st.State)
	require.Equal(t, "SIGKILL", st.Exit.Signal)
}

// The machine went down after the shim had reserved its space, and before it
// had started anything.
func TestAStartThatWasCutShortIsDoneAgain(t *testing.T) {
	dir := t.TempDir()
	spec := command(t, "true")
	spec.Version, spec.Token = SpecVersion, "nobody-has-this"
	require.NoError(t, rundir.WriteSpec(dir, spec))
	for _, name := range []string{rundir.ShimFile, rundir.ExitFile} {
		_, err := rundir.Reserve(filepath.Join(dir, name))
		require.NoError(t, err)
	}
	run, err := Launch(t.Context(), dir, command(t, "true"), tools.shim)
	require.NoError(t, err)
	require.Zero(t, wait(t, run).Exit.Code)
}
