package launcher

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/launcher/process"
	"ftd/launcher/rundir"
)

func TestTrainingRunsAndEndsWithItsStatus(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   []string
		code   int
		signal string
	}{
		{"success", nil, 0, ""},
		{"status", []string{"--status", "3"}, 3, ""},
		{"traceback", []string{"--crash-at", "2"}, 1, ""},
		{"signal", []string{"--kill-at", "2"}, 137, "SIGKILL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := launch(t, training(t, append([]string{"--steps", "3"}, c.args...)...))
			st := wait(t, run)
			require.Equal(t, StateExited, st.State)
			require.Equal(t, c.code, st.Exit.Code)
			require.Equal(t, c.signal, st.Exit.Signal)
			require.False(t, st.Exit.Ended.Before(run.Shim().Started))
			require.Contains(t, content(run.Log()), "step:[    1/    3]")
			require.Empty(t, content(filepath.Join(run.Dir(), rundir.ShimLogFile)))
		})
	}
}

// The environment is what the spec says and nothing else, but for the marks.
func TestEnvironmentIsNotInherited(t *testing.T) {
	t.Setenv("FROM_THE_DAEMON", "1")
	spec := command(t, "env")
	spec.Env = append(spec.Env, "FTD_RUN_ID=another", "GIVEN=yes")
	run := launch(t, spec)
	wait(t, run)
	var names []string
	for line := range strings.Lines(content(run.Log())) {
		name, _, _ := strings.Cut(line, "=")
		names = append(names, name)
	}
	require.ElementsMatch(t, []string{"PATH", "HOME", "GIVEN", "FTD_RUN_ID", "FTD_RUN_TOKEN", "FTD_STACKS", "FTD_EXIT_REQUEST"}, names)
	require.Contains(t, content(run.Log()), "FTD_RUN_ID="+spec.Run+"\n")
}

// Descriptors that a library in the daemon forgot to close, and signals that
// a shell with nohup or & ignores, must not get through.
func TestNothingLeaksIntoTheTraining(t *testing.T) {
	leak, err := os.CreateTemp(t.TempDir(), "leak")
	require.NoError(t, err)
	defer leak.Close()
	dir := t.TempDir()
	script := "ls -l /proc/self/fd; grep SigIgn /proc/self/status; ps -o sid= -p $$; echo pid=$$"
	spec := command(t, "sh", "-c", script)
	spec.Token, spec.Version = "leak", SpecVersion
	require.NoError(t, rundir.WriteSpec(dir, spec))

	// As a daemon started by "nohup ftd &" with an open file would.
	cmd := exec.Command("sh", "-c", `trap "" HUP INT QUIT; exec "$0" "$1"`, tools.shim, dir)
	cmd.ExtraFiles = []*os.File{leak, leak, leak}
	require.NoError(t, cmd.Run())
	run, err := Open(dir)
	require.NoError(t, err)
	require.Equal(t, 0, wait(t, run).Exit.Code)

	log := content(run.Log())
	require.NotContains(t, log, leak.Name())
	require.Contains(t, log, "0 -> /dev/null")
	// Signals 32 and 33 are libc's own; some of its versions leave them ignored
	// in what posix_spawn starts, such as the programs that make runs.
	require.Regexp(t, `SigIgn:\s+0{7}[0-9a-f]80000000\n|SigIgn:\s+0+\n`, log)
	_, sid, _ := strings.Cut(log, "SigIgn:")
	fields := strings.Fields(sid)
	require.Equal(t, "pid="+fields[1], fields[2], "it leads a session of its own")
}

func TestShimDoesNotKeepWhatWasLeaked(t *testing.T) {
	leak, err := os.CreateTemp(t.TempDir(), "leak")
	require.NoError(t, err)
	defer leak.Close()
	dir := t.TempDir()
	spec := command(t, "sleep", "60")
	spec.Token, spec.Version = "keep", SpecVersion
	require.NoError(t, rundir.WriteSpec(dir, spec))
	cmd := exec.Command(tools.shim, dir)
	cmd.ExtraFiles = []*os.File{leak, leak, leak}
	require.NoError(t, cmd.Run())
	run, err := Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { sweep(t, run) })
	fds := filepath.Join("/proc", itoa(run.Shim().PID), "fd")
	entries, err := os.ReadDir(fds)
	require.NoError(t, err)
	for _, e := range entries {
		target, _ := os.Readlink(filepath.Join(fds, e.Name()))
		require.NotEqual(t, leak.Name(), target)
	}
}

func TestCommandThatCannotStart(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), mode))
		return path
	}
	for _, c := range []struct {
		name    string
		change  func(*Spec)
		code    string
		message string
		status  int
	}{
		{"not in PATH", func(s *Spec) { s.Command[0] = "no-such-trainer" }, rundir.ReasonNotFound, "command not found: no-such-trainer", 127},
		{"not there", func(s *Spec) { s.Command[0] = dir + "/nothing" }, rundir.ReasonNotFound, "command not found", 127},
		{"relative", func(s *Spec) { s.Command[0] = "./nothing" }, rundir.ReasonNotFound, "command not found: ./nothing", 127},
		{"not executable", func(s *Spec) { s.Command[0] = file("plain.py", "", 0o644) }, rundir.ReasonNotExecutable, "is not executable", 126},
		{"a directory", func(s *Spec) { s.Command[0] = dir }, rundir.ReasonNotExecutable, "is not executable", 126},
		{"no #! line", func(s *Spec) { s.Command[0] = file("noline", "echo hello\n", 0o755) }, rundir.ReasonNotExecutable, "#!", 126},
		{"missing interpreter", func(s *Spec) { s.Command[0] = file("gone", "#!/no/such/python\n", 0o755) }, rundir.ReasonInterpreter, "interpreter", 127},
		{"directory gone", func(s *Spec) { s.Dir = dir + "/gone" }, rundir.ReasonDirectory, dir + "/gone", 126},
		{"directory is a file", func(s *Spec) { s.Dir = file("file", "", 0o644) }, rundir.ReasonDirectory, "not a directory", 126},
		{"too long", func(s *Spec) { s.Command = append(s.Command, strings.Repeat("x", 1<<20)) }, rundir.ReasonTooLong, "longer", 126},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := command(t, "true")
			c.change(&spec)
			run, err := Launch(t.Context(), t.TempDir(), spec, tools.shim)
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.code, e.Code)
			require.Contains(t, e.Message, c.message)
			require.NotEmpty(t, e.Remedy)

			// And it is on record: the next daemon says the same.
			st := wait(t, run)
			require.Equal(t, StateExited, st.State)
			require.Equal(t, c.status, st.Exit.Code)
			require.Equal(t, c.code, st.Exit.Reason)
			require.Equal(t, e.Message, st.Exit.Error)
		})
	}
}

func TestSpecThatCannotBeRight(t *testing.T) {
	for name, change := range map[string]func(*Spec){
		"no command":        func(s *Spec) { s.Command = nil },
		"relative dir":      func(s *Spec) { s.Dir = "here" },
		"log elsewhere":     func(s *Spec) { s.Log = "../log" },
		"not UTF-8":         func(s *Spec) { s.Command = append(s.Command, "\xd6\xd0.yaml") },
		"NUL":               func(s *Spec) { s.Command = append(s.Command, "a\x00b") },
		"variable not text": func(s *Spec) { s.Env = append(s.Env, "A=\xff") },
	} {
		t.Run(name, func(t *testing.T) {
			spec := command(t, "true")
			change(&spec)
			dir := t.TempDir()
			run, err := Launch(t.Context(), dir, spec, tools.shim)
			require.Nil(t, run)
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, CodeSpecInvalid, e.Code)
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Empty(t, entries)
		})
	}
}

func TestDirectoryIsUsedOnce(t *testing.T) {
	run := launch(t, command(t, "sleep", "60"))
	before := run.Shim()
	_, err := Launch(t.Context(), run.Dir(), command(t, "true"), tools.shim)
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, CodeAlreadyLaunched, e.Code)
	again, err := Open(run.Dir())
	require.NoError(t, err)
	require.Equal(t, before, again.Shim())
	require.Equal(t, run.Spec(), again.Spec())
}

func TestMissingShim(t *testing.T) {
	_, err := Launch(t.Context(), t.TempDir(), command(t, "true"), "/no/such/ftd-shim")
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, CodeShimMissing, e.Code)
}

// The shim is what stays for weeks; all else may be restarted.
func TestShimIsSmallAndAlone(t *testing.T) {
	run := launch(t, command(t, "sleep", "60"))
	status := content(filepath.Join("/proc", itoa(run.Shim().PID), "status"))
	_, after, ok := strings.Cut(status, "VmRSS:")
	require.True(t, ok)
	require.Less(t, atoi(strings.Fields(after)[0]), 12*1024, "resident kB")

	self, err := process.ReadStat(os.Getpid())
	require.NoError(t, err)
	s, err := process.ReadStat(run.Shim().PID)
	require.NoError(t, err)
	require.Equal(t, "ftd-shim", s.Command)
	require.Equal(t, s.PID, s.Session)
	require.NotEqual(t, self.PID, s.Parent, "a child would have to be waited for")
}
