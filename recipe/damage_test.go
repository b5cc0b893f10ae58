package recipe

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/recipe/internal/mirror"
)

// Of every kind that keeps its result: one that was damaged is made again.
func TestADamagedResultOfAnyKindIsMadeAgain(t *testing.T) {
	mindspore(t)
	h, m := newHost(t), mirror.New(t)
	data, err := readSource("builtin:data/alpaca-tiny.json")
	require.NoError(t, err)
	m.Add("/a.zip", zipped(t, map[string]string{"a/a.json": string(data), "a/b.txt": "more"}))
	large := []byte("large")
	m.LFS("/repository.git", [][]byte{large})
	repository, commit := published(t, map[string]string{
		"x.yaml":  "epochs: 1\n",
		"big.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:" + mirror.Sum(large) + "\nsize 5\n",
	})
	r := parsed(t, `
steps:
  - {id: fetch, uses: fetch, with: {source: "`+m.URL+`/a.zip"}}
  - {id: unpack, uses: unpack, with: {archive: "${steps.fetch.outputs.file}", find: "*.json"}}
  - {id: checkout, uses: checkout, with: {source: "`+repository+`", commit: "`+commit+`"}}
  - {id: lfs, uses: lfs, with: {dir: "${steps.checkout.outputs.dir}", source: "`+m.URL+`/repository"}}
  - {id: config, uses: config, with: {file: "${steps.checkout.outputs.dir}/x.yaml", set: {epochs: 2}}}
  - {id: shell, uses: shell, with: {run: "echo made > made", outputs: [made]}}
  - {id: data, uses: data, with: {source: builtin:data/adgen-tiny.json}}
  - {id: conversations, uses: conversations, with: {data: "${steps.unpack.outputs.file}"}}
  - {id: pieces, uses: tokenizer, with: {adgen: "${steps.data.outputs.file}", vocab_size: 800, family: glm}}
  - {id: adgen, uses: adgen, with: {data: "${steps.data.outputs.file}", tokenizer: "${steps.pieces.outputs.file}", source_length: 40, target_length: 40, family: glm, by: ftd}}
  - {id: tokenizer, uses: tokenizer, with: {conversations: "${steps.conversations.outputs.file}", vocab_size: 600}}
  - {id: mindrecord, uses: mindrecord, with: {conversations: "${steps.conversations.outputs.file}", tokenizer: "${steps.tokenizer.outputs.file}", seq_length: 64}}
  - {id: weights, uses: weights, with: {vocab_size: 600, hidden_size: 32, intermediate_size: 64, layers: 1, heads: 2, max_positions: 64}}
  - {id: merge, uses: merge, with: {weights: "${steps.weights.outputs.dir}", dtype: float32}}
  - {id: convert, uses: convert, with: {weights: "${steps.merge.outputs.dir}", family: llama, by: ftd}}
`)
	h.run(job(h, r, nil))
	var uses []string
	for _, step := range r.Steps {
		uses = append(uses, step.Uses)
	}
	for _, kind := range Kinds() { // these keep no result: they always run
		require.Equal(t, slices.Contains([]string{"env", "python", "script", "train"}, kind), !slices.Contains(uses, kind), kind)
	}
	for _, step := range r.Steps {
		dir := filepath.Dir(h.steps[step.ID].Outputs[manifestOutput])
		var files []string
		require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && d.Name() != manifestFile && !slices.Contains([]string{"HEAD", "index"}, d.Name()) {
				files = append(files, path)
			}
			return err
		}))
		require.NotEmpty(t, files, step.ID)
		file := files[len(files)-1]
		require.NoError(t, os.Truncate(file, 1), step.ID)
		history := h.run(job(h, r, nil))
		require.Contains(t, history, step.ID+" running", "%s of %s was cut", file, step.ID)
		require.Contains(t, history, step.ID+" succeeded")
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.NotEqual(t, int64(1), info.Size(), file)
	}
}
