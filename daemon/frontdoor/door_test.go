package frontdoor_test

import (
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
	"ftd/daemon/frontdoor"
)

// installation is a virtual environment of a real Python, and a libexec with a
// small program that is linked to a libpython as the daemon is.
type installation struct {
	t            *testing.T
	env, libexec string
	minor        string // of the Python: "3.11"
}

func install(t *testing.T) *installation {
	python, err := exec.LookPath("python3")
	if err != nil {
		need(t, "python3")
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		need(t, "gcc")
	}
	dir := t.TempDir()
	in := &installation{t: t, env: filepath.Join(dir, "env[1]"), libexec: filepath.Join(dir, "[prefix]", "libexec", "ftd")}
	in.run(python, "-m", "venv", "--without-pip", in.env)
	require.NoError(t, os.MkdirAll(in.libexec, 0o755))
	in.minor = in.run(filepath.Join(in.env, "bin", "python"), "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
	return in
}

// need skips a test that lacks something, or fails it where everything must be
// there.
func need(t *testing.T, what string) {
	if os.Getenv("FTD_TEST_COMPLETE") != "" {
		t.Fatalf("this test needs %s", what)
	}
	t.Skipf("needs %s", what)
}

func (in *installation) run(name string, args ...string) string {
	in.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(in.t, err, "%s", out)
	return strings.TrimSpace(string(out))
}

// library builds a shared library that calls itself soname.
func (in *installation) library(dir, soname string) string {
	require.NoError(in.t, os.MkdirAll(dir, 0o755))
	path := filepath.Join(dir, soname)
	in.run("gcc", "-shared", "-o", path, "-Wl,-soname,"+soname, "-xc", os.DevNull)
	return path
}

// daemon builds libexec/ftd-cpXY for a minor version, linked to soname.
func (in *installation) daemon(minor, soname string) string {
	lib := in.library(in.t.TempDir(), soname)
	source := filepath.Join(in.t.TempDir(), "main.c")
	require.NoError(in.t, os.WriteFile(source, []byte("int main(void) { return 0; }\n"), 0o600))
	path := filepath.Join(in.libexec, "ftd-cp"+strings.ReplaceAll(minor, ".", ""))
	in.run("gcc", "-o", path, source, "-Wl,--no-as-needed", lib)
	return path
}

func (in *installation) soname() string { return "libpython" + in.minor + ".so.7.7" }

func (in *installation) open(environ ...string) (*frontdoor.Daemon, error) {
	return frontdoor.Open(in.t.Context(), in.env, in.libexec, environ)
}

// refused asserts one sentence with the given words and the rebuild command.
func (in *installation) refused(code string, words ...string) {
	in.t.Helper()
	_, err := in.open()
	var e *api.Error
	require.ErrorAs(in.t, err, &e)
	require.Equal(in.t, code, e.Code)
	require.NotEmpty(in.t, e.Remedy)
	require.NotContains(in.t, err.Error(), "\n")
	for _, word := range words {
		require.Contains(in.t, err.Error(), word)
	}
}

// foreign makes an ELF file one for another machine and returns the names of
// that one and of this, as uname -m has them.
func foreign(t *testing.T, path string) (other, own string) {
	other, own = "aarch64", "x86_64"
	number := elf.EM_AARCH64
	if runtime.GOARCH == "arm64" {
		other, own, number = own, other, elf.EM_X86_64
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer file.Close()
	machine := make([]byte, 2)
	binary.LittleEndian.PutUint16(machine, uint16(number))
	_, err = file.WriteAt(machine, 18) // e_machine
	require.NoError(t, err)
	return other, own
}

func TestOpenFindsTheDaemonAndItsLibrary(t *testing.T) {
	in := install(t)
	path := in.daemon(in.minor, in.soname())
	in.daemon("3.99", "libpython3.99.so.1.0")
	in.library(filepath.Join(in.env, "lib"), in.soname())

	daemon, err := in.open("HOME=/h", "LD_LIBRARY_PATH=/opt/cann/lib64")
	require.NoError(t, err)
	require.Equal(t, path, daemon.Path)
	require.Contains(t, daemon.Env, "HOME=/h")
	require.Contains(t, daemon.Env, "LD_LIBRARY_PATH="+filepath.Join(in.env, "lib")+":/opt/cann/lib64")
	// It is what the loader needs.
	cmd := exec.Command(daemon.Path)
	cmd.Env = daemon.Env
	require.NoError(t, cmd.Run())
	cmd.Env = []string{"HOME=/h"}
	require.Error(t, cmd.Run())

	require.ElementsMatch(t, []string{"HOME=/h", "LD_LIBRARY_PATH=/opt/cann/lib64"}, frontdoor.StartEnviron(daemon.Env))
	// Opened from within: nothing adds up.
	again, err := in.open(daemon.Env...)
	require.NoError(t, err)
	require.ElementsMatch(t, daemon.Env, again.Env)
}

func TestOpenLeavesAPathThatIsRight(t *testing.T) {
	in := install(t)
	in.daemon(in.minor, in.soname())
	in.library(filepath.Join(in.env, "lib"), in.soname())
	right := "LD_LIBRARY_PATH=" + filepath.Join(in.env, "lib")
	daemon, err := in.open(right)
	require.NoError(t, err)
	require.Equal(t, []string{right}, daemon.Env)

	// Another library of the same name before it would be loaded instead.
	other := t.TempDir()
	in.library(other, in.soname())
	daemon, err = in.open("LD_LIBRARY_PATH=" + other)
	require.NoError(t, err)
	require.Contains(t, daemon.Env, right+":"+other)
}

func TestOpenPreloadsTheEnvironmentsOpenMP(t *testing.T) {
	in := install(t)
	in.daemon(in.minor, in.soname())
	in.library(filepath.Join(in.env, "lib"), in.soname())
	gomp := in.library(filepath.Join(in.env, "lib", "python"+in.minor, "site-packages", "torch", "lib"), "libgomp-d22c30c5.so.1")
	daemon, err := in.open("LD_PRELOAD=/nonexistent.so")
	require.NoError(t, err)
	require.Contains(t, daemon.Env, "LD_PRELOAD="+gomp)
	require.Len(t, daemon.Warnings, 1)
	require.Contains(t, daemon.Warnings[0], "/nonexistent.so")
	require.Equal(t, []string{"LD_PRELOAD=/nonexistent.so"}, frontdoor.StartEnviron(daemon.Env))
}

func TestEnvironmentsThatAreNone(t *testing.T) {
	in := install(t)
	env := in.env

	in.env = ""
	in.refused(api.CodeNoEnvironment, "no Python environment is configured", "FTD_ENV")
	in.env = filepath.Join(t.TempDir(), "nowhere")
	in.refused(api.CodeNoEnvironment, in.env, "does not exist")
	in.env = t.TempDir()
	in.refused(api.CodeNoEnvironment, in.env, "bin/python")

	in.env = t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(in.env, "bin"), 0o755))
	python := filepath.Join(in.env, "bin", "python")
	require.NoError(t, os.Symlink("/nonexistent/python3.1", python))
	in.refused(api.CodeNoEnvironment, "/nonexistent/python3.1", "was removed")

	require.NoError(t, os.Remove(python))
	require.NoError(t, os.WriteFile(python, []byte("#!/bin/sh\necho broken beyond repair >&2\nexit 1\n"), 0o700))
	in.refused(api.CodeNoEnvironment, python, "broken beyond repair")

	require.NoError(t, os.Remove(python))
	copyFile(t, filepath.Join(env, "bin", "python"), python)
	other, own := foreign(t, python)
	in.refused(api.CodePythonMismatch, python+" is a program for "+other+", but this machine is "+own, "make build ENV="+in.env)
}

func TestDaemonsThatDoNotFit(t *testing.T) {
	in := install(t)
	rebuild := "make build ENV=" + in.env
	in.refused(api.CodePythonMismatch, "no daemon is built yet", in.libexec, in.minor, rebuild)

	in.daemon("3.99", "libpython3.99.so.1.0")
	in.daemon("3.98", "libpython3.98.so.1.0")
	in.refused(api.CodePythonMismatch, "the environment "+in.env+" has Python "+in.minor, "the daemon in "+in.libexec+" is built for Python 3.98 and 3.99", rebuild)
	// Where this Python is installed there may be another one.
	library := in.library(filepath.Join(in.env, "lib"), in.soname())
	in.refused(api.CodePythonMismatch, "its library is /", "/libpython"+in.minor)
	require.NoError(t, os.Remove(library))

	path := in.daemon(in.minor, "libpython3.99.so.1.0")
	in.refused(api.CodePythonMismatch, path+" is built for libpython3.99.so.1.0, not for Python "+in.minor, "of the environment "+in.env, rebuild)

	path = in.daemon(in.minor, in.soname())
	in.refused(api.CodePythonMismatch, path, in.soname(), "is in none of", filepath.Join(in.env, "lib"), "apt-get install", rebuild)

	library = in.library(filepath.Join(in.env, "lib"), in.soname())
	other, own := foreign(t, library)
	in.refused(api.CodePythonMismatch, library+" is a library for "+other+", but the daemon and this machine are "+own, rebuild)

	require.NoError(t, os.Rename(in.library(t.TempDir(), "libpython3.99.so.1.0"), library))
	in.refused(api.CodePythonMismatch, library+" is in fact a libpython3.99.so.1.0", "built for "+in.soname(), "the environment "+in.env+" has Python "+in.minor, rebuild)

	require.NoError(t, os.Truncate(library, 2000))
	in.refused(api.CodePythonMismatch, library, "damaged", rebuild)

	foreign(t, path)
	in.refused(api.CodePythonMismatch, path+" is built for "+other+", but this machine is "+own, rebuild)

	require.NoError(t, os.WriteFile(path, []byte("half a file"), 0o700))
	in.refused(api.CodePythonMismatch, path, "damaged", rebuild)
}

func TestACopiedEnvironmentHasItsOwnLibrary(t *testing.T) {
	in := install(t)
	base := in.run(filepath.Join(in.env, "bin", "python"), "-c", "import sys; print(sys.base_prefix)")
	// What the interpreter says of itself comes from where it was built; the
	// copy answers as the original and stands somewhere else.
	where := t.TempDir()
	original := filepath.Join(where, "original")
	in.env = filepath.Join(where, "copy")
	in.run("mkdir", "-p", filepath.Join(in.env, "bin"), original)
	require.NoError(t, os.WriteFile(filepath.Join(in.env, "bin", "python"), []byte("#!/bin/sh\nexec "+filepath.Join(base, "bin", "python3")+
		` -c "import sys, sysconfig; sys.base_prefix = '`+in.env+`'; sysconfig.get_config_vars()['LIBDIR'] = '`+original+`'; exec(sys.argv[-1])" "$@"`+"\n"), 0o700))
	in.daemon(in.minor, in.soname())
	in.library(original, in.soname())
	daemon, err := in.open()
	require.NoError(t, err)
	require.Contains(t, daemon.Env, "LD_LIBRARY_PATH="+original, "where the interpreter was built to find it")
	in.library(filepath.Join(in.env, "lib"), in.soname())
	daemon, err = in.open()
	require.NoError(t, err)
	require.Contains(t, daemon.Env, "LD_LIBRARY_PATH="+filepath.Join(in.env, "lib"))
}

func copyFile(t *testing.T, from, to string) {
	content, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, content, 0o700))
}
