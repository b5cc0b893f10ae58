package launcher

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"ftd/launcher/rundir"
	"ftd/launcher/shim"
)

// launchTimeout bounds a start. It takes milliseconds, or seconds where the
// interpreter comes from a slow network filesystem.
const launchTimeout = time.Minute

// Launch starts spec in the empty run directory dir (absolute) under the
// program shimPath (ftd-shim), and returns when the training runs. The
// training is not a child of this process, and goes on whatever happens to it.
//
// If the command cannot be started the error is an [*Error] that says why and
// what to do, and the run, which is returned as well, has ended with
// Exit.Error set. A directory that was launched before is refused: one
// attempt, one directory. One in which a start was cut short is not.
//
// Cancelling ctx does not stop a start on its way, which would leave open
// whether a training runs; use [Run.Stop].
func Launch(ctx context.Context, dir string, spec Spec, shimPath string) (*Run, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := refuse(dir, spec); err != nil {
		return nil, err
	}
	clearStart(dir)
	spec.Version = SpecVersion
	spec.Token = rand.Text()
	for _, v := range RunVars(dir, spec.Run, spec.Token) {
		spec.Env = setVariable(spec.Env, v.Name, v.Value)
	}
	if err := os.MkdirAll(filepath.Join(dir, stacksDir), 0o700); err != nil {
		return nil, errorf(CodeRunDirectory, "cannot write in the run directory: %w", err).
			withRemedy("check the space, owner and mode of %s", dir)
	}
	if err := noteCheckpoints(ctx, dir, spec); err != nil {
		return nil, errorf(CodeRunDirectory, "cannot note which checkpoints are there already: %w", err).
			withRemedy("check the space, owner and mode of %s", dir)
	}
	if err := rundir.WriteSpec(dir, spec); err != nil {
		return nil, errorf(CodeRunDirectory, "cannot write in the run directory: %w", err).
			withRemedy("check the space, owner and mode of %s", dir)
	}
	failure := startShim(dir, spec, shimPath)
	run, err := Open(dir)
	if failure != nil {
		return run, failure
	}
	return run, err
}

// refuse checks what would otherwise fail later and be harder to understand.
func refuse(dir string, spec Spec) error {
	invalid := func(format string, args ...any) error {
		return errorf(CodeSpecInvalid, format, args...)
	}
	switch {
	case !filepath.IsAbs(dir):
		return invalid("the run directory %q is not an absolute path", dir)
	case len(spec.Command) == 0 || spec.Command[0] == "":
		return errorf(CodeSpecInvalid, "there is no command to run").withRemedy("name one: ftctl train -- python train.py")
	case !filepath.IsAbs(spec.Dir):
		return invalid("the working directory %q is not an absolute path", spec.Dir)
	case spec.Log == "" || filepath.Base(spec.Log) != spec.Log:
		return invalid("the log %q is not a file name", spec.Log)
	}
	for _, text := range append(append([]string{spec.Dir, spec.Run}, spec.Command...), spec.Env...) {
		// JSON would replace the bytes, the kernel would cut at a NUL.
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return errorf(CodeSpecInvalid, "%q is not UTF-8 text", text).
				withRemedy("rename the file or change the variable")
		}
	}
	if launched(dir) {
		return startErrorIn(dir)
	}
	return nil
}

// clearStart removes what is left of a start in dir that was cut short before
// the command began, by a crash of the machine for example: the space that its
// shim had reserved would keep the next one out. A start that is on its way is
// left alone.
func clearStart(dir string) {
	run, err := Open(dir)
	if err != nil {
		return
	}
	if st, err := run.Status(); err == nil && st.Unstarted {
		rundir.Unreserve(filepath.Join(dir, rundir.ShimFile))
		rundir.Unreserve(filepath.Join(dir, rundir.ExitFile))
	}
}

func startErrorIn(dir string) error {
	return &Error{
		Code:    CodeAlreadyLaunched,
		Message: "the run directory " + dir + " belongs to a training already",
		Remedy:  startRemedies[rundir.ReasonInUse],
	}
}

// startShim runs the short-lived first half of the shim, which ends when its
// second half has started the training or knows why it cannot.
func startShim(dir string, spec Spec, shimPath string) error {
	log, err := os.OpenFile(filepath.Join(dir, rundir.ShimLogFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return errorf(CodeRunDirectory, "cannot write in the run directory: %w", err)
	}
	defer log.Close()
	limit, cancel := context.WithTimeout(context.Background(), launchTimeout)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(limit, shimPath, dir)
	cmd.Dir = "/"
	// The shim needs no environment but the mark by which it is found if it
	// has not written shim.json yet.
	cmd.Env = []string{rundir.HolderVariable + "=" + spec.Token}
	cmd.Stdout, cmd.Stderr = &out, log
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	var report shim.Report
	var notThere *exec.Error
	var path *os.PathError
	switch {
	case err == nil:
		return nil
	case limit.Err() != nil:
		return errorf(CodeShimFailed, "the training was not started within %s", launchTimeout).
			withRemedy("look at the filesystems of %s and of the environment: is one of them hanging?", dir)
	case json.Unmarshal(out.Bytes(), &report) == nil && report.Reason != "":
		return startError(report.Reason, report.Message)
	case errors.As(err, &notThere), errors.As(err, &path):
		return errorf(CodeShimMissing, "cannot run %s: %w", shimPath, err).
			withRemedy("install ftd completely: ftd-shim belongs next to ftd")
	}
	return errorf(CodeShimFailed, "%s failed: %w", shimPath, err).
		withRemedy("see %s", filepath.Join(dir, rundir.ShimLogFile))
}

// setVariable returns env with name set to value, once.
func setVariable(env []string, name, value string) []string {
	out := make([]string, 0, len(env)+1)
	for _, entry := range env {
		if !strings.HasPrefix(entry, name+"=") {
			out = append(out, entry)
		}
	}
	return append(out, name+"="+value)
}

// variable looks a variable up among NAME=VALUE entries.
func variable(env []string, name string) string {
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}
