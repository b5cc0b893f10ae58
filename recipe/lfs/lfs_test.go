package lfs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ftd/recipe/fault"
	"ftd/recipe/fetch"
	"ftd/recipe/internal/mirror"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var files = map[string][]byte{
	"pytorch_model-00001-of-00002.bin": bytes.Repeat([]byte("one "), 50_000),
	"pytorch_model-00002-of-00002.bin": bytes.Repeat([]byte("two "), 60_000),
	"deep/ice_text.model":              []byte("a tokenizer"),
}

func pointer(content []byte) []byte {
	return fmt.Appendf(nil, "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", mirror.Sum(content), len(content))
}

// clone is what git leaves without git-lfs.
func clone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pointer(content), 0o644))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte("{}"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pointers.md"), []byte("read about version https://git-lfs.github.com/spec/v1\n"), 0o644))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, ".git", "lfs"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".git", "lfs", "x"), pointer([]byte("x")), 0o644))
	return dir
}

func TestPointersAreFound(t *testing.T) {
	found, err := Find(clone(t))
	require.NoError(t, err)
	require.Equal(t, []Pointer{
		{"deep/ice_text.model", mirror.Sum(files["deep/ice_text.model"]), 11},
		{"pytorch_model-00001-of-00002.bin", mirror.Sum(files["pytorch_model-00001-of-00002.bin"]), 200_000},
		{"pytorch_model-00002-of-00002.bin", mirror.Sum(files["pytorch_model-00002-of-00002.bin"]), 240_000},
	}, found)
	require.EqualValues(t, 440_011, Total(found))
	_, err = Find(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func request(t *testing.T, sources ...string) Request {
	t.Helper()
	found, err := Find(clone(t))
	require.NoError(t, err)
	return Request{
		Pointers: found, Sources: sources, Dir: t.TempDir(), Parts: t.TempDir(),
		Progress: func(int64, int64, string) {}, Log: func(line string) { t.Log(line) },
		Tuning: fetch.Tuning{Tries: 3, Pause: time.Millisecond, Patience: 10 * time.Second},
	}
}

func whole(t *testing.T, dir string) {
	t.Helper()
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), name)
	}
}

func contents() (list [][]byte) {
	for _, c := range files {
		list = append(list, c)
	}
	return list
}

func TestFilesAreFetchedByTheBatchProtocol(t *testing.T) {
	m := mirror.New(t)
	m.LFS("/THUDM/chatglm-6b.git", contents(), mirror.BreakOff(1, 70_000))
	r := request(t, m.URL+"/THUDM/chatglm-6b")
	r.Header = http.Header{"Authorization": {"Bearer hidden"}}
	var last int64
	r.Progress = func(done, total int64, _ string) { last = done; require.EqualValues(t, 440_011, total) }
	require.NoError(t, Fetch(t.Context(), r))
	whole(t, r.Dir)
	require.EqualValues(t, 440_011, last)
	batches := m.Requests("/THUDM/chatglm-6b.git/info/lfs/objects/batch")
	require.Len(t, batches, 1)
	require.Equal(t, "Bearer hidden", batches[0].Header.Get("Authorization"))
	one := mirror.Sum(files["pytorch_model-00001-of-00002.bin"])
	parts := m.Requests("/THUDM/chatglm-6b.git/objects/" + one)
	require.Len(t, parts, 2)
	require.Equal(t, one[:8], parts[0].Header.Get("X-Ticket"), "what the answer says to send")
	require.Empty(t, parts[0].Header.Get("Authorization"))
	require.Equal(t, "bytes=70000-", parts[1].Range)

	require.NoError(t, Fetch(t.Context(), r))
	require.Len(t, m.Requests(""), 1+2*len(files)-1, "what is there is not asked for; the smallest file never broke off")
}

func TestSourcesAreTriedInTurn(t *testing.T) {
	m := mirror.New(t)
	m.Add("/login.git/info/lfs/objects/batch", nil, mirror.Login())
	m.Add("/closed.git/info/lfs/objects/batch", nil, mirror.Status(http.StatusUnauthorized, "application/json", "{}"))
	m.Add("/busy.git/info/lfs/objects/batch", nil, mirror.Busy(100))
	m.LFS("/other.git", [][]byte{[]byte("another file")})
	m.LFS("/bad.git", contents(), mirror.Status(http.StatusOK, "application/octet-stream", "damaged"))
	m.LFS("/good.git", contents())
	r := request(t, m.URL+"/login", m.URL+"/closed", m.URL+"/busy", m.URL+"/other", m.URL+"/bad", t.TempDir(), m.URL+"/good.git/")
	r.Header = http.Header{"Authorization": {"Bearer hidden"}}
	require.NoError(t, Fetch(t.Context(), r))
	whole(t, r.Dir)
	for _, asked := range m.Requests("/good.git/info/lfs/objects/batch") {
		require.Empty(t, asked.Header.Get("Authorization"), "a token stays with its host")
	}

	for source, code := range map[string]string{"/login": fetch.CodeLogin, "/closed": fetch.CodeRefused, "/other": fetch.CodeNotFound, "/bad": fetch.CodeChecksum, "/none": fetch.CodeNotFound} {
		var f *fault.Fault
		require.ErrorAs(t, Fetch(t.Context(), request(t, m.URL+source)), &f)
		require.Equal(t, code, f.Code, f.Message)
		require.Contains(t, f.Message, "deep/ice_text.model cannot be had")
	}
	// A directory with the files themselves is a source as well.
	require.NoError(t, Fetch(t.Context(), request(t, r.Dir)))
}

func batch(path string) string { return path + ".git/info/lfs/objects/batch" }

// Of a repository that lacks one file, the others come all the same.
func TestEachFileComesFromWhereItIs(t *testing.T) {
	m := mirror.New(t)
	all := contents()
	m.LFS("/one.git", all[:1])
	m.LFS("/others.git", all[1:])
	r := request(t, m.URL+"/one", m.URL+"/others")
	require.NoError(t, Fetch(t.Context(), r))
	whole(t, r.Dir)
}

// A repository that was renamed, or is asked for by http, sends elsewhere: what
// was asked stays a question, and a secret with its host.
func TestARepositoryThatHasMoved(t *testing.T) {
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		m, other := mirror.New(t), mirror.New(t)
		to := func(address string) mirror.Behaviour {
			return func(_ *mirror.Server, w http.ResponseWriter, r *http.Request, _ int, _ []byte) bool {
				http.Redirect(w, r, address, status)
				return true
			}
		}
		m.Add(batch("/old"), nil, to(batch("/new")))
		m.Add(batch("/new"), nil, to(other.URL+batch("/newest")))
		m.Add(batch("/circle"), nil, to(batch("/circle")))
		other.LFS("/newest.git", contents())
		r := request(t, m.URL+"/old")
		r.Header = http.Header{"Private-Token": {"hidden"}}
		require.NoError(t, Fetch(t.Context(), r), status)
		whole(t, r.Dir)
		require.Equal(t, "hidden", m.Requests(batch("/new"))[0].Header.Get("Private-Token"))
		require.Empty(t, other.Requests(batch("/newest"))[0].Header.Get("Private-Token"))
		require.ErrorContains(t, Fetch(t.Context(), request(t, m.URL+"/circle")), "redirects in a circle")
	}
}

func TestAServerThatSaysNothing(t *testing.T) {
	m := mirror.New(t)
	m.Add(batch("/silent"), []byte("{}"), mirror.Stall(0))
	m.LFS("/good.git", contents())
	r := request(t, m.URL+"/silent", m.URL+"/good")
	r.Tuning.Patience = 200 * time.Millisecond
	require.NoError(t, Fetch(t.Context(), r))
	whole(t, r.Dir)
	require.Len(t, m.Requests(batch("/silent")), tries, "not again for each file")
	r = request(t, m.URL+"/silent")
	r.Tuning.Patience = 200 * time.Millisecond
	require.ErrorContains(t, Fetch(t.Context(), r), "nothing arrived for 200ms")
}

// A server cannot make ftd read what lies on this machine.
func TestAnAnswerNamesAddressesOnly(t *testing.T) {
	local := filepath.Join(t.TempDir(), "x")
	for _, content := range files {
		require.NoError(t, os.WriteFile(local, content, 0o600))
	}
	for _, href := range []string{local, "file://" + local, "", "/objects/1"} {
		m := mirror.New(t)
		m.Add(batch("/a"), nil, func(_ *mirror.Server, w http.ResponseWriter, r *http.Request, _ int, _ []byte) bool {
			var asked struct {
				Objects []map[string]any `json:"objects"`
			}
			_ = json.NewDecoder(r.Body).Decode(&asked)
			for _, o := range asked.Objects {
				o["actions"] = map[string]any{"download": map[string]any{"href": href}}
			}
			return json.NewEncoder(w).Encode(asked) == nil
		})
		var f *fault.Fault
		require.ErrorAs(t, Fetch(t.Context(), request(t, m.URL+"/a")), &f)
		require.Contains(t, f.Message, "says nothing about", href)
	}
}

func TestAddressesThatExpireAreAskedForAgain(t *testing.T) {
	m := mirror.New(t)
	m.LFS("/a.git", contents(), func(s *mirror.Server, w http.ResponseWriter, r *http.Request, n int, content []byte) bool {
		return n == 1 && mirror.Expired()(s, w, r, n, content)
	})
	r := request(t, m.URL+"/a")
	require.NoError(t, Fetch(t.Context(), r))
	whole(t, r.Dir)
	require.Len(t, m.Requests("/a.git/info/lfs/objects/batch"), 1+len(files))
}
