package cmd_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// halving is a server that gives out half of a file and then nothing, the first
// time that it is asked for one of those that stall.
type halving struct {
	*httptest.Server
	files  map[string][]byte
	stalls []string
	mu     sync.Mutex
	asked  map[string]int
	ranges map[string][]string // asked for, by path
	over   chan struct{}
}

func newHalving(t *testing.T, files map[string][]byte, stalls ...string) *halving {
	s := &halving{files: files, stalls: stalls, asked: map[string]int{}, ranges: map[string][]string{}, over: make(chan struct{})}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() { close(s.over); s.CloseClientConnections(); s.Close() })
	return s
}

func (s *halving) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	content, known := s.files[r.URL.Path]
	s.asked[r.URL.Path]++
	whole := s.asked[r.URL.Path] > 1 || !slices.Contains(s.stalls, r.URL.Path)
	s.ranges[r.URL.Path] = append(s.ranges[r.URL.Path], r.Header.Get("Range"))
	s.mu.Unlock()
	switch {
	case strings.HasSuffix(r.URL.Path, "/objects/batch"):
		s.batch(w, r)
		return
	case !known:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", `"one"`)
	if whole {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
		return
	}
	w.Header().Set("Accept-Ranges", "bytes")
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content[:len(content)/2])
	w.(http.Flusher).Flush()
	select {
	case <-r.Context().Done():
	case <-s.over:
	}
}

// batch says where the large files are: below /large/.
func (s *halving) batch(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Objects []map[string]any `json:"objects"`
	}
	_ = json.NewDecoder(r.Body).Decode(&asked)
	for _, o := range asked.Objects {
		o["actions"] = map[string]any{"download": map[string]any{"href": fmt.Sprintf("%s/large/%s", s.URL, o["oid"])}}
	}
	w.Header().Set("Content-Type", "application/vnd.git-lfs+json")
	_ = json.NewEncoder(w).Encode(map[string]any{"transfer": "basic", "objects": asked.Objects})
}

func (s *halving) times(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[path]
}

// lastRange is what was asked for last of a file that was asked for twice.
func (s *halving) lastRange(t testing.TB, path string) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Len(t, s.ranges[path], 2, path)
	return s.ranges[path][1]
}

// stored is a zip of files that are not packed.
func stored(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range files {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		require.NoError(t, err)
		_, err = f.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

const prepared = `apiVersion: ftd/v1
name: prepared
vars: {data: "", server: "", commit: "", gate: "", python: "", wheels: ""}
steps:
  - {id: checkout, uses: checkout, with: {source: "${server}/model.git", commit: "${commit}"}}
  - {id: lfs, uses: lfs, with: {dir: "${steps.checkout.outputs.dir}", source: "${server}/model"}}
  - {id: config, uses: config, with: {file: "${steps.checkout.outputs.dir}/large.yaml", set: {epochs: 2}}}
  - {id: shell, uses: shell, with: {run: "echo $$ >> ${gate}.pids; echo half > made; [ -e ${gate}.shell ] || sleep 1000; echo whole > made", outputs: [made]}}
  - {id: script, uses: script, with: {file: "${gate}.py", args: ["${gate}.script"], creates: [made]}}
  - {id: second, uses: env, with: {python: "${python}", packages: [small], pip_args: [--no-index, "--find-links=${wheels}"]}}
  - {id: data, uses: fetch, with: {source: "${data}"}}
  - {id: alpaca, uses: unpack, with: {archive: "${steps.data.outputs.file}", find: "*.json"}}
`

// preparedByPython goes on with what Python makes.
const preparedByPython = `
  - {id: conversations, uses: conversations, with: {data: "${steps.alpaca.outputs.file}"}}
  - {id: tokenizer, uses: tokenizer, with: {adgen: "${steps.checkout.outputs.dir}/adgen.json", vocab_size: 800, family: glm}}
  - {id: adgen, uses: adgen, with: {data: "${steps.checkout.outputs.dir}/adgen.json", tokenizer: "${steps.tokenizer.outputs.file}", source_length: 40, target_length: 40, family: glm, by: ftd}}
  - {id: mindrecord, uses: mindrecord, with: {conversations: "${steps.conversations.outputs.file}", tokenizer: "${steps.tokenizer.outputs.file}", seq_length: 512}}
  - {id: weights, uses: weights, with: {vocab_size: 600, hidden_size: 512, intermediate_size: 1024, layers: 8, heads: 2, max_positions: 64}}
  - {id: merge, uses: merge, keep: false, with: {weights: "${steps.weights.outputs.dir}", dtype: float16}}
  - {id: convert, uses: convert, with: {weights: "${steps.merge.outputs.dir}", family: llama, by: ftd}}
`

// preparedScript is what the step script runs.
const preparedScript = `
import os, sys, time
print("begun", flush=True)
with open("made", "w") as made:
    made.write("half")
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
with open("made", "w") as made:
    made.write("whole")
`

// preparation is the recipe above, and all that it needs.
type preparation struct {
	*house
	server             *halving
	file, gate, commit string
	large              string // the SHA-256 of the file that its pointer stands for
	vars               []string
	made               map[string]time.Time // when the results were that are there, by step
}

func newPreparation(t *testing.T, recipe string) *preparation {
	for name, value := range map[string]string{"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_SYSTEM": os.DevNull, "no_proxy": "127.0.0.1"} {
		t.Setenv(name, value) // git is to ask nobody else
	}
	h := newHouse(t)
	p := &preparation{house: h, file: filepath.Join(h.dir, "prepared.yaml"), gate: filepath.Join(h.dir, "gate")}
	require.NoError(t, os.WriteFile(p.file, []byte(recipe), 0o600))
	require.NoError(t, os.WriteFile(p.gate+".py", []byte(preparedScript), 0o600))
	files := map[string][]byte{}

	// The data, among so many files that it takes a while to unpack them.
	rows, err := os.ReadFile("../recipe/builtin/data/alpaca-tiny.json")
	require.NoError(t, err)
	rows = bytes.TrimSpace(rows)
	inner := rows[1 : len(rows)-1]
	archive := map[string][]byte{"alpaca/alpaca_data_cleaned.json": slices.Concat([]byte("["), bytes.Repeat(append(inner, ','), 30), inner, []byte("]"))}
	for i := range 4_000 {
		archive[fmt.Sprintf("alpaca/%d/%d.txt", i/100, i)] = []byte("x")
	}
	files["/alpaca.zip"] = stored(t, archive)

	// A repository with a pointer and a large config, as a plain web server gives it out.
	large := bytes.Repeat([]byte("large "), 50_000)
	p.large = fmt.Sprintf("%x", sha256.Sum256(large))
	files["/large/"+p.large] = large
	var config strings.Builder
	config.WriteString("epochs: 1 # of all\n")
	for i := range 6_000 {
		fmt.Fprintf(&config, "key_%d: %d\n", i, i)
	}
	adgen, err := os.ReadFile("../recipe/builtin/data/adgen-tiny.json")
	require.NoError(t, err)
	tree := filepath.Join(h.dir, "tree")
	require.NoError(t, os.Mkdir(tree, 0o700))
	for name, content := range map[string]string{
		"large.yaml": config.String(),
		"large.bin":  fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", p.large, len(large)),
		"adgen.json": strings.Repeat(string(adgen), 12),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(tree, name), []byte(content), 0o600))
	}
	git := func(args ...string) string {
		out, err := exec.Command("git", append([]string{"-C", tree, "-c", "user.name=x", "-c", "user.email=x@x.example", "-c", "commit.gpgsign=false"}, args...)...).CombinedOutput()
		require.NoError(t, err, string(out))
		return strings.TrimSpace(string(out))
	}
	git("init", "--quiet")
	git("add", ".")
	git("commit", "--quiet", "-m", "published")
	git("update-server-info")
	p.commit = git("rev-parse", "HEAD")
	require.NoError(t, filepath.WalkDir(filepath.Join(tree, ".git"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(filepath.Join(tree, ".git"), path)
		files["/model.git/"+filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	}))

	wheels := filepath.Join(h.dir, "wheels")
	require.NoError(t, os.Mkdir(wheels, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(wheels, "small-1.0-py3-none-any.whl"), stored(t, map[string][]byte{
		"small.py":                     nil,
		"small-1.0.dist-info/METADATA": []byte("Metadata-Version: 2.1\nName: small\nVersion: 1.0\n"),
		"small-1.0.dist-info/WHEEL":    []byte("Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
		"small-1.0.dist-info/RECORD":   []byte("small.py,,\nsmall-1.0.dist-info/METADATA,,\nsmall-1.0.dist-info/WHEEL,,\nsmall-1.0.dist-info/RECORD,,\n"),
	}), 0o600))
	p.server = newHalving(t, files, "/model.git/info/refs", "/large/"+p.large, "/alpaca.zip")
	p.vars = []string{"--set", "server=" + p.server.URL, "--set", "commit=" + p.commit, "--set", "gate=" + p.gate, "--set", "wheels=" + wheels, "--set", "python=" + filepath.Join(h.env, "bin", "python")}
	return p
}

// submit has a job done; its address is signed anew each time.
func (p *preparation) submit(signature string) string {
	p.t.Helper()
	address := p.server.URL + "/alpaca.zip?X-Amz-Date=" + time.Now().UTC().Format("20060102T150405Z") + "&X-Amz-Expires=3600&X-Amz-Signature=" + signature
	run := p.ctl(append([]string{"run", p.file, "--set", "data=" + address, "--detach", "-o", "json"}, p.vars...)...)
	require.Zero(p.t, run.code, run.stderr)
	require.NotContains(p.t, run.stdout, signature)
	return decode[api.Job](p.t, run).ID
}

// exists says whether there is a file whose path matches, below the state directory.
func (p *preparation) there(pattern ...string) bool {
	paths, err := filepath.Glob(filepath.Join(append([]string{p.state()}, pattern...)...))
	require.NoError(p.t, err)
	return slices.ContainsFunc(paths, func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && (info.IsDir() || info.Size() > 0)
	})
}

// unfinished are the results that are being made.
func (p *preparation) unfinished() []string {
	paths, err := filepath.Glob(filepath.Join(p.state(), "results", ".new-*"))
	require.NoError(p.t, err)
	return paths
}
