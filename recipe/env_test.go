package recipe

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/recipe/environment"
)

// wheel writes a package that pip can install without a network.
func wheel(t *testing.T, dir, name, version string) {
	t.Helper()
	file := strings.ReplaceAll(name, "-", "_")
	info := fmt.Sprintf("%s-%s.dist-info/", file, version)
	content := zipped(t, map[string]string{
		file + ".py":      "version = '" + version + "'\n",
		info + "METADATA": fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version),
		info + "WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		info + "RECORD":   file + ".py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n",
	})
	require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%s-py3-none-any.whl", file, version)), content, 0o644))
}

// wheelhouse is a directory with the packages of the guide, in name only.
func wheelhouse(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, p := range [][2]string{
		{"fschat", "0.2.13"}, {"fschat", "0.2.20"}, {"opencv-python", "4.8.0"}, {"opencv-python-headless", "4.8.0"},
		{"opencv-python-headless", "4.9.0"}, {"mindpet", "1.0.1"}, {"mindpet", "1.0.2"},
	} {
		wheel(t, dir, p[0], p[1])
	}
	return dir
}

const environmentRecipe = `
vars: {python: , wheels: , prefix: "", pin: fschat==0.2.13, change: false, checkout: ""}
steps:
  - id: py39
    uses: env
    with:
      prefix: ${prefix}
      python: ${python}
      packages: ["${pin}"]
      opencv: headless
      checkout: ${checkout}
      install: setup.py
      pip_args: [--no-index, "--find-links=${wheels}"]
      change: ${change}
  - {id: data, uses: data, with: {source: builtin:data/alpaca-tiny.json}}
  - id: conversations
    uses: conversations
    environment: ${steps.py39.outputs.prefix}
    with: {data: "${steps.data.outputs.file}"}
  - id: call
    uses: python
    environment: ${steps.py39.outputs.prefix}
    with: {module: mine, function: f, path: ["${job.dir}"]}
`

const elsewhereModule = `
import sys
import ftd
def f():
    import fschat
    ftd.progress(3, 4, "looking")
    print("in", sys.prefix)
    return [fschat.version, sys.prefix]
def fail():
    raise KeyError("lost")
def leave():
    import os
    os._exit(7)
`

func TestStepsRunInAnEnvironmentOfTheirOwn(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	require.NoError(t, os.WriteFile(filepath.Join(h.dir, "mine.py"), []byte(elsewhereModule), 0o644))
	r, wheels := parsed(t, environmentRecipe), wheelhouse(t)
	vars := map[string]string{"python": h.python, "wheels": wheels}
	h.run(job(h, r, vars))
	prefix := h.steps["py39"].Outputs["prefix"]
	require.Equal(t, filepath.Join(h.dir, "envs"), filepath.Dir(prefix))
	require.True(t, environment.Ours(prefix))
	require.Contains(t, h.steps["py39"].Outputs["versions"], "fschat==0.2.13")
	require.Equal(t, fmt.Sprintf(`["0.2.13", %q]`, prefix), h.steps["call"].Outputs["result"])
	require.Contains(t, h.output, "in "+prefix)
	require.Contains(t, h.progress, int64(3))
	require.FileExists(t, h.steps["conversations"].Outputs["file"])
	require.Contains(t, read(t, filepath.Join(h.attempt("call").Dir, StepLog)), "in "+prefix)

	// It is made once, and looked at each time; what is no longer so is mended.
	h.run(job(h, r, vars))
	require.NotContains(t, strings.Join(h.output[len(h.output)-3:], "\n"), "creating")
	require.NoError(t, os.RemoveAll(filepath.Join(sitePackages(t, prefix), "fschat-0.2.13.dist-info")))
	h.run(job(h, r, vars))
	require.Contains(t, h.steps["py39"].Outputs["versions"], "fschat==0.2.13")

	// Exceptions and ends come back as from the daemon's own interpreter.
	fails := func(function string) *Problem {
		return h.fails(job(h, parsed(t, `steps: [{id: f, uses: python, environment: "`+prefix+`", with: {module: mine, function: `+function+`, path: ["${job.dir}"]}}]`), nil))
	}
	p := fails("fail")
	require.Equal(t, CodePython, p.Code)
	require.Equal(t, "the step f raised KeyError: 'lost'", p.Message)
	require.Contains(t, fails("leave").Message, "ended without an answer (status 7)")
	p = h.fails(job(h, parsed(t, `steps: [{id: f, uses: python, environment: none, with: {module: mine, function: f}}]`), nil))
	require.Contains(t, p.Message, "has no bin/python")
}

func sitePackages(t *testing.T, prefix string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(prefix, "lib", "python*", "site-packages"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

// What cannot be is said before anything is done: to make an environment takes a
// minute, and the steps before it may take an hour.
func TestAnEnvironmentThatCannotBeIsNotMade(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	file := filepath.Join(h.dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for with, says := range map[string]string{
		`packages: ["small>=1"]`:                             `the package "small>=1" is neither NAME==VERSION nor NAME`,
		`packages: ["-r /etc/passwd"]`:                       `"-r /etc/passwd" is neither`,
		`packages: [a==1, b, A==2]`:                          "the package A is asked for as 1 and as 2",
		`packages: [Some_Thing==1], absent: [some-thing]`:    "the package Some_Thing is asked for, and must not be there",
		`packages: [opencv-python==4.5.1], opencv: headless`: "the package opencv-python is asked for, and must not be there",
		`prefix: "` + file + `"`:                             "prefix is " + file + ", which is a file",
	} {
		p := h.fails(job(h, parsed(t, `steps:
  - {id: before, uses: data, with: {source: "builtin:alpaca-tiny.json"}}
  - {id: e, uses: env, with: {python: "`+h.python+`", `+with+`}}`), nil))
		require.Equal(t, CodeInvalid, p.Code)
		require.Contains(t, p.Message, says)
		require.NotEqual(t, StepSucceeded, h.steps["before"].State, "before the first step")
		require.NoDirExists(t, filepath.Join(h.dir, "envs"))
	}
}

// One that could not be finished is begun anew the next time, if the recipe is
// not another by then: it need not fill the disk until that day.
func TestAnEnvironmentThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	r := parsed(t, `
vars: {python: , wheels: , prefix: "", pin: fschat==9.9}
steps:
  - id: e
    uses: env
    with: {prefix: "${prefix}", python: "${python}", packages: ["${pin}"], pip_args: [--no-index, "--find-links=${wheels}"]}
`)
	vars := map[string]string{"python": h.python, "wheels": wheelhouse(t)}
	require.Contains(t, h.fails(job(h, r, vars)).Message, "ended with status 1")
	require.Contains(t, strings.Join(h.output, "\n"), "creating ")
	left, err := os.ReadDir(filepath.Join(h.dir, "envs"))
	require.NoError(t, err)
	require.Empty(t, left)

	// One that was whole before may be at work in a training.
	vars["pin"], vars["prefix"] = "fschat==0.2.13", filepath.Join(h.dir, "named")
	h.run(job(h, r, vars))
	vars["pin"] = "fschat==9.9"
	require.Contains(t, h.fails(job(h, r, vars)).Message, "ended with status 1")
	require.FileExists(t, environment.Python(vars["prefix"]))
}

// Two jobs that want the same one get it once: the second would find it half
// made, and begin it anew under the first.
func TestTwoJobsMakeAnEnvironmentOnce(t *testing.T) {
	t.Parallel()
	r := parsed(t, `
vars: {python: , wheels: , prefix: }
steps:
  - id: e
    uses: env
    with: {prefix: "${prefix}", python: "${python}", packages: [fschat==0.2.13], pip_args: [--no-index, "--find-links=${wheels}"]}
`)
	prefix, wheels := filepath.Join(t.TempDir(), "named"), wheelhouse(t)
	hosts := []*memoryHost{newHost(t), newHost(t)}
	var both sync.WaitGroup
	for _, h := range hosts {
		both.Go(func() {
			vars := map[string]string{"python": h.python, "wheels": wheels, "prefix": prefix}
			if err := Run(t.Context(), job(h, r, vars), h, h.settings()); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	said := strings.Join(append(hosts[0].output, hosts[1].output...), "\n")
	require.Equal(t, 1, strings.Count(said, "creating "+prefix), said)
	require.Equal(t, 1, strings.Count(said, "is being made by another job: waiting for it"), said)
	require.NoFileExists(t, prefix+".lock")
	for _, h := range hosts {
		require.Contains(t, h.steps["e"].Outputs["versions"], "fschat==0.2.13")
	}
}

func TestAnEnvironmentOfOthersIsNotChanged(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	wheels := wheelhouse(t)
	theirs := filepath.Join(h.dir, "theirs")
	require.NoError(t, run(t, h.python, "-m", "venv", theirs))
	require.NoError(t, run(t, environment.Pip(theirs, "install", "--quiet", "--no-index", "--find-links="+wheels, "opencv-python==4.8.0", "mindpet==1.0.2")...))
	checkout := filepath.Join(h.dir, "mindformers")
	require.NoError(t, os.MkdirAll(filepath.Join(checkout, "mindformers", "pet"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(checkout, "mindformers", "pet", "lora.py"), []byte("import os\nfrom tk.delta import lora\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(checkout, "mindformers", "__init__.py"), []byte("from setuptools import *\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(checkout, "setup.py"), []byte("import tempfile\nfrom setuptools import setup, find_packages\nprint('temporary files go to', tempfile.gettempdir())\nsetup(\n    name='mindformers',\n    version='0.6.0', packages=find_packages())\n"), 0o644))

	r := parsed(t, environmentRecipe)
	vars := map[string]string{"python": h.python, "wheels": wheels, "prefix": theirs, "checkout": checkout}
	before, err := environment.Inspect(t.Context(), theirs)
	require.NoError(t, err)
	p := h.fails(job(h, r, vars))
	require.Equal(t, CodeEnvironment, p.Code)
	for _, says := range []string{"opencv-python 4.8.0 is there and must not be", "opencv-python-headless is missing", "mindpet is 1.0.2 instead of 1.0.1", "fschat is missing", "mindformers is missing"} {
		require.Contains(t, p.Message, says)
	}
	require.Contains(t, p.Remedy, "uninstall --yes opencv-python")
	require.Contains(t, p.Remedy, "or set change: true")
	after, err := environment.Inspect(t.Context(), theirs)
	require.NoError(t, err)
	require.Equal(t, before, after)
	plans, err := Preview(t.Context(), job(h, r, vars), h, h.settings())
	require.NoError(t, err)
	require.Contains(t, plans[0].Summary, "fschat is missing")

	delete(vars, "checkout") // installing it needs setuptools, which not every venv has
	if _, has := before.Packages["setuptools"]; has {
		vars["checkout"] = checkout
	}
	vars["change"] = "true"
	require.NoError(t, os.WriteFile(filepath.Join(h.dir, "mine.py"), []byte(elsewhereModule), 0o644))
	h.run(job(h, r, vars))
	after, err = environment.Inspect(t.Context(), theirs)
	require.NoError(t, err)
	require.NotContains(t, after.Packages, "opencv-python")
	require.Equal(t, "4.8.0", after.Packages["opencv-python-headless"])
	require.FileExists(t, filepath.Join(sitePackages(t, theirs), "opencv_python_headless.py"))
	if vars["checkout"] != "" {
		require.Equal(t, "1.0.1", after.Packages["mindpet"])
		require.Equal(t, "0.6.0", after.Packages["mindformers"])
		tmp := filepath.Join(h.attempt("py39").Dir, "tmp")
		require.Contains(t, h.output, "temporary files go to "+tmp)
		require.NoDirExists(t, tmp)
	}
	require.False(t, environment.Ours(theirs))

	vars["pin"] = "fschat>=0.2"
	require.Contains(t, h.fails(job(h, r, vars)).Message, `the package "fschat>=0.2" is neither`)
	full := filepath.Join(h.dir, "full")
	require.NoError(t, os.MkdirAll(filepath.Join(full, "thesis"), 0o755))
	delete(vars, "pin")
	vars["prefix"] = full
	require.Contains(t, h.fails(job(h, r, vars)).Message, "was not made by ftd")
	require.DirExists(t, filepath.Join(full, "thesis"))
}
