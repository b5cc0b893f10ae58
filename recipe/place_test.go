package recipe

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/recipe/internal/mirror"
)

// storing is a zip that is as large as what is in it.
func storing(t *testing.T, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.NoCompression) })
	f, err := w.Create("weights/model.bin")
	require.NoError(t, err)
	_, err = f.Write(bytes.Repeat([]byte("weights "), size/8))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// withPlaces is a host whose state directory is a small disk, and which has others.
func withPlaces(t *testing.T, home string, others ...string) (*memoryHost, Settings) {
	t.Helper()
	h := newHost(t)
	h.dir = home
	s := h.settings()
	s.Places = append([]string{home}, others...)
	s.Partial = partialIn(home)
	return h, s
}

const unpacking = `
vars: {keep: "yes"}
steps:
  - {id: unpack, uses: unpack, keep: "${keep}", with: {archive: "ARCHIVE"}}
  - {id: list, uses: shell, with: {run: "wc -c < ${steps.unpack.outputs.dir}/model.bin > size", outputs: [size]}}
`

func TestAResultGoesWhereItFits(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "weights.zip")
	require.NoError(t, os.WriteFile(archive, storing(t, 3<<20), 0o600))
	small, large := smallDisk(t, "2048"), smallDisk(t, "16384")
	place := filepath.Join(large, "ftd")
	h, s := withPlaces(t, small, place)
	j := job(h, parsed(t, strings.Replace(unpacking, "ARCHIVE", archive, 1)), nil)

	plans, err := Preview(t.Context(), j, h, s)
	require.NoError(t, err)
	require.Equal(t, place, plans[0].Place)
	require.Nil(t, plans[0].Problem)
	require.GreaterOrEqual(t, plans[0].Memory, int64(3<<20), "it is memory")
	require.Empty(t, plans[1].Place)

	require.NoError(t, Run(t.Context(), j, h, s))
	dir := h.steps["unpack"].Outputs["dir"]
	require.True(t, strings.HasPrefix(dir, filepath.Join(place, "results")), dir)
	require.Equal(t, "3145728", strings.TrimSpace(read(t, filepath.Join(h.steps["list"].Outputs["dir"], "size"))))
	require.True(t, strings.HasPrefix(h.steps["list"].Outputs["dir"], small))
	require.Contains(t, strings.Join(h.output, "\n"), "its result goes where it fits: "+place)

	// It is found there again; and made again where it fits when that place is lost.
	h.history = nil
	require.NoError(t, Run(t.Context(), j, h, s))
	require.Equal(t, []string{"unpack skipped", "list skipped"}, h.history)
	require.NoError(t, os.RemoveAll(place))
	require.NoError(t, Run(t.Context(), j, h, s))
	require.FileExists(t, filepath.Join(dir, "model.bin"))
}

func TestWhatFitsNowhereIsSaidBeforehand(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "weights.zip")
	require.NoError(t, os.WriteFile(archive, storing(t, 3<<20), 0o600))
	small, other := smallDisk(t, "2048"), smallDisk(t, "2048")
	h, s := withPlaces(t, small, other)
	j := job(h, parsed(t, strings.Replace(unpacking, "ARCHIVE", archive, 1)), nil)
	plans, err := Preview(t.Context(), j, h, s)
	require.NoError(t, err)
	require.Equal(t, CodeDiskFull, plans[0].Problem.Code)
	var p *Problem
	require.ErrorAs(t, Run(t.Context(), j, h, s), &p)
	require.Equal(t, CodeDiskFull, p.Code)
	require.Contains(t, p.Message, "the step unpack needs 3.0 MiB, but there is no room for it: "+small+" has ")
	require.Contains(t, p.Remedy, "setting places, such as ")
	require.Empty(t, h.attempts["list"])
	left, err := filepath.Glob(filepath.Join(small, "results", "*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// The size of a download is known only once the server is asked.
func TestADownloadThatDoesNotFitGoesElsewhere(t *testing.T) {
	m := mirror.New(t)
	m.Add("/weights.zip", storing(t, 3<<20))
	small, large := smallDisk(t, "2048"), smallDisk(t, "16384")
	h, s := withPlaces(t, small, large)
	r := parsed(t, "steps: [{id: weights, uses: fetch, with: {source: "+m.URL+"/weights.zip}}]")
	require.NoError(t, Run(t.Context(), job(h, r, nil), h, s))
	require.True(t, strings.HasPrefix(h.steps["weights"].Outputs["file"], large))
	require.Len(t, h.attempts["weights"], 1)
}

// What began in another place goes on there, although less is free there now.
func TestADownloadGoesOnInItsPlace(t *testing.T) {
	m := mirror.New(t)
	content := storing(t, 3<<20)
	m.Add("/weights.zip", content)
	small, large := smallDisk(t, "2048"), smallDisk(t, "4096")
	h, s := withPlaces(t, small, large)
	r := parsed(t, "steps: [{id: weights, uses: fetch, with: {source: "+m.URL+"/weights.zip, sha256: "+mirror.Sum(content)+", size: "+fmt.Sprint(len(content))+"}}]")
	k, step := fetchKind{}, &StepContext{With: map[string]any{"source": m.URL + "/weights.zip", "mirrors": []string{}, "name": "", "sha256": mirror.Sum(content)}}
	part := filepath.Join(partialIn(large), k.parts(step)[0])
	require.NoError(t, os.MkdirAll(filepath.Dir(part), 0o700))
	require.NoError(t, os.WriteFile(part, content[:2<<20], 0o600))
	require.NoError(t, Run(t.Context(), job(h, r, nil), h, s))
	require.True(t, strings.HasPrefix(h.steps["weights"].Outputs["file"], large))
	require.Equal(t, "bytes=2097152-", m.Requests("/weights.zip")[0].Range)
}

func TestWhetherAResultIsKeptIsYesOrNo(t *testing.T) {
	h := newHost(t)
	r := parsed(t, strings.Replace(unpacking, "ARCHIVE", "/some/a.zip", 1))
	for value, wrong := range map[string]bool{"perhaps": true, "": true, "No": false, "true": false} {
		plans, err := Preview(t.Context(), job(h, r, map[string]string{"keep": value}), h, h.settings())
		require.NoError(t, err)
		says := plans[0].Problem.Error()
		require.Equal(t, wrong, strings.Contains(says, fmt.Sprintf("the step unpack: keep must be true or false, not %q", value)), says)
	}
}

func TestWhatIsInBetweenIsRemovedAndMadeAgainOnlyWhenNeeded(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "weights.zip")
	require.NoError(t, os.WriteFile(archive, storing(t, 8<<10), 0o600))
	h := newHost(t)
	j := job(h, parsed(t, strings.Replace(unpacking, "ARCHIVE", archive, 1)), map[string]string{"keep": "false"})
	h.run(j)
	dir := h.steps["unpack"].Outputs["dir"]
	require.NoDirExists(t, dir)
	require.Contains(t, h.output, "its result was removed: all that needed it is done")

	// Nothing needs it: the result of the step that did is there.
	plans, err := Preview(t.Context(), j, h, h.settings())
	require.NoError(t, err)
	require.True(t, plans[0].Cached)
	require.True(t, plans[1].Cached)
	require.Equal(t, []string{"unpack skipped", "list skipped"}, h.run(j))

	// What needs it was damaged.
	size := filepath.Join(h.steps["list"].Outputs["dir"], "size")
	require.NoError(t, os.WriteFile(size, []byte("damaged"), 0o600))
	plans, err = Preview(t.Context(), j, h, h.settings())
	require.NoError(t, err)
	require.Equal(t, "its result was removed when all that needed it was done", plans[0].Again)
	require.Positive(t, plans[1].Freed)
	require.Equal(t, []string{"unpack running", "unpack succeeded", "list running", "list succeeded"}, h.run(j))
	require.NoDirExists(t, dir)
	require.Equal(t, "8192", strings.TrimSpace(read(t, size)))

	// Another job still needs it.
	key := h.steps["unpack"].Key
	release := h.Results().Hold(key)
	j.From = "unpack"
	h.run(j)
	require.DirExists(t, dir)
	release()
	j.From = ""
	h.run(j)
	require.NoDirExists(t, dir)
	require.Zero(t, h.holds[key])
}

// What a step hands on lies in another's result: that stays until both are done with.
func TestWhatIsHandedOnIsNotRemoved(t *testing.T) {
	h := newHost(t)
	m := mirror.New(t)
	m.Add("/a.json", []byte(rows))
	r := parsed(t, `
steps:
  - {id: data, uses: fetch, keep: false, with: {source: "`+m.URL+`/a.json"}}
  - {id: same, uses: unpack, with: {archive: "${steps.data.outputs.file}", find: "*.json"}}
  - {id: first, uses: shell, with: {run: "cp ${steps.same.outputs.file} .", outputs: [a.json]}}
  - {id: last, uses: shell, with: {run: "cp ${steps.same.outputs.file} .", outputs: [a.json]}}
`)
	h.run(job(h, r, nil))
	require.Equal(t, rows, read(t, filepath.Join(h.steps["last"].Outputs["dir"], "a.json")))
	require.NoFileExists(t, h.steps["same"].Outputs["file"])
}
