package recipe

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/recipe/fetch"
	"ftd/recipe/internal/mirror"
	"ftd/recipe/unpack"
)

// What servers, archives and repositories do to a person is told by its name, and
// leaves nothing behind.
func TestWhatIsWrongOutsideIsNamed(t *testing.T) {
	h, m := newHost(t), mirror.New(t)
	m.Add("/wrong", []byte("content"))
	m.Add("/lfs404.git/info/lfs/objects/batch", nil, mirror.Status(http.StatusNotFound, "application/json", `{"message": "Repository not found"}`))
	m.Add("/lfs422.git/info/lfs/objects/batch", nil, mirror.Status(http.StatusUnprocessableEntity, "application/json", `{"message": "too many objects"}`))
	m.LFS("/lacks.git", [][]byte{[]byte("another")})
	repository, commit := published(t, map[string]string{"a": "b"})
	kept(t, h.dir, map[string]string{
		"model/x.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:" + mirror.Sum([]byte("large")) + "\nsize 5\n",
		"cut.tar.xz":  string(tarXz(t, map[string]string{"a": strings.Repeat("abc", 10_000)})[:120]),
		"up.zip":      string(zipped(t, map[string]string{"../evil": "x"})),
	})
	dirty := filepath.Join(h.dir, "dirty")
	clonedFrom(t, repository, commit, dirty)
	kept(t, dirty, map[string]string{"a": "changed"})
	unknown := strings.Repeat("0", 39) + "1"
	for _, c := range []struct {
		step, code string
		says       []string
	}{
		{`uses: fetch, with: {source: "` + m.URL + `/wrong", sha256: "` + mirror.Sum([]byte("x")) + `"}`, fetch.CodeChecksum, []string{"has the SHA-256"}},
		{`uses: lfs, with: {dir: model, source: "` + m.URL + `/lfs404"}`, fetch.CodeNotFound, []string{"404 Not Found: Repository not found"}},
		{`uses: lfs, with: {dir: model, source: "` + m.URL + `/lfs422"}`, fetch.CodeNotFound, []string{"422", "too many objects"}},
		{`uses: lfs, with: {dir: model, source: "` + m.URL + `/lacks"}`, fetch.CodeNotFound, []string{"x.bin", "does not give out the file"}},
		{`uses: unpack, with: {archive: cut.tar.xz}`, unpack.CodeDamaged, []string{"cut.tar.xz is damaged"}},
		{`uses: unpack, with: {archive: up.zip}`, unpack.CodeUnsafe, []string{"would be written outside"}},
		{`uses: checkout, with: {source: "` + repository + `", commit: "` + unknown + `"}`, CodeStep, []string{unknown, "check the address and the commit"}},
		{`uses: checkout, with: {source: dirty, commit: "` + unknown + `"}`, CodeData, []string{"is at " + commit + " instead of " + unknown}},
	} {
		p := h.fails(job(h, parsed(t, `steps: [{id: s, `+c.step+`}]`), nil))
		require.Equal(t, c.code, p.Code, p.Error())
		for _, says := range c.says {
			require.Contains(t, p.Error(), says)
		}
		left, err := filepath.Glob(filepath.Join(h.dir, "results", "*"))
		require.NoError(t, err)
		require.Empty(t, left, c.step)
	}
	require.NoFileExists(t, filepath.Join(h.dir, "evil"))
	h.run(job(h, parsed(t, `steps: [{id: s, uses: checkout, with: {source: dirty, commit: "`+commit+`"}}]`), nil))
	require.Equal(t, checkoutDirty, h.steps["s"].Outputs["state"])
	require.Equal(t, "changed", read(t, filepath.Join(dirty, "a")))
}

// A command that leaves processes behind does not keep them.
func TestACommandLeavesNoProcessBehind(t *testing.T) {
	h := newHost(t)
	h.run(job(h, parsed(t, `steps: [{id: s, uses: shell, with: {run: "setsid sleep 1000 & echo $! > pid", outputs: [pid]}}]`), nil))
	pid := strings.TrimSpace(read(t, filepath.Join(h.steps["s"].Outputs["dir"], "pid")))
	eventually(t, "its end", func() bool {
		_, err := os.Stat(filepath.Join("/proc", pid))
		return os.IsNotExist(err)
	})
}
