package recipe

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"ftd/recipe/expression"
	"ftd/recipe/fetch"
)

// checkoutKind brings a repository at a commit. A checkout of the user's stays
// where it is, and is only looked at.
type checkoutKind struct{}

func (checkoutKind) Params() []Param {
	return []Param{
		{Name: "source", Type: Location, Required: true, Doc: "the repository: an address, a bare repository, or a checkout that is used as it is"},
		{Name: "mirrors", Type: Locations, Default: []string{}, Doc: "other places of the repository, tried next; empty ones are left out"},
		{Name: "size", Type: Integer, Least: new(int64(0)), Default: int64(0), Doc: "about how many bytes its files are, for a plan; 0: not known"},
		{Name: "commit", Type: Text, Default: "", Pattern: fullCommit, Looks: "all 40 digits of a commit (a branch is another tree tomorrow; see git ls-remote)", Doc: "all 40 digits of the commit; a checkout must be at it, and without it may be at any"},
	}
}

func (checkoutKind) Outputs() []string { return []string{"dir", "commit", "state"} }

// The output state.
const (
	checkoutClean = "clean"
	checkoutDirty = "dirty"
)

var fullCommit = expression.Lazily(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

func (k checkoutKind) Plan(_ context.Context, s *StepContext) (Plan, error) {
	plan := Plan{Summary: "check out " + fetch.Name(s.text("source")) + " at " + s.text("commit"), Outputs: k.Outputs()}
	if k.existing(s) {
		plan.Summary, plan.Inputs = "look at the checkout "+s.text("source"), []string{s.text("source")}
		return plan, nil
	}
	var shown []string
	for _, source := range (fetchKind{}).sources(s) {
		shown = append(shown, fetch.Shown(source))
	}
	plan.Disk = s.about("size")
	plan.Downloads = []Download{{Name: fetch.Name(s.text("source")), Sources: shown, Size: plan.Disk}}
	return plan, nil
}

// existing says whether the source is a checkout of the user's, or a directory
// that was one: then it has no commit.
func (checkoutKind) existing(s *StepContext) bool {
	source := s.text("source")
	if source == "" || fetch.IsAddress(source) || remote().MatchString(source) {
		return false
	}
	_, err := os.Stat(filepath.Join(source, "HEAD")) // a bare repository
	info, dirErr := os.Stat(source)
	return err != nil && dirErr == nil && info.IsDir()
}

// Key is the commit, wherever it comes from. An existing checkout may change at
// any time, so it is looked at each time.
func (k checkoutKind) Key(_ context.Context, s *StepContext) (string, error) {
	if k.existing(s) {
		return "", nil
	}
	if !fullCommit().MatchString(s.text("commit")) {
		return "", &Problem{
			Code:    CodeInvalid,
			Message: fmt.Sprintf("the step %s must name a commit by its 40 digits, not %q: a branch is another tree tomorrow", s.Step.ID, s.text("commit")),
			Remedy:  "look it up with git ls-remote, and write it at commit:",
		}
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d checkout %s %s\n", keyVersion, s.text("commit"), fetch.Name(s.text("source")))
	return digest(h), nil
}

func (k checkoutKind) Run(ctx context.Context, s *StepContext) (map[string]string, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return nil, &Problem{
			Code: CodeCommandNotFound, Message: "there is no git, which the step " + s.Step.ID + " needs",
			Remedy: "install git, or name a directory with the files of that commit",
		}
	}
	if k.existing(s) {
		return k.look(ctx, s, s.text("source"))
	}
	dir := filepath.Join(s.Dir, strings.TrimSuffix(fetch.Name(s.text("source")), ".git"))
	var failures []error
	for i, source := range (fetchKind{}).sources(s) {
		err := k.clone(ctx, s, i, source, dir)
		if err == nil {
			return k.look(ctx, s, dir)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		s.Host.Output(s.Step.ID, fmt.Sprintf("%s: %v", fetch.Shown(source), err))
		failures = append(failures, err)
	}
	var p *Problem
	if len(failures) > 0 && errors.As(failures[0], &p) {
		p.Remedy = "check the address and the commit, or name a mirror or a checkout of your own"
		return nil, p
	}
	return nil, errors.Join(failures...)
}

// gitEnvironment keeps git from asking for a password, which nobody would see,
// and from fetching large files with a git-lfs that may be installed: that is
// what the step lfs is for.
func gitEnvironment() map[string]string {
	return map[string]string{"GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1", "GIT_ASKPASS": "true", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
}

// clone fetches the one commit, or all of the repository from a server that
// does not give out single commits.
func (k checkoutKind) clone(ctx context.Context, s *StepContext, n int, source, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	const script = `git init --quiet
git fetch --quiet --depth 1 "$1" "$2" || git fetch --quiet "$1" '+refs/*:refs/ftd/*'
git -c advice.detachedHead=false checkout --quiet --force "$2"`
	p := subprocess{
		name: fmt.Sprintf("git-%d", n+1), dir: dir, plain: true, env: gitEnvironment(),
		command: []string{"/bin/sh", "-e", "-c", script, "git", source, s.text("commit")},
	}
	return p.succeeded(ctx, s, "git fetch "+fetch.Shown(source))
}

// look says what a checkout is at.
func (k checkoutKind) look(ctx context.Context, s *StepContext, dir string) (map[string]string, error) {
	outputs := map[string]string{"dir": dir, "commit": "", "state": checkoutClean}
	if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
		if s.text("commit") != "" {
			s.Host.Output(s.Step.ID, dir+" has no .git: whether it is at the commit cannot be known")
		}
		return outputs, nil
	}
	head, err := git(ctx, dir, "rev-parse", "HEAD")
	if err != nil {
		return nil, err
	}
	outputs["commit"] = head
	if want := s.text("commit"); want != "" && head != want {
		return nil, &Problem{
			Code:    CodeData,
			Message: fmt.Sprintf("the checkout %s is at %s instead of %s", dir, head, want),
			Remedy:  fmt.Sprintf("git -C %s checkout %s, or set the commit to what you want", dir, want),
		}
	}
	changed, err := git(ctx, dir, "status", "--porcelain", "--untracked-files=no")
	if err != nil {
		return nil, err
	}
	if changed != "" {
		outputs["state"] = checkoutDirty
		s.Host.Output(s.Step.ID, fmt.Sprintf("%s is dirty: %d files are not those of the commit", dir, len(strings.Split(changed, "\n"))))
	}
	s.Host.Output(s.Step.ID, fmt.Sprintf("%s is at %s, %s", dir, head, outputs["state"]))
	return outputs, nil
}

// git asks a checkout something; it writes nothing there.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"--no-optional-locks", "-c", "safe.directory=" + dir, "-C", dir}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", &Problem{
			Code: CodeData, Message: fmt.Sprintf("%s is not a checkout that git can read: %s", dir, strings.TrimSpace(said.String())),
			Remedy: "check the path, its owner and its mode",
		}
	}
	return strings.TrimSpace(string(out)), nil
}

// Verify looks whether a clone still is what it was.
func (k checkoutKind) Verify(ctx context.Context, s *StepContext, outputs map[string]string) error {
	if k.existing(s) {
		return nil
	}
	head, err := git(ctx, outputs["dir"], "rev-parse", "HEAD")
	if err == nil && head != s.text("commit") {
		err = fmt.Errorf("it is at %s", head)
	}
	return err
}
