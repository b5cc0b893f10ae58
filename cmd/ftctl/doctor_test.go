package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type finding struct{ Check, Level, Found, Why, Remedy, Fix string }

func TestDoctor(t *testing.T) {
	prefix := venv(t)
	site := filepath.Join(prefix, "lib", "python3.7", "site-packages", "mindspore-2.0.0.dist-info")
	require.NoError(t, os.MkdirAll(site, 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(site, "METADATA"), []byte("Name: mindspore\nVersion: 2.0.0\n"), 0o600))
	t.Setenv("FTD_ENV", prefix)
	t.Setenv("LC_ALL", "C")

	out, talk, status := run(t, "doctor", "--check", "stack", "-o", "json")
	require.Zero(t, status, talk)
	found := decode[[]finding](t, out)
	require.Len(t, found, 1)
	require.Equal(t, "warning", found[0].Level)
	require.Contains(t, found[0].Found, "no mindformers")

	t.Setenv("LC_ALL", "zh_CN.UTF-8")
	out, talk, status = run(t, "doctor", "--check", "stack")
	require.Zero(t, status, talk)
	require.Contains(t, out, "怎么办")
	require.Contains(t, out, "没有 mindformers")

	t.Setenv("LC_ALL", "C")
	out, _, status = run(t, "doctor", "--env", t.TempDir(), "--check", "python")
	require.Equal(t, 1, status, "an error is exit status 1")
	require.Contains(t, out, "no Python environment")
	_, talk, status = run(t, "doctor", "--check", "pyton")
	require.Equal(t, 2, status)
	require.Contains(t, talk, "there is no check")
}

func TestDoctorMends(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("FTD_ENV", venv(t))
	t.Setenv("LC_ALL", "C")
	require.NoError(t, os.WriteFile(filepath.Join(home, ".condarc"), []byte("channels: [https://mirror.example]\n"), 0o600))
	out, _, _ := run(t, "doctor", "--check", "conda", "--env", home+"/a b")
	require.Contains(t, out, "ftctl doctor --env '"+home+"/a b' --check conda --fix", "what is mended is what was looked at")
	out, _, _ = run(t, "doctor", "--check", "conda")
	require.Contains(t, out, "ftctl doctor --check conda --fix")
	out, talk, status := run(t, "doctor", "--check", "conda", "--fix")
	require.Zero(t, status)
	require.Contains(t, talk, "conda config --remove-key channels")
	require.Contains(t, out, "no channels of your own")
}

func TestTheBundleHoldsNoSecrets(t *testing.T) {
	t.Setenv("FTD_ENV", venv(t))
	t.Setenv("HF_TOKEN", "hf_geheim")
	t.Setenv("https_proxy", "http://me:geheim@proxy.example:3128")
	dir := t.TempDir()
	t.Setenv("FTD_SOCKET", filepath.Join(dir, "none.sock"))
	config := filepath.Join(dir, "run.yaml")
	require.NoError(t, os.WriteFile(config, []byte("model: {}\nrunner_config: {}\nobs:\n  secret_key: geheim\nurl: https://u:geheim@host/x?token=geheim&a=1\n"), 0o600))
	file := filepath.Join(dir, "report.tar.gz")
	_, talk, _ := run(t, "doctor", "--config", config, "--check", "config", "--bundle", file)
	require.Contains(t, talk, file)

	parts := unpacked(t, file)
	require.Equal(t, []string{"config.yaml", "environment.txt", "findings.txt", "missing.txt", "versions.json"}, slices.Sorted(maps.Keys(parts)))
	for name, text := range parts {
		require.NotContains(t, text, "geheim", name)
	}
	require.Contains(t, parts["missing.txt"], "settings.txt, ftd.log: ")
}

// unpacked reads a bundle, whose files lie in one directory.
func unpacked(t *testing.T, file string) map[string]string {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	unzip, err := gzip.NewReader(f)
	require.NoError(t, err)
	parts := map[string]string{}
	for archive := tar.NewReader(unzip); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return parts
		}
		require.NoError(t, err)
		text, err := io.ReadAll(archive)
		require.NoError(t, err)
		parts[filepath.Base(header.Name)] = string(text)
	}
}

func TestTheBundleHoldsTheEndsOfLogs(t *testing.T) {
	h := newHouse(t)
	t.Setenv("FTD_ENV", venv(t))
	id := h.submit("sh", "-c", `i=0; while [ $i -lt 300 ]; do echo "line $i"; i=$((i+1)); done; echo "login with password=geheim"; echo Authorization: Bearer geheim; head -c 9000 /dev/zero | tr '\0' x; echo; exit 3`)
	h.ended(id)
	require.NoError(t, os.WriteFile(filepath.Join(h.dir, "state", "ftd.log"), []byte("of the daemon\nHF_TOKEN=geheim\n"), 0o600))
	file := filepath.Join(h.dir, "report.tar.gz")
	run(t, "doctor", "--check", "machine", "--bundle", file, "--job", id)
	parts := unpacked(t, file)
	for name, text := range parts {
		require.NotContains(t, text, "geheim", name)
	}
	require.Contains(t, parts["ftd.log"], "of the daemon")
	require.Contains(t, parts["settings.txt"], "slots: 2  # flag --slots")
	require.Contains(t, parts["job.json"], `"state": "failed"`)
	require.LessOrEqual(t, strings.Count(parts["job.log"], "\n"), bundleLines)
	require.Contains(t, parts["job.log"], "line 299")
	require.NotContains(t, parts["job.log"], "line 99\n")
	require.Less(t, len(parts["job.log"]), 9000, "a line that is too long is cut")
	require.Contains(t, parts["versions.json"], `"state_dir"`)

	// What a recipe gives its programs as a secret is one wherever they print it.
	recipe := filepath.Join(h.dir, "prints.yaml")
	require.NoError(t, os.WriteFile(recipe, []byte(`apiVersion: ftd/v1
name: prints
env: {MY_TOKEN: geheimer}
steps: [{id: s, uses: shell, with: {run: 'echo alone: $MY_TOKEN'}}]
`), 0o600))
	run(t, "run", recipe)
	out, _, _ := run(t, "ps", "-a", "-o", "name")
	printed, _, _ := strings.Cut(out, "\n")
	run(t, "doctor", "--check", "machine", "--bundle", file, "--job", printed)
	parts = unpacked(t, file)
	require.Contains(t, parts["job.log"], "alone: ***")
	for name, text := range parts {
		require.NotContains(t, text, "geheimer", name)
	}

	_, talk, status := run(t, "doctor", "--check", "machine", "--job", id)
	require.Equal(t, 2, status)
	require.Contains(t, talk, "--bundle FILE")
	_, _, status = run(t, "doctor", "--check", "machine", "--bundle", file, "--job", "none")
	require.NotZero(t, status)
}

// The doctor's words are copied into chats and issues.
func TestTheDoctorShowsNoPasswordsInAddresses(t *testing.T) {
	t.Setenv("FTD_ENV", venv(t))
	dir := t.TempDir()
	const address = "https://me:geheim@example.org/w.ckpt?sig=geheim"
	config := fmt.Sprintf("run_mode: finetune\nload_checkpoint: %q\ntrain_dataset: {data_loader: {type: MindDataset, dataset_dir: %q}}\n", address, address)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(config), 0o600))
	mine := filepath.Join(dir, "r.yaml")
	require.NoError(t, os.WriteFile(mine, []byte("apiVersion: ftd/v1\nname: x\nsteps:\n  - {id: train, uses: train, with: {config: c.yaml, base: "+strconv.Quote(address)+"}}\n"), 0o600))
	for _, args := range [][]string{{"doctor", "--config", filepath.Join(dir, "c.yaml")}, {"doctor", mine}, {"doctor", mine, "-o", "json"}} {
		out, talk, status := run(t, args...)
		require.Equal(t, 1, status)
		require.Contains(t, out, "***@example.org/w.ckpt?***")
		require.NotContains(t, out+talk, "geheim", args)
	}
}

func TestDoctorOfARecipe(t *testing.T) {
	t.Setenv("FTD_ENV", venv(t))
	t.Setenv("LC_ALL", "C")
	dir := t.TempDir()
	out, talk, status := run(t, "doctor", "tiny-llama", "--check", "workers", "--check", "weights", "--check", "parallel")
	require.Zero(t, status, talk)
	require.Contains(t, out, "num_parallel_workers is 1")
	out, _, status = run(t, "doctor", "llama-7b-lora", "--set", "tokenizer="+filepath.Join(dir, "gone.model"), "--check", "inputs")
	require.Equal(t, 1, status)
	require.Contains(t, out, "tokenizer.source is "+filepath.Join(dir, "gone.model")+", which cannot be read")

	config := "run_mode: finetune\nload_checkpoint: llama_7b\nuse_parallel: True\nrunner_config: {}\nmodel: {}\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "run.yaml"), []byte(config), 0o600))
	mine := filepath.Join(dir, "mine.yaml")
	require.NoError(t, os.WriteFile(mine, []byte(`apiVersion: ftd/v1
name: mine
vars: {parallel: "true"}
steps:
  - {id: config, uses: config, with: {file: run.yaml, set: {use_parallel: "${parallel}"}}}
  - {id: train, uses: train, with: {config: "${steps.config.outputs.file}"}}
`), 0o600))
	out, _, status = run(t, "doctor", mine, "--check", "parallel")
	require.Equal(t, 1, status)
	require.Contains(t, out, "use_parallel is True, for a training on one card")
	out, talk, status = run(t, "doctor", mine, "--check", "parallel", "--set", "parallel=false")
	require.Zero(t, status, talk)
	require.Contains(t, out, "use_parallel is false")

	_, talk, status = run(t, "doctor", "no-such-recipe")
	require.NotZero(t, status)
	require.Contains(t, talk, "no-such-recipe")
	_, talk, status = run(t, "doctor", "--set", "a=b")
	require.Equal(t, 2, status)
	require.Contains(t, talk, "--set gives variables to a recipe")
}
