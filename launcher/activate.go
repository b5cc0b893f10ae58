package launcher

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// scriptTimeout bounds one activation script; they take milliseconds.
const scriptTimeout = 10 * time.Second

// ascendScripts are where the Ascend toolkit and its libraries are set up;
// ~ is the home directory. The first of each group that is there counts.
var ascendScripts = [][]string{
	{
		"/usr/local/Ascend/ascend-toolkit/set_env.sh",
		"/usr/local/Ascend/cann/set_env.sh",
		"~/Ascend/ascend-toolkit/set_env.sh",
		"~/Ascend/cann/set_env.sh",
	},
	{"/usr/local/Ascend/nnal/atb/set_env.sh", "~/Ascend/nnal/atb/set_env.sh"},
}

// ActivationScripts returns the scripts that a person's shell would have run
// before a training: set_env.sh of the Ascend toolkit, unless it was run
// already where ftd was started (start), then what conda runs on activation.
func ActivationScripts(prefix string, start []string) []string {
	given := map[string]string{}
	for _, entry := range start {
		name, value, _ := strings.Cut(entry, "=")
		given[name] = value
	}
	var scripts []string
	if given["ASCEND_HOME_PATH"] == "" && given["ASCEND_TOOLKIT_HOME"] == "" {
		for _, group := range ascendScripts {
			for _, path := range group {
				if home, ok := strings.CutPrefix(path, "~"); ok {
					if given["HOME"] == "" {
						continue
					}
					path = given["HOME"] + home
				}
				if exists(path) {
					scripts = append(scripts, path)
					break
				}
			}
		}
	}
	if prefix != "" && exists(filepath.Join(prefix, "conda-meta")) {
		scripts = append(scripts, Glob(prefix, "etc/conda/activate.d/*.sh")...)
	}
	return scripts
}

// source runs one script in a clean shell with the environment env and
// returns the environment after it. Nothing that the script starts stays, and
// what it prints is lost.
func source(ctx context.Context, script string, env map[string]string) (map[string]string, error) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		return nil, err
	}
	printenv, err := exec.LookPath("env")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, scriptTimeout)
	defer cancel()
	// Descriptor 3 is for the answer; the script may print what it likes.
	cmd := exec.CommandContext(ctx, bash, "--noprofile", "--norc", "-c",
		`. "$0" </dev/null >/dev/null 2>&1 3>&-; "$1" -0 >&3`, script, printenv)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, name+"="+env[name])
	}
	answer, err := os.CreateTemp("", "ftd-environment")
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	defer func() { _ = os.Remove(answer.Name()) }()
	cmd.ExtraFiles = []*os.File{answer}
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it has left in the background
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	data, err := os.ReadFile(answer.Name())
	if err != nil {
		return nil, err
	}
	if len(data) == 0 { // it called exit
		return nil, fmt.Errorf("it ends the shell that reads it")
	}
	after := map[string]string{}
	for entry := range bytes.SplitSeq(data, []byte{0}) {
		if name, value, ok := strings.Cut(string(entry), "="); ok && !shellOnly(name) {
			after[name] = value
		}
	}
	return after, nil
}

// shellOnly reports whether a shell sets name for itself.
func shellOnly(name string) bool {
	return name == "_" || name == "PWD" || name == "OLDPWD" || name == "SHLVL" || strings.HasPrefix(name, "BASH")
}

// activate runs a script and takes over what it changed. A script that fails
// is a warning: a person's shell would have gone on as well.
func (b *builder) activate(ctx context.Context, script string) {
	before := map[string]string{}
	for name, v := range b.vars {
		before[name] = v.Value
	}
	after, err := source(ctx, script, before)
	if err != nil {
		b.warnings = append(b.warnings, fmt.Sprintf("%s was left out: %v", script, err))
		return
	}
	for name, value := range after {
		if old, had := before[name]; !had || old != value {
			b.set(name, value, script, "set by the activation script")
		}
	}
	for name := range before {
		if _, still := after[name]; !still {
			delete(b.vars, name)
		}
	}
}
