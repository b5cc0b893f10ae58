package recipe

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/launcher/process"
)

func TestACommandAsAStep(t *testing.T) {
	h := newHost(t)
	input := filepath.Join(h.dir, "in.txt")
	require.NoError(t, os.WriteFile(input, []byte("one"), 0o644))
	kept := parsed(t, `
vars: {in: }
steps: [{id: s, uses: shell, env: {WHO: me}, with: {run: 'echo reading; cat "${in}" > out.txt; echo "$WHO" >> out.txt', inputs: ["${in}"], outputs: [out.txt]}}]`)
	j := job(h, kept, map[string]string{"in": input})
	require.Equal(t, []string{"s running", "s succeeded"}, h.run(j))
	require.Equal(t, "oneme\n", read(t, filepath.Join(h.steps["s"].Outputs["dir"], "out.txt")))
	require.Contains(t, h.output, "reading")
	require.Contains(t, read(t, filepath.Join(h.attempt("s").Dir, StepLog)), "reading")
	require.Equal(t, []string{"s skipped"}, h.run(j))
	require.NoError(t, os.WriteFile(input, []byte("two"), 0o644))
	require.Equal(t, []string{"s running", "s succeeded"}, h.run(j))

	// Without outputs it runs in the job's directory, and always.
	always := parsed(t, `steps: [{id: s, uses: shell, with: {run: "echo x >> count.txt"}}]`)
	h.run(job(h, always, nil))
	h.run(job(h, always, nil))
	require.Equal(t, "x\nx\n", read(t, filepath.Join(h.dir, "count.txt")))
	require.Equal(t, h.dir, h.steps["s"].Outputs["dir"])

	p := h.fails(job(h, parsed(t, `steps: [{id: s, uses: shell, with: {run: "false | true; echo never"}}]`), nil))
	require.Equal(t, CodeStep, p.Code)
	require.Contains(t, p.Message, "the step s: the command ended with status 1")
	require.NotContains(t, h.output, "never")
	p = h.fails(job(h, parsed(t, `steps: [{id: s, uses: shell, with: {run: "true", outputs: [gone.txt]}}]`), nil))
	require.Contains(t, p.Message, "the command ended well, but gone.txt is not there")
	require.Equal(t, CodeInvalid, h.fails(job(h, parsed(t, `steps: [{id: s, uses: shell, with: {run: "true", outputs: [../x]}}]`), nil)).Code)
}

// sleeping begins a step whose processes sleep, in a session of their own too,
// and returns once they do.
func sleeping(t *testing.T, h *memoryHost, mark string) (end context.CancelCauseFunc, ended chan error) {
	t.Helper()
	ctx, end := context.WithCancelCause(t.Context())
	ended = make(chan error, 1)
	r := parsed(t, `steps: [{id: s, uses: shell, env: {FTD_TEST_MARK: `+mark+`}, with: {run: "setsid sleep 300 & until [ -e go ]; do sleep 0.05; done; kill %1"}}]`)
	go func() { ended <- Run(ctx, job(h, r, nil), h, h.settings()) }()
	eventually(t, "processes", func() bool { return len(marked(t, mark)) > 1 })
	return end, ended
}

func marked(t *testing.T, mark string) []process.Stat {
	t.Helper()
	found, err := process.Marked("FTD_TEST_MARK=" + mark)
	require.NoError(t, err)
	return found
}

func TestAStopEndsAllThatACommandStarted(t *testing.T) {
	h := newHost(t)
	end, ended := sleeping(t, h, "stop")
	end(ErrStop)
	require.ErrorIs(t, <-ended, ErrStop)
	require.Equal(t, StepStopped, h.steps["s"].State)
	require.Empty(t, marked(t, "stop"))
}

func TestACommandOutlivesTheDaemon(t *testing.T) {
	h := newHost(t)
	end, ended := sleeping(t, h, "outlive")
	end(ErrShutdown)
	require.ErrorIs(t, <-ended, ErrShutdown)
	require.NotEmpty(t, marked(t, "outlive"))
	end2, ended2 := sleeping(t, h, "outlive") // the next one takes it up
	defer end2(nil)
	require.NoError(t, os.WriteFile(filepath.Join(h.dir, "go"), nil, 0o600))
	require.NoError(t, <-ended2)
	require.Len(t, h.attempts["s"], 1)
	require.Empty(t, marked(t, "outlive"))
}

func repository(t *testing.T) (dir, commit string) {
	t.Helper()
	dir = t.TempDir()
	do := func(args ...string) string {
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@x.example", "-c", "commit.gpgsign=false"}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return strings.TrimSpace(string(out))
	}
	do("init", "--quiet")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "run_mindformer.py"), []byte("first\n"), 0o644))
	do("add", ".")
	do("commit", "--quiet", "-m", "first")
	commit = do("rev-parse", "HEAD")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "run_mindformer.py"), []byte("second\n"), 0o644))
	do("commit", "--quiet", "-am", "second")
	return dir, commit
}

func TestACheckoutIsAtItsCommit(t *testing.T) {
	h := newHost(t)
	dir, first := repository(t)
	bare := filepath.Join(t.TempDir(), "mindformers.git")
	out, err := exec.Command("git", "clone", "--quiet", "--bare", dir, bare).CombinedOutput()
	require.NoError(t, err, string(out))
	r := parsed(t, `
vars: {repo: , commit: "", mirror: ""}
steps: [{id: c, uses: checkout, with: {source: "${repo}", commit: "${commit}", mirrors: ["${mirror}"]}}]`)

	j := job(h, r, map[string]string{"repo": bare, "commit": first})
	h.run(j)
	got := h.steps["c"].Outputs
	require.Equal(t, "mindformers", filepath.Base(got["dir"]))
	require.Equal(t, first, got["commit"])
	require.Equal(t, checkoutClean, got["state"])
	require.Equal(t, "first\n", read(t, filepath.Join(got["dir"], "run_mindformer.py")))
	require.Equal(t, []string{"c skipped"}, h.run(j))
	require.NoError(t, os.WriteFile(filepath.Join(got["dir"], "run_mindformer.py"), []byte("damaged\n"), 0o644))
	require.Equal(t, []string{"c running", "c succeeded"}, h.run(j))

	// A mirror is used when the first place does not have it.
	h2 := newHost(t)
	h2.run(job(h2, r, map[string]string{"repo": "file:///no/such/mindformers.git", "mirror": bare, "commit": first}))
	require.Equal(t, first, h2.steps["c"].Outputs["commit"])

	for _, commit := range []string{"", "main", first[:12]} {
		require.Contains(t, h.fails(job(h, r, map[string]string{"repo": bare, "commit": commit})).Message, "40 digits")
	}
	p := h.fails(job(h, r, map[string]string{"repo": bare, "commit": strings.Repeat("0", 40)}))
	require.Equal(t, CodeStep, p.Code)
	require.Contains(t, p.Message, "git fetch")

	// A checkout of the user's is looked at, and left as it is.
	h.run(job(h, r, map[string]string{"repo": dir}))
	require.Equal(t, dir, h.steps["c"].Outputs["dir"])
	require.Equal(t, checkoutClean, h.steps["c"].Outputs["state"])
	require.NoError(t, os.WriteFile(filepath.Join(dir, "run_mindformer.py"), []byte("mine\n"), 0o644))
	h.run(job(h, r, map[string]string{"repo": dir}))
	require.Equal(t, checkoutDirty, h.steps["c"].Outputs["state"])
	require.Contains(t, strings.Join(h.output, "\n"), "is dirty: 1 files are not those of the commit")
	p = h.fails(job(h, r, map[string]string{"repo": dir, "commit": first}))
	require.Contains(t, p.Message, "instead of "+first)
	require.Contains(t, p.Remedy, "git -C "+dir+" checkout "+first)
	require.Equal(t, "mine\n", read(t, filepath.Join(dir, "run_mindformer.py")))
}

func run(t *testing.T, command ...string) error {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
	if err != nil {
		t.Log(string(out))
	}
	return err
}
