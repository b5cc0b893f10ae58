package recipe

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/recipe/fetch"
	"ftd/recipe/internal/mirror"
	"ftd/recipe/unpack"
)

func parsed(t *testing.T, steps string) *Recipe {
	t.Helper()
	r, err := Parse("x.yaml", []byte("apiVersion: ftd/v1\nname: x\n"+steps))
	require.NoError(t, err)
	return r
}

func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range sorted(files) {
		f, err := w.Create(name)
		require.NoError(t, err)
		_, err = f.Write([]byte(files[name]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

const alpaca = `
vars: {data: , mirror: "", sha256: ""}
steps:
  - {id: data, uses: fetch, with: {source: "${data}", mirrors: ["${mirror}"], sha256: "${sha256}", token: TOKEN}}
  - {id: unpack, uses: unpack, with: {archive: "${steps.data.outputs.file}", find: "*.json"}}
  - {id: conversations, uses: conversations, with: {data: "${steps.unpack.outputs.file}"}}
`

func TestAZipOfAPresignedLinkBecomesConversations(t *testing.T) {
	m, h := mirror.New(t), newHost(t)
	content := zipped(t, map[string]string{"alpaca-cleaned/alpaca_data_cleaned.json": rows, "__MACOSX/._x.json": ""})
	m.Add("/alpaca.zip", content, mirror.BreakOff(1, 100))
	r := parsed(t, alpaca)
	expired := m.URL + "/alpaca.zip?X-Amz-Date=20230801T080000Z&X-Amz-Expires=86400&X-Amz-Signature=hidden"
	j := job(h, r, map[string]string{"data": expired})
	require.Equal(t, fetch.CodeRefused, h.fails(j).Code, "the token is not set")
	j.Env = map[string]string{"TOKEN": "secret"}
	require.Equal(t, fetch.CodeExpired, h.fails(j).Code)
	require.Empty(t, m.Requests(""))

	j.Vars["mirror"] = m.URL + "/alpaca.zip"
	h.run(j)
	require.Equal(t, "2", h.steps["conversations"].Outputs["rows"])
	require.Equal(t, m.URL+"/alpaca.zip", h.steps["data"].Outputs["source"])
	require.NotContains(t, fmt.Sprint(h.output, h.steps), "hidden")
	require.NotContains(t, fmt.Sprint(h.output, h.steps), "secret")
	require.Equal(t, []string{"data skipped", "unpack skipped", "conversations skipped"}, h.run(j))
	require.Len(t, m.Requests(""), 2)

	// With a checksum it is the same file wherever it comes from.
	j.Vars = map[string]string{"data": m.URL + "/alpaca.zip", "sha256": mirror.Sum(content)}
	h.run(j)
	j.Vars["data"] = "https://elsewhere.invalid/alpaca.zip"
	require.Equal(t, "data skipped", h.run(j)[0])

	// A file, a directory and the JSON itself are taken as they are.
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.zip"), content, 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "d"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d", "a.json"), []byte(rows), 0o600))
	for _, path := range []string{"a.zip", "d", "d/a.json"} {
		h.run(job(h, r, map[string]string{"data": filepath.Join(dir, path)}).with("TOKEN", "x"))
		require.Equal(t, filepath.Join(dir, path), h.steps["data"].Outputs["file"])
		require.Equal(t, "2", h.steps["conversations"].Outputs["rows"])
	}
	require.Equal(t, fetch.CodeChecksum, h.fails(job(h, r, map[string]string{"data": filepath.Join(dir, "a.zip"), "sha256": mirror.Sum(nil)})).Code)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.zip"), []byte("<html>"), 0o600))
	require.Equal(t, unpack.CodeFormat, h.fails(job(h, r, map[string]string{"data": filepath.Join(dir, "a.zip")})).Code)
}

func (j Job) with(name, value string) Job {
	j.Env = map[string]string{name: value}
	return j
}

// A download that was cut off goes on in the next job.
func TestAFetchThatFailedIsGoneOnWith(t *testing.T) {
	m, h := mirror.New(t), newHost(t)
	content := zipped(t, map[string]string{"a.json": rows})
	m.Add("/a.zip", content, mirror.Busy(100))
	r := parsed(t, `steps: [{id: data, uses: fetch, with: {source: "`+m.URL+`/a.zip", sha256: `+mirror.Sum(content)+`}}]`)
	k, s := fetchKind{}, &StepContext{With: map[string]any{"source": m.URL + "/a.zip", "sha256": mirror.Sum(content)}, Settings: h.settings()}
	require.NoError(t, os.MkdirAll(s.Settings.Partial, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(s.Settings.Partial, k.part(s)+".part"), content[:50], 0o600))
	m.Add("/a.zip", content)
	h.run(job(h, r, nil))
	require.Equal(t, "bytes=50-", m.Requests("")[0].Range)
	plan, err := k.Plan(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, []Download{{Name: "a.zip", Sources: []string{m.URL + "/a.zip"}, SHA256: mirror.Sum(content)}}, plan.Downloads)
}

func TestLargeFilesTakeThePlaceOfTheirPointers(t *testing.T) {
	m, h := mirror.New(t), newHost(t)
	large := bytes.Repeat([]byte("weights"), 1000)
	m.LFS("/THUDM/chatglm-6b.git", [][]byte{large})
	dir := filepath.Join(h.dir, "chatglm-6b")
	require.NoError(t, os.Mkdir(dir, 0o755))
	for name, content := range map[string]string{
		"config.json": "{}",
		"a.bin":       fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", mirror.Sum(large), len(large)),
		"b.pdf":       "version https://git-lfs.github.com/spec/v1\noid sha256:" + mirror.Sum([]byte("other")) + "\nsize 5\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	r := parsed(t, `
vars: {hub: , only: "*.bin"}
steps: [{id: lfs, uses: lfs, with: {dir: chatglm-6b, source: "${hub}", only: "${only}"}}]`)
	plans, err := Preview(t.Context(), job(h, r, map[string]string{"hub": m.URL + "/THUDM/chatglm-6b"}), h, h.settings())
	require.NoError(t, err)
	require.EqualValues(t, len(large), plans[0].Disk)
	require.Equal(t, "a.bin", plans[0].Downloads[0].Name)
	require.Empty(t, m.Requests(""))

	h.run(job(h, r, map[string]string{"hub": m.URL + "/THUDM/chatglm-6b"}))
	out := h.steps["lfs"].Outputs
	require.Equal(t, "1", out["files"])
	require.Equal(t, string(large), read(t, filepath.Join(out["dir"], "a.bin")))
	require.Equal(t, "{}", read(t, filepath.Join(out["dir"], "config.json")))
	require.NoFileExists(t, filepath.Join(out["dir"], "b.pdf"))
	require.Less(t, len(read(t, filepath.Join(dir, "a.bin"))), 200, "what was given stays as it is")

	// Nothing is left to fetch: it is used as it is.
	r = parsed(t, `steps: [{id: lfs, uses: lfs, with: {dir: "`+out["dir"]+`"}}]`)
	h.run(job(h, r, nil))
	require.Equal(t, out["dir"], h.steps["lfs"].Outputs["dir"])
	p := h.fails(job(h, parsed(t, `steps: [{id: lfs, uses: lfs, with: {dir: chatglm-6b}}]`), nil))
	require.Contains(t, p.Message, "nothing says where a.bin comes from")
}

func TestAStepIsLeftOut(t *testing.T) {
	h := newHost(t)
	r := parsed(t, `
vars: {made: "", data: builtin:data/alpaca-tiny.json}
steps:
  - {id: data, uses: data, unless: "${made}", with: {source: "${data}"}}
  - {id: also, uses: data, when: "${steps.data.outputs.file}", with: {source: "${data}"}}
  - {id: conversations, uses: conversations, with: {data: "${made}${steps.data.outputs.file}"}}
`)
	h.run(job(h, r, nil))
	require.NotEmpty(t, h.steps["also"].Outputs["file"])
	key := h.steps["conversations"].Key
	path := filepath.Join(h.dir, "mine.json")
	require.NoError(t, os.WriteFile(path, []byte(rows), 0o644))
	j := job(h, r, map[string]string{"made": path})
	plans, err := Preview(t.Context(), j, h, h.settings())
	require.NoError(t, err)
	require.True(t, plans[0].LeftOut && plans[1].LeftOut && !plans[2].LeftOut)
	require.Contains(t, plans[0].Summary, "left out: made is")
	require.Equal(t, []string{"data skipped", "also skipped", "conversations running", "conversations succeeded"}, h.run(j))
	require.Equal(t, map[string]string{"file": ""}, h.steps["data"].Outputs)
	require.NotEqual(t, key, h.steps["conversations"].Key)
	require.Equal(t, "2", h.steps["conversations"].Outputs["rows"])

	_, err = Parse("x.yaml", []byte("apiVersion: ftd/v1\nname: x\nsteps: [{id: a, uses: data, when: '${nothing}', with: {source: x}}]"))
	require.ErrorContains(t, err, `there is no variable "nothing"`)
	for text, want := range map[string]bool{"": false, "False": false, "no": false, "0": false, "off": false, "yes": true, "/a/b": true} {
		require.Equal(t, want, truth(text), text)
	}
}

// What is a link beside the pointers is one to the same file afterwards.
func TestLinksBesideThePointers(t *testing.T) {
	dir, target := t.TempDir(), t.TempDir()
	snapshot := filepath.Join(dir, "snapshots", "one")
	require.NoError(t, os.MkdirAll(snapshot, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "blob"), []byte("config"), 0o600))
	require.NoError(t, os.Symlink("../../blob", filepath.Join(snapshot, "config.json")))
	require.NoError(t, os.Symlink("../..", filepath.Join(snapshot, "all")))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(snapshot, "dangling")))
	require.NoError(t, addOthers(snapshot, target, nil))
	require.Equal(t, "config", read(t, filepath.Join(target, "config.json")))
	require.Equal(t, "config", read(t, filepath.Join(target, "all", "blob")))
	require.NoFileExists(t, filepath.Join(target, "dangling"))
}
