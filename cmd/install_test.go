package cmd_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// install runs scripts/install.sh.
func install(t *testing.T, environ []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "../scripts/install.sh", args...)
	cmd.Env = append(os.Environ(), environ...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// refused runs it where it must fail.
func refused(t *testing.T, environ []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "../scripts/install.sh", args...)
	cmd.Env = append(os.Environ(), environ...)
	out, err := cmd.CombinedOutput()
	require.Error(t, err, "%s", out)
	return string(out)
}

// tree is what lies below a directory: modes, sizes, contents but for programs.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		require.NoError(t, err)
		text := info.Mode().String()
		if d.Type().IsRegular() {
			text += fmt.Sprint(" ", info.Size())
		}
		if d.Type().IsRegular() && info.Size() < 1<<20 {
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			text += fmt.Sprintf(" %x", sha256.Sum256(content))
		}
		found[path] = text
		return nil
	}))
	return found
}

func TestTheVersionIsAFlagToo(t *testing.T) {
	h := newHouse(t)
	want := h.run(bin(t, "ftd"), nil, "version")
	got := h.run(bin(t, "ftd"), nil, "--version")
	require.Zero(t, got.code, got.stderr)
	require.Equal(t, want.stdout, got.stdout)
}

// ftd check sees what would keep a daemon from starting.
func TestACheckFindsAJournalOfTheFuture(t *testing.T) {
	h := newHouse(t)
	require.NoError(t, os.Mkdir(h.state(), 0o700))
	checked := h.run(bin(t, "ftd"), nil, "check")
	require.Zero(t, checked.code, checked.stderr)
	header := make([]byte, 100)
	header[60] = 1 // user_version, the highest byte
	require.NoError(t, os.WriteFile(filepath.Join(h.state(), "journal.db"), header, 0o600))
	checked = h.run(bin(t, "ftd"), nil, "check")
	require.Equal(t, 1, checked.code)
	require.Contains(t, checked.stderr, "has version 16777216, and this ftd knows versions up to")
}

// What is removed again leaves everything as it was: directories that were
// there, empty or not, and a settings file of somebody's own.
func TestWhatIsInstalledCanBeRemoved(t *testing.T) {
	built := filepath.Dir(filepath.Dir(bin(t, "ftd")))
	for _, c := range []struct{ mode, prefix, units, settings string }{
		{"--system", "/opt/ftd", "etc/systemd/system", "etc/ftd/ftd.yaml"},
		{"--user", "/home/somebody/my own things", "home/somebody/.config/systemd/user", "home/somebody/.config/ftd/ftd.yaml"},
	} {
		dest := t.TempDir()
		environ := []string{"DESTDIR=" + dest, "HOME=/home/somebody", "XDG_CONFIG_HOME=", "XDG_STATE_HOME="}
		args := []string{c.mode, "--env", testEnv(t), "--from", built, "--run-as", "daemon", "--prefix", c.prefix}
		remove := []string{"--uninstall", c.mode, "--prefix", c.prefix}
		require.NoError(t, os.MkdirAll(filepath.Join(dest, c.prefix, "share", "man"), 0o750))
		require.NoError(t, os.MkdirAll(filepath.Join(dest, c.units), 0o755))
		before := tree(t, dest)

		install(t, environ, args...)
		for _, name := range []string{"bin/ftd", "bin/ftctl", "bin/ftd-shim", "share/doc/ftd/ftctl.md"} {
			require.FileExists(t, filepath.Join(dest, c.prefix, name))
		}
		unit, err := os.ReadFile(filepath.Join(dest, c.units, "ftd.service"))
		require.NoError(t, err)
		require.NotRegexp(t, regexp.MustCompile(`@[A-Z_]+@`), string(unit))
		require.Contains(t, string(unit), "\nKillMode=process\n")
		require.Contains(t, string(unit), "\nExecStart=\""+c.prefix+"/bin/ftd\"\n")
		settings := filepath.Join(dest, c.settings)
		text, err := os.ReadFile(settings)
		require.NoError(t, err)
		require.Equal(t, "env: "+testEnv(t)+"\n", string(text))
		first := tree(t, dest)
		stale := filepath.Join(dest, c.prefix, "bin/ftd-of-old")
		manifest := filepath.Join(dest, c.prefix, "share/ftd/manifest")
		list, err := os.ReadFile(manifest)
		require.NoError(t, err)
		require.NotContains(t, string(list), dest, "a package is removed where it was unpacked")
		require.NoError(t, os.WriteFile(stale, nil, 0o755))
		require.NoError(t, os.WriteFile(manifest, append(list, "file "+c.prefix+"/bin/ftd-of-old\n"...), 0o644))
		install(t, environ, args...)
		require.Equal(t, first, tree(t, dest), "twice is the same, without what an older version had")
		other := map[string]string{"--system": "--user", "--user": "--system"}[c.mode]
		require.Contains(t, refused(t, environ, "--uninstall", other, "--prefix", c.prefix), "was installed with "+c.mode)
		require.Contains(t, refused(t, environ, other, "--env", testEnv(t), "--from", built, "--run-as", "daemon", "--prefix", c.prefix), "was installed with "+c.mode)
		install(t, environ, remove...)
		require.Equal(t, before, tree(t, dest))
		require.Contains(t, refused(t, environ, remove...), "nothing of ftd is installed")
		if c.mode == "--system" {
			continue // what follows is the same
		}

		// Settings that were there before are put back, unless they were changed.
		require.NoError(t, os.MkdirAll(filepath.Dir(settings), 0o700))
		require.NoError(t, os.WriteFile(settings, []byte("env: /other\nslots: 4"), 0o640))
		before = tree(t, dest)
		install(t, environ, args...)
		install(t, environ, args...)
		text, err = os.ReadFile(settings)
		require.NoError(t, err)
		require.Equal(t, "env: "+testEnv(t)+"\nslots: 4", string(text))
		install(t, environ, remove...)
		require.Equal(t, before, tree(t, dest))
		require.NoError(t, os.WriteFile(settings, []byte("slots: 4"), 0o640))
		install(t, environ, args...)
		text, err = os.ReadFile(settings)
		require.NoError(t, err)
		require.Equal(t, "slots: 4\nenv: "+testEnv(t)+"\n", string(text))
		require.NoError(t, os.WriteFile(settings, append(text, "group: friends\n"...), 0o644))
		install(t, environ, args...)
		require.Contains(t, install(t, environ, remove...), "kept, because it was changed: "+settings)
		require.FileExists(t, settings)
		left := tree(t, dest)
		delete(left, settings)
		delete(before, settings)
		require.Equal(t, before, left)
	}
}

// Paths are those of whoever calls the script, and what cannot work is refused
// before anything is written.
func TestAnInstallationThatCannotWork(t *testing.T) {
	built, dest := filepath.Dir(filepath.Dir(bin(t, "ftd"))), t.TempDir()
	environ := []string{"DESTDIR=" + dest}
	spaced := filepath.Join(t.TempDir(), "my env")
	require.NoError(t, os.Mkdir(spaced, 0o755))
	for says, args := range map[string][]string{
		"usage: ":                          {"--system"},
		"there is no environment /nowhere": {"--env", "/nowhere"},
		"must be without spaces":           {"--env", spaced},
		"could not read the path":          {"--env", testEnv(t), "--prefix", "/a$b"},
		"there is no user nobodyatall":     {"--system", "--env", testEnv(t), "--run-as", "nobodyatall"},
		"there is no libexec/ftd/ftd-cp*":  {"--user", "--env", testEnv(t), "--from", spaced},
		"--prefix needs a value":           {"--user", "--env", testEnv(t), "--prefix"},
	} {
		require.Contains(t, refused(t, environ, args...), says)
	}
	home := t.TempDir()
	require.Contains(t, refused(t, []string{"DESTDIR=", "HOME=" + home, "XDG_CONFIG_HOME="}, "--user", "--env", dest, "--from", built), "is no Python environment")
	require.Empty(t, tree(t, home))
	require.Empty(t, tree(t, dest))

	caller := t.TempDir()
	require.NoError(t, os.Symlink(testEnv(t), filepath.Join(caller, "env")))
	require.NoError(t, os.Symlink(built, filepath.Join(caller, "built")))
	script, err := filepath.Abs("../scripts/install.sh")
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), script, "--user", "--env", "env", "--from", "built", "--prefix", "here", "--no-start")
	cmd.Dir, cmd.Env = caller, append(os.Environ(), "DESTDIR=", "HOME="+caller, "XDG_CONFIG_HOME=")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.FileExists(t, filepath.Join(caller, "here/bin/ftd"))
	text, err := os.ReadFile(filepath.Join(caller, ".config/ftd/ftd.yaml"))
	require.NoError(t, err)
	require.Equal(t, "env: "+caller+"/env\n", string(text))
}

// exposure is the last line that systemd-analyze security prints.
var exposure = regexp.MustCompile(`Overall exposure level for ftd.service: ([0-9.]+)`)

func TestTheUnitsAreSoundAndClosed(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("needs systemd-analyze (apt-get install systemd)")
	}
	built, prefix := filepath.Dir(filepath.Dir(bin(t, "ftd"))), filepath.Join(t.TempDir(), "with spaces")
	for _, c := range []struct {
		mode, units string
		most        float64
	}{
		{"--system", "/etc/systemd/system", 3.0},
		// A user's systemd cannot hide file systems or devices.
		{"--user", "/home/somebody/.config/systemd/user", 7.0},
	} {
		dest := t.TempDir()
		install(t, []string{"DESTDIR=" + dest, "HOME=/home/somebody", "XDG_CONFIG_HOME="}, c.mode, "--env", testEnv(t), "--from", built, "--run-as", "daemon", "--prefix", prefix)
		// What the unit starts must be there for the check.
		require.NoError(t, os.RemoveAll(prefix))
		require.NoError(t, os.CopyFS(prefix, os.DirFS(filepath.Join(dest, prefix))))
		service, socket := filepath.Join(dest, c.units, "ftd.service"), filepath.Join(dest, c.units, "ftd.socket")
		cmd := exec.CommandContext(t.Context(), "systemd-analyze", c.mode, "verify", "--man=no", service, socket)
		cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dest)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Empty(t, string(out))

		cmd = exec.CommandContext(t.Context(), "systemd-analyze", c.mode, "security", "--offline=true", "--no-pager", service)
		cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dest)
		out, err = cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		found := exposure.FindSubmatch(out)
		require.NotNil(t, found, "%s", out)
		level, err := strconv.ParseFloat(string(found[1]), 64)
		require.NoError(t, err)
		require.LessOrEqual(t, level, c.most)

		// What trainings, which inherit it, could not live with.
		unit, err := os.ReadFile(service)
		require.NoError(t, err)
		require.NotRegexp(t, regexp.MustCompile(`(?m)^(PrivateTmp|ProtectHome|PrivateDevices|ProtectClock|DeviceAllow|MemoryDenyWriteExecute|PrivateNetwork)=`), string(unit))
		require.Contains(t, string(unit), "\nSystemCallErrorNumber=EPERM\n")
	}
}

// Without systemd: a daemon of one's own is started by ftctl, and an upgrade
// makes it the new program in the same process, while a training goes on.
func TestAnUpgradeInPlace(t *testing.T) {
	h := newHouse(t)
	built, prefix := filepath.Dir(filepath.Dir(bin(t, "ftd"))), filepath.Join(h.dir, "prefix")
	environ := []string{"HOME=" + h.dir, "XDG_CONFIG_HOME=", "XDG_RUNTIME_DIR=" + h.dir, "FTD_SOCKET=" + h.socket(), "FTD_STATE_DIR=" + h.state()}
	args := []string{"--user", "--env", h.env, "--from", built, "--prefix", prefix}
	require.Contains(t, install(t, environ, args...), "there is no systemd here; start it with: "+prefix+"/bin/ftctl up")
	ftctl := filepath.Join(prefix, "bin", "ftctl")

	missing := h.run(ftctl, nil, "ps")
	require.Equal(t, 3, missing.code)
	require.Contains(t, missing.stderr, "ftctl up")
	refused := h.run(ftctl, nil, "up", "--env", filepath.Join(h.dir, "nowhere"))
	require.NotZero(t, refused.code)
	require.Contains(t, refused.stderr, "does not exist")
	up := h.run(ftctl, nil, "up")
	require.Zero(t, up.code, up.stderr)
	v := decode[struct{ Daemon api.Version }](t, h.run(ftctl, nil, "version", "-o", "json")).Daemon
	daemon, err := os.FindProcess(v.PID)
	require.NoError(t, err)
	t.Cleanup(func() { _ = daemon.Kill() })
	require.Contains(t, h.run(ftctl, nil, "up").stderr, "runs already")

	script, err := filepath.Abs("../testdata/trainer/trainer.py")
	require.NoError(t, err)
	run := h.run(ftctl, nil, "train", "--detach", "-o", "json", "--dir", h.dir, "--", filepath.Join(h.env, "bin", "python"), "-B", script, "--steps", "300", "--step-ms", "10")
	require.Zero(t, run.code, run.stderr)
	job := decode[api.Job](t, run)
	eventually(t, "a step", func() bool { return len(h.points(job.ID)) > 0 })

	// An environment that is gone: the daemon would not start again, and says so.
	config := filepath.Join(h.dir, ".config", "ftd", "ftd.yaml")
	require.FileExists(t, config)
	broken := filepath.Join(prefix, "libexec", "ftd")
	require.NoError(t, os.Rename(broken, broken+".away"))
	refused = h.run(ftctl, nil, "restart")
	require.NotZero(t, refused.code)
	require.Contains(t, refused.stderr, "the next daemon would not start: no daemon is built yet")
	require.NoError(t, os.Rename(broken+".away", broken))

	program := func() os.FileInfo {
		info, err := os.Stat("/proc/" + strconv.Itoa(v.PID) + "/exe")
		require.NoError(t, err)
		return info
	}
	before := program()
	require.Contains(t, install(t, environ, args...), "the daemon restarts as soon as")
	restarted := h.run(ftctl, nil, "restart", "-o", "json")
	require.Zero(t, restarted.code, restarted.stderr)
	require.Equal(t, v.PID, decode[api.Version](t, restarted).PID)
	require.False(t, os.SameFile(before, program()), "it runs the file that was installed")
	done := h.run(ftctl, nil, "wait", "-q", job.ID)
	require.Zero(t, done.code, done.stderr)
	requireEveryStepOnce(t, h.points(job.ID), 300)
	removed := install(t, environ, "--uninstall", "--user", "--prefix", prefix)
	require.Contains(t, removed, "ended the daemon (process "+strconv.Itoa(v.PID)+")")
	require.Contains(t, removed, "jobs and checkpoints stay in "+h.state()+",")
	require.NoFileExists(t, h.socket())
	require.NoFileExists(t, ftctl)
	require.DirExists(t, filepath.Join(h.state(), "runs", job.ID))
}
