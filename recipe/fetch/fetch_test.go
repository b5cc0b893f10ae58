package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ftd/recipe/fault"
	"ftd/recipe/internal/mirror"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// content is so many bytes that look like a file.
func content(size int) []byte {
	data := make([]byte, size)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(data)
	copy(data, "PK\x03\x04")
	return data
}

// request is one that does not wait long.
func request(t *testing.T, sources ...string) Request {
	dir := t.TempDir()
	return Request{
		Sources: sources, Target: filepath.Join(dir, "data.zip"), Part: filepath.Join(dir, "part"),
		Log:    func(line string) { t.Log(line) },
		Tuning: Tuning{Tries: 3, Pause: time.Millisecond, Patience: 10 * time.Second},
	}
}

func fetched(t *testing.T, r Request, want []byte) Result {
	t.Helper()
	result, err := Get(t.Context(), r)
	require.NoError(t, err)
	got, err := os.ReadFile(r.Target)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got), "%d bytes, want %d", len(got), len(want))
	require.NoFileExists(t, r.Part)
	require.NoFileExists(t, r.Part+stateSuffix)
	require.NoFileExists(t, r.Part+".lock")
	require.Equal(t, mirror.Sum(want), result.SHA256)
	return result
}

// refused fetches what cannot be had: nothing is written.
func refused(t *testing.T, r Request, code string) *fault.Fault {
	t.Helper()
	_, err := Get(t.Context(), r)
	var f *fault.Fault
	require.ErrorAs(t, err, &f)
	require.Equal(t, code, f.Code, f.Message)
	require.NotEmpty(t, f.Remedy)
	require.NoFileExists(t, r.Target)
	return f
}

func TestAFileIsFetched(t *testing.T) {
	m, want := mirror.New(t), content(1<<20)
	m.Add("/data.zip", want)
	r := request(t, m.URL+"/data.zip")
	var most int64
	r.Progress = func(done, total int64) { most = done; require.Contains(t, []int64{0, 1 << 20}, total) }
	r.SHA256, r.Size = mirror.Sum(want), 1<<20
	fetched(t, r, want)
	require.EqualValues(t, 1<<20, most)
}

func TestAConnectionThatBreaksIsGoneOnWith(t *testing.T) {
	m, want := mirror.New(t), content(1<<20)
	m.Add("/data.zip", want, mirror.BreakOff(4, 200_000)) // more often than it is tried without a gain
	fetched(t, request(t, m.URL+"/data.zip"), want)
	all := m.Requests("/data.zip")
	require.Len(t, all, 5)
	require.Empty(t, all[0].Range)
	for i, r := range all[1:] {
		require.Equal(t, fmt.Sprintf("bytes=%d-", (i+1)*200_000), r.Range)
		require.NotEmpty(t, r.IfRange)
	}
}

func TestAPartIsTakenUpByTheNextProgram(t *testing.T) {
	m, want := mirror.New(t), content(500_000)
	m.Add("/data.zip", want, mirror.Stall(300_000))
	r := request(t, m.URL+"/data.zip?token=secret")
	ctx, cancel := context.WithCancel(t.Context())
	r.Progress = func(done, _ int64) {
		if done == 300_000 {
			cancel()
		}
	}
	_, err := Get(ctx, r)
	require.ErrorIs(t, err, context.Canceled)
	require.EqualValues(t, 300_000, partSize(r.Part))
	state, err := os.ReadFile(r.Part + stateSuffix)
	require.NoError(t, err)
	require.NotContains(t, string(state), "secret")

	// The stalled answer had no validator, so nothing proves that the rest is of the same file.
	m.Add("/data.zip", want)
	r.Progress = nil
	require.Zero(t, fetched(t, r, want).Resumed)

	// With one, or with a checksum, it is gone on with.
	os.Remove(r.Target)
	require.NoError(t, os.WriteFile(r.Part, want[:300_000], 0o600))
	require.NoError(t, os.WriteFile(r.Part+stateSuffix, []byte(`{"source": "`+m.URL+`/data.zip", "validator": "\"`+mirror.Sum(want)[:16]+`\""}`), 0o600))
	require.EqualValues(t, 300_000, fetched(t, r, want).Resumed)
	os.Remove(r.Target)
	require.NoError(t, os.WriteFile(r.Part, want[:300_000], 0o600))
	r.SHA256 = mirror.Sum(want)
	require.EqualValues(t, 300_000, fetched(t, r, want).Resumed)

	// All of it may be there but for the name.
	os.Remove(r.Target)
	require.NoError(t, os.WriteFile(r.Part, want, 0o600))
	require.EqualValues(t, 500_000, fetched(t, r, want).Resumed)
}

func TestTwoVersionsAreNeverPutTogether(t *testing.T) {
	m, old, want := mirror.New(t), content(300_000), bytes.Repeat([]byte("new "), 100_000)
	m.Add("/data.zip", want)
	r := request(t, m.URL+"/data.zip")
	leave := func() {
		require.NoError(t, os.WriteFile(r.Part, old[:200_000], 0o600))
		require.NoError(t, os.WriteFile(r.Part+stateSuffix, []byte(`{"source": "`+m.URL+`/data.zip", "validator": "\"`+mirror.Sum(old)[:16]+`\""}`), 0o600))
	}
	leave()
	fetched(t, r, want) // the server sends all of it, as If-Range asks
	os.Remove(r.Target)

	leave() // the checksum finds it out
	require.NoError(t, os.WriteFile(r.Part+stateSuffix, []byte(`{"source": "elsewhere"}`), 0o600))
	r.SHA256 = mirror.Sum(want)
	require.Zero(t, fetched(t, r, want).Resumed)
	os.Remove(r.Target)

	leave() // a part that is longer than the file
	require.NoError(t, os.WriteFile(r.Part, make([]byte, 1<<20), 0o600))
	require.Zero(t, fetched(t, r, want).Resumed)
	os.Remove(r.Target)

	m.Add("/data.zip", want, mirror.Whole()) // a server that knows no ranges
	leave()
	require.Zero(t, fetched(t, r, want).Resumed)
}

func TestSourcesAreTriedInOrder(t *testing.T) {
	broken, slow, good := mirror.New(t), mirror.New(t), mirror.New(t)
	want := content(300_000)
	broken.Add("/data.zip", want, mirror.Busy(100))
	slow.Add("/data.zip", want, mirror.Stall(1000))
	good.Add("/data.zip", want, mirror.Busy(2))
	r := request(t, "", "/no/such/file", broken.URL+"/data.zip", slow.URL+"/data.zip", good.URL+"/data.zip")
	r.Tuning.Patience = 200 * time.Millisecond
	result := fetched(t, r, want)
	require.Equal(t, good.URL+"/data.zip", result.Source)
	require.Len(t, broken.Requests(""), 3)
	require.GreaterOrEqual(t, len(good.Requests("")), 3, "busy twice; on a busy machine it may seem slow as well")
}

func TestALocalFileIsASourceToo(t *testing.T) {
	want := content(1000)
	path := filepath.Join(t.TempDir(), "mine.zip")
	require.NoError(t, os.WriteFile(path, want, 0o600))
	fetched(t, request(t, path), want)
	require.Contains(t, refused(t, request(t, path+"x"), CodeNotFound).Message, "no such file")
	r := request(t, path)
	r.SHA256 = strings.Repeat("0", 64)
	refused(t, r, CodeChecksum)
	refused(t, request(t, ""), CodeUnreachable)
}

func TestWhatIsNotTheFileIsNotTaken(t *testing.T) {
	m := mirror.New(t)
	for path, b := range map[string]mirror.Behaviour{
		"/login":    mirror.Login(),
		"/page":     mirror.Status(http.StatusOK, "application/octet-stream", "\n <!doctype HTML><html><body>log in"),
		"/expired":  mirror.Expired(),
		"/ok-error": mirror.Status(http.StatusOK, "application/xml", `<?xml version="1.0"?><Error><Code>ExpiredToken</Code><Message>x</Message></Error>`),
		"/oss":      mirror.Status(http.StatusForbidden, "application/xml", `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired.</Message></Error>`),
		"/cut":      mirror.Status(http.StatusForbidden, "application/xml", `<Error><Code>SignatureDoesNotMatch</Code><Message>m</Message></Error>`),
		"/skewed":   mirror.Status(http.StatusForbidden, "application/xml", `<Error><Code>RequestTimeTooSkewed</Code></Error>`),
		"/key":      mirror.Status(http.StatusNotFound, "application/xml", `<Error><Code>NoSuchKey</Code></Error>`),
		"/denied":   mirror.Status(http.StatusUnauthorized, "text/plain", "no"),
		"/empty":    mirror.Status(http.StatusOK, "application/zip", ""),
		"/teapot":   mirror.Status(http.StatusTeapot, "text/plain", "no"),
	} {
		m.Add(path, nil, b)
	}
	for path, c := range map[string]struct{ code, says string }{
		"/login":    {CodeLogin, "is a web page and not the file data.zip"},
		"/page":     {CodeLogin, "is a web page"},
		"/expired":  {CodeExpired, "was valid until 2023-08-02 08:00:00 UTC, and has expired"},
		"/ok-error": {CodeExpired, "is no longer valid"},
		"/oss":      {CodeExpired, "is no longer valid"},
		"/cut":      {CodeRefused, "the link is not complete"},
		"/skewed":   {CodeRefused, "clock"},
		"/key":      {CodeNotFound, "NoSuchKey"},
		"/denied":   {CodeRefused, "401"},
		"/none":     {CodeNotFound, "404"},
		"/empty":    {CodeLogin, "is empty"},
		"/teapot":   {CodeUnreachable, "418"},
	} {
		r := request(t, m.URL+path+"?Signature=hidden")
		f := refused(t, r, c.code)
		require.Contains(t, f.Message, c.says)
		require.NotContains(t, f.Error(), "hidden")
		require.NoFileExists(t, r.Part, path)
		require.Len(t, m.Requests(path), 1, "asking again does not help")
	}
	m.Add("/data.html", nil, mirror.Login())
	r := request(t, m.URL+"/data.html")
	r.HTML = true
	_, err := Get(t.Context(), r)
	require.NoError(t, err)
}

func TestAnExpiredSignatureIsNotAskedWith(t *testing.T) {
	m := mirror.New(t)
	m.Add("/data.zip", content(10))
	r := request(t, m.URL+"/data.zip?X-Amz-Date=20230801T080000Z&X-Amz-Expires=86400&X-Amz-Signature=hidden")
	f := refused(t, r, CodeExpired)
	require.Contains(t, f.Message, "2023-08-02 08:00:00 UTC")
	require.NotContains(t, f.Error(), "hidden")
	require.Empty(t, m.Requests(""))
}

// Some servers compress whatever they are asked for; of some the file is a gzip,
// which they tell with the same words.
func TestAServerThatCompressesAllTheSame(t *testing.T) {
	m, want := mirror.New(t), bytes.Repeat([]byte("{}\n"), 100_000)
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	zip.Write(want)
	require.NoError(t, zip.Close())
	behave := func(_ *mirror.Server, w http.ResponseWriter, _ *http.Request, n int, _ []byte) bool {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("ETag", `"x"`)
		if n == 1 { // the first time it breaks off
			w.Header().Set("Content-Length", strconv.Itoa(packed.Len()))
			w.Write(packed.Bytes()[:packed.Len()/2])
			panic(http.ErrAbortHandler)
		}
		w.Write(packed.Bytes())
		return true
	}
	for _, name := range []string{"/data.json", "/data.json.gz"} {
		m.Add(name, nil, behave)
	}
	r := request(t, m.URL+"/data.json")
	r.Size, r.SHA256 = int64(len(want)), mirror.Sum(want)
	fetched(t, r, want)
	r = request(t, m.URL+"/data.json.gz")
	r.Target += ".gz"
	fetched(t, r, packed.Bytes())
}

func TestExpiry(t *testing.T) {
	for query, want := range map[string]string{
		"X-Amz-Date=20230801T080000Z&X-Amz-Expires=60&X-Amz-Signature=x": "2023-08-01T08:01:00Z",
		"x-oss-date=20230801T080000Z&x-oss-expires=60":                   "2023-08-01T08:01:00Z",
		"X-Obs-Date=20230801T080000Z&X-Obs-Expires=60":                   "2023-08-01T08:01:00Z",
		"X-Goog-Date=20230801T080000Z&X-Goog-Expires=60":                 "2023-08-01T08:01:00Z",
		"AccessKeyId=a&Expires=1690876800&Signature=x":                   "2023-08-01T08:00:00Z",
		"OSSAccessKeyId=a&Expires=1690876800&Signature=x":                "2023-08-01T08:00:00Z",
		"AWSAccessKeyId=a&Signature=x&Expires=1690876800":                "2023-08-01T08:00:00Z",
		"q-sign-algorithm=sha1&q-sign-time=1690870000;1690876800":        "2023-08-01T08:00:00Z",
		"q-sign-algorithm=sha1&q-sign-time=1690870000%3B1690876800":      "2023-08-01T08:00:00Z",
		"sv=2022&se=2023-08-01T08:00:00Z&sig=x":                          "2023-08-01T08:00:00Z",
		"e=1690876800&token=x":                                           "2023-08-01T08:00:00Z",
		"Expires=1690876800":                                             "",
		"expires=never&signature=x":                                      "",
		"":                                                               "",
	} {
		at, ok := Expiry("https://x.example/data.zip?" + query)
		require.Equal(t, want != "", ok, query)
		if ok {
			require.Equal(t, want, at.UTC().Format(time.RFC3339), query)
		}
	}
}

func TestSizeIsKnownBeforeAnythingIsWritten(t *testing.T) {
	m := mirror.New(t)
	m.Add("/data.zip", content(1000))
	r := request(t, m.URL+"/data.zip")
	r.Size = 1001
	require.Contains(t, refused(t, r, CodeChecksum).Message, "holds 1000 bytes instead of 1001")
	require.NoFileExists(t, r.Part)

	m.Add("/huge", nil, func(_ *mirror.Server, w http.ResponseWriter, _ *http.Request, _ int, _ []byte) bool {
		w.Header().Set("Content-Length", "4000000000000000000")
		w.Write([]byte("PK\x03\x04"))
		return true
	})
	r = request(t, m.URL+"/huge")
	require.Contains(t, refused(t, r, CodeDiskFull).Message, "are needed")
	require.NoFileExists(t, r.Part)
}

func TestASecretStaysWithItsHost(t *testing.T) {
	first, second := mirror.New(t), mirror.New(t)
	second.Add("/data.zip", content(10))
	first.Add("/data.zip", nil, func(_ *mirror.Server, w http.ResponseWriter, r *http.Request, n int, _ []byte) bool {
		if n == 1 {
			http.Redirect(w, r, second.URL+"/data.zip", http.StatusFound)
			return true
		}
		http.NotFound(w, r)
		return true
	})
	r := request(t, first.URL+"/data.zip", second.URL+"/data.zip")
	r.Header = http.Header{"Private-Token": {"hidden"}}
	fetched(t, r, content(10))
	os.Remove(r.Target)
	fetched(t, r, content(10)) // by the second source
	require.Len(t, first.Requests(""), 2)
	for _, r := range first.Requests("") {
		require.Equal(t, "hidden", r.Header.Get("Private-Token"))
	}
	require.Len(t, second.Requests(""), 2)
	for _, r := range second.Requests("") {
		require.Empty(t, r.Header.Get("Private-Token"))
	}
}

func TestTwoFetchesDoNotWriteOnePart(t *testing.T) {
	m, want := mirror.New(t), content(300_000)
	m.Add("/data.zip", want)
	r := request(t, m.URL+"/data.zip")
	var both sync.WaitGroup
	for i := range 2 {
		both.Go(func() {
			r := r
			r.Target += fmt.Sprint(i)
			_, err := Get(t.Context(), r)
			require.NoError(t, err)
		})
	}
	both.Wait()
	for i := range 2 {
		require.NoFileExists(t, r.Part+".lock")
		got, err := Sum(r.Target + fmt.Sprint(i))
		require.NoError(t, err)
		require.Equal(t, mirror.Sum(want), got)
	}
}

func TestShown(t *testing.T) {
	require.Equal(t, "https://x.example/a%20b.zip", Shown("https://me:pw@x.example/a%20b.zip?Signature=s#f"))
	require.Equal(t, "/data/a?b.zip", Shown("/data/a?b.zip"))
	require.Equal(t, "https://x.example/get?file=1", Identity("https://me:pw@x.example/get?file=1#f"))
	require.Equal(t, "https://x.example/data.zip", Identity("https://x.example/data.zip?AccessKeyId=a&Expires=1690876800&Signature=x"))
	require.Equal(t, "a b.zip", Name("https://x.example/d/a%20b.zip?x=/y"))
	require.Equal(t, "b.zip", Name("/data/b.zip"))
}
