package lfs

import (
	"bytes"
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
