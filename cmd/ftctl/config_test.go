package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const glmConfig = `load_checkpoint: ""  # 权重
train_dataset: &train_dataset
  data_loader:
    dataset_dir: "/path/to/train.json"
  input_columns: ["input_ids", "labels"]
task:
  dataset_config: *train_dataset
`

func TestConfigPatchKeepsEveryOtherByte(t *testing.T) {
	file := filepath.Join(t.TempDir(), "run.yaml")
	require.NoError(t, os.WriteFile(file, []byte(glmConfig), 0o640))
	want := strings.NewReplacer(`""`, `"w.ckpt"`, "/path/to/train.json", "/d").Replace(glmConfig)
	set := []string{"load_checkpoint=w.ckpt", "task.dataset_config.data_loader.dataset_dir=/d"}

	out, talk, status := run(t, append([]string{"config", "patch", file}, set...)...)
	require.Zero(t, status, talk)
	require.Equal(t, want, out)
	unchanged, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, glmConfig, string(unchanged), "without --write nothing is written")

	out, talk, status = runWith(t, glmConfig, append([]string{"config", "patch", "-"}, set...)...)
	require.Zero(t, status, talk)
	require.Equal(t, want, out)

	out, talk, status = run(t, append([]string{"config", "patch", file, "--write", "-o", "json"}, set...)...)
	require.Zero(t, status, talk)
	p := decode[patched](t, out)
	require.Equal(t, file, p.Written)
	require.Equal(t, []int{1, 4}, []int{p.Changed[0].Line, p.Changed[1].Line})
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
}

func TestConfigPatchWritesNothingThatIsWrong(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "run.yaml")
	require.NoError(t, os.WriteFile(file, []byte(glmConfig), 0o600))
	for _, c := range []struct {
		status int
		says   string
		args   []string
	}{
		{2, `did you mean "load_checkpoint"?`, []string{file, "--write", "train_dataset.data_loader.dataset_dir=/d", "load_chekpoint=x"}},
		{2, "not a single value", []string{file, "--write", "train_dataset.data_loader=x"}},
		{2, "not of the form PATH=VALUE", []string{file, "load_checkpoint"}},
		{2, "--write cannot write into standard input", []string{"-", "--write", "a=b"}},
		{4, "there is no file", []string{filepath.Join(dir, "none.yaml"), "a=b"}},
		{2, "cannot be read", []string{dir, "a=b"}},
	} {
		out, talk, status := runWith(t, glmConfig, append([]string{"config", "patch"}, c.args...)...)
		require.Equal(t, c.status, status, talk)
		require.Empty(t, out)
		require.Contains(t, talk, c.says)
		require.Contains(t, talk, "what to do", "an error ends with what to do")
	}
	unchanged, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, glmConfig, string(unchanged))
}
