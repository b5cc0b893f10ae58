package settings

import (
	"os"
	"path/filepath"
	"strings"

	"ftd/api"
)

type defaultValues struct {
	stateDir, places, socket, env, shim, libexec string
}

// defaults works out the defaults that depend on who runs this and where it
// is installed.
func defaults() defaultValues {
	prefix := prefix()
	return defaultValues{
		stateDir: stateDir(),
		places:   places(),
		socket:   socket(),
		env:      firstSet(os.Getenv("VIRTUAL_ENV"), os.Getenv("CONDA_PREFIX"), builtFor(prefix)),
		shim:     filepath.Join(prefix, "bin", "ftd-shim"),
		libexec:  filepath.Join(prefix, "libexec", "ftd"),
	}
}

// stateDir is what systemd made for the service, /var/lib/ftd for root, and a
// place of the user's own for everybody else.
func stateDir() string {
	if dir := os.Getenv("STATE_DIRECTORY"); dir != "" {
		return dir
	}
	if os.Getuid() == 0 {
		return "/var/lib/ftd"
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "ftd")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return filepath.Join(filepath.Dir(api.UserSocket()), "state")
	}
	return filepath.Join(home, ".local", "state", "ftd")
}

// places are the home directory, and the memory that is larger than it on many
// rented machines.
func places() string {
	list := []string{"/dev/shm"}
	if home, err := os.UserHomeDir(); err == nil && filepath.IsAbs(home) {
		list = append([]string{home}, list...)
	}
	return strings.Join(list, ",")
}

func socket() string {
	if dir := os.Getenv("RUNTIME_DIRECTORY"); dir != "" {
		return filepath.Join(dir, "ftd.sock")
	}
	if os.Getuid() == 0 {
		return api.SystemSocket
	}
	return api.UserSocket()
}

// prefix is the directory of the installation. The front door is PREFIX/bin/ftd,
// the daemon itself PREFIX/libexec/ftd/ftd-cp311.
func prefix() string {
	exe, err := os.Executable()
	if err != nil {
		return "/usr/local"
	}
	if real, err := filepath.EvalSymlinks(exe); err == nil {
		exe = real
	}
	dir := filepath.Dir(exe)
	if filepath.Base(dir) == "ftd" && filepath.Base(filepath.Dir(dir)) == "libexec" {
		return filepath.Dir(filepath.Dir(dir))
	}
	return filepath.Dir(dir)
}

// builtFor is the environment that scripts/build.sh built the daemon in prefix
// for, the last one of several; "" where it was installed, which writes it into
// the settings file, or if the environment is gone.
func builtFor(prefix string) string {
	text, err := os.ReadFile(filepath.Join(prefix, "libexec", "ftd", "environment"))
	env := strings.TrimSpace(string(text))
	if err != nil || !filepath.IsAbs(env) {
		return ""
	}
	if info, err := os.Stat(env); err != nil || !info.IsDir() {
		return ""
	}
	return env
}

func firstSet(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
