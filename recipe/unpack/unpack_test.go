package unpack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"
	"golang.org/x/text/encoding/simplifiedchinese"

	"ftd/recipe/fault"
)

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func tarOf(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		body := h.PAXRecords["FTD.body"]
		h.PAXRecords = nil
		h.Size = int64(len(body))
		require.NoError(t, w.WriteHeader(&h))
		_, err := w.Write([]byte(body))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func file(name, body string) tar.Header {
	return tar.Header{Name: name, Mode: 0o4755, PAXRecords: map[string]string{"FTD.body": body}}
}

func zipOf(t *testing.T, headers ...zip.FileHeader) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, h := range headers {
		body := h.Comment
		h.Comment, h.Method = "", zip.Deflate
		f, err := w.CreateHeader(&h)
		require.NoError(t, err)
		_, err = io.WriteString(f, body)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func refused(t *testing.T, archive, code string, limits Limits) *fault.Fault {
	t.Helper()
	dir := t.TempDir()
	target := filepath.Join(dir, "in", "target")
	require.NoError(t, os.Mkdir(filepath.Dir(target), 0o755))
	_, err := Unpack(t.Context(), archive, target, limits, nil)
	var f *fault.Fault
	require.ErrorAs(t, err, &f)
	require.Equal(t, code, f.Code, f.Message)
	var left []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		left = append(left, path)
		return err
	}))
	require.Equal(t, []string{dir, filepath.Dir(target)}, left, "nothing is left, inside or outside")
	return f
}

func TestEveryFormat(t *testing.T) {
	plain := tarOf(t, tar.Header{Typeflag: tar.TypeDir, Name: "a/"}, file("a/train.json", "{}"), file("./run.sh", "#!"),
		tar.Header{Typeflag: tar.TypeSymlink, Name: "a/link", Linkname: "../run.sh"}, tar.Header{Typeflag: tar.TypeLink, Name: "hard", Linkname: "a/train.json"})
	var gz, x bytes.Buffer
	g := gzip.NewWriter(&gz)
	g.Write(plain)
	require.NoError(t, g.Close())
	xw, err := xz.NewWriter(&x)
	require.NoError(t, err)
	xw.Write(plain)
	require.NoError(t, xw.Close())
	archives := map[string][]byte{formatTar: plain, formatGz: gz.Bytes(), formatXz: x.Bytes()}
	if bz, err := exec.LookPath("bzip2"); err == nil {
		cmd := exec.Command(bz, "-c")
		cmd.Stdin = bytes.NewReader(plain)
		archives[formatBz2], err = cmd.Output()
		require.NoError(t, err)
	}
	for format, archive := range archives {
		target := filepath.Join(t.TempDir(), "target")
		var done, total int64
		summary, err := Unpack(t.Context(), write(t, "misnamed.bin", archive), target, Limits{}, func(d, n int64) { done, total = d, n })
		require.NoError(t, err, format)
		require.Equal(t, Summary{Format: format, Files: 4, Bytes: 4}, summary)
		require.EqualValues(t, len(archive), total)
		require.Positive(t, done)
		for name, want := range map[string]string{"a/train.json": "{}", "run.sh": "#!", "a/link": "#!", "hard": "{}"} {
			got, err := os.ReadFile(filepath.Join(target, name))
			require.NoError(t, err, format)
			require.Equal(t, want, string(got))
		}
		info, err := os.Stat(filepath.Join(target, "run.sh"))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o755), info.Mode(), "no setuid")
	}
	target := filepath.Join(t.TempDir(), "target")
	summary, err := Unpack(t.Context(), write(t, "x.zip", zipOf(t, zip.FileHeader{Name: "a/"}, zip.FileHeader{Name: `a\b.json`, Comment: "{}"})), target, Limits{}, nil)
	require.NoError(t, err)
	require.Equal(t, Summary{Format: formatZip, Files: 1, Bytes: 2}, summary)
	require.FileExists(t, filepath.Join(target, "a", "b.json"))
}

func TestNoEntryLeavesTheTarget(t *testing.T) {
	outside := t.TempDir()
	link := func(name, to string) tar.Header {
		return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to}
	}
	for name, archive := range map[string][]byte{
		"up":                 tarOf(t, file("../evil", "x")),
		"deep up":            tarOf(t, file("a/../../evil", "x")),
		"absolute":           tarOf(t, file(outside+"/evil", "x")),
		"link out":           tarOf(t, link("a", "../..")),
		"absolute link":      tarOf(t, link("a", outside)),
		"chain of links":     tarOf(t, tar.Header{Typeflag: tar.TypeDir, Name: "d/"}, link("d/s", "."), link("d/s/t", "../.."), file("d/s/t/evil", "x")),
		"hard link out":      tarOf(t, tar.Header{Typeflag: tar.TypeLink, Name: "a", Linkname: "../../../etc/passwd"}),
		"hard link to link":  tarOf(t, link("a", "b"), tar.Header{Typeflag: tar.TypeLink, Name: "c", Linkname: "a"}),
		"device":             tarOf(t, tar.Header{Typeflag: tar.TypeChar, Name: "null"}),
		"pipe":               tarOf(t, tar.Header{Typeflag: tar.TypeFifo, Name: "pipe"}),
		"zip up":             zipOf(t, zip.FileHeader{Name: "../evil", Comment: "x"}),
		"zip backslashes up": zipOf(t, zip.FileHeader{Name: `..\evil`, Comment: "x"}),
	} {
		t.Run(name, func(t *testing.T) { refused(t, write(t, "x.tar", archive), CodeUnsafe, Limits{}) })
	}
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestAFileDoesNotGoThroughALink(t *testing.T) {
	archive := tarOf(t, file("real", "old"), tar.Header{Typeflag: tar.TypeSymlink, Name: "name", Linkname: "real"}, file("name", "new"))
	target := filepath.Join(t.TempDir(), "target")
	_, err := Unpack(t.Context(), write(t, "x.tar", archive), target, Limits{}, nil)
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(target, "real"))
	require.NoError(t, err)
	require.Equal(t, "old", string(got))
}

func TestABombIsStopped(t *testing.T) {
	zeros := strings.Repeat("\x00", 20<<20)
	var x bytes.Buffer
	w, err := xz.NewWriter(&x)
	require.NoError(t, err)
	w.Write(tarOf(t, file("zeros", zeros)))
	require.NoError(t, w.Close())
	bomb := write(t, "bomb.tar.xz", x.Bytes())
	require.Contains(t, refused(t, bomb, CodeBomb, Limits{}).Message, "grows to more than 250 times its size")
	require.Contains(t, refused(t, bomb, CodeBomb, Limits{Bytes: 1 << 20, Ratio: 1 << 40}).Message, "holds more than 1.0 MiB")

	honest := write(t, "bomb.zip", zipOf(t, zip.FileHeader{Name: "zeros", Comment: zeros}))
	require.Contains(t, refused(t, honest, CodeBomb, Limits{}).Message, "grows to more than 250")
	require.Contains(t, refused(t, honest, CodeBomb, Limits{Bytes: 1 << 20}).Message, "holds 20971520 bytes")
	many := write(t, "many.tar", tarOf(t, file("a", ""), file("b", ""), file("c", "")))
	require.Contains(t, refused(t, many, CodeBomb, Limits{Entries: 2}).Message, "more than 2 entries")
}

func TestWhatIsNoWholeArchive(t *testing.T) {
	whole := zipOf(t, zip.FileHeader{Name: "a.json", Comment: strings.Repeat("abc", 1000)})
	secret := bytes.Clone(whole)
	directory := bytes.Index(secret, []byte("PK\x01\x02"))
	secret[6] |= 1           // in the local header
	secret[directory+8] |= 1 // and in the directory
	damaged := bytes.Clone(whole)
	damaged[45] ^= 0xff
	for name, c := range map[string]struct {
		content []byte
		code    string
		says    string
	}{
		"encrypted": {secret, CodeEncrypted, `the entry "a.json" needs a password`},
		"damaged":   {damaged, CodeDamaged, "is damaged"},
		"cut":       {whole[:len(whole)-30], CodeDamaged, "is damaged"},
		"cut xz":    {[]byte("\xfd7zXZ\x00"), CodeDamaged, "is damaged"},
		"html":      {[]byte("<html>"), CodeFormat, "a page of HTML"},
		"pointer":   {[]byte("version https://git-lfs.github.com/spec/v1\n"), CodeFormat, "Git LFS pointer"},
		"rar":       {[]byte("Rar!\x1a\x07"), CodeFormat, "a RAR archive"},
		"text":      {[]byte("hello"), CodeFormat, "no archive"},
		"empty":     {nil, CodeFormat, "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, refused(t, write(t, "x", c.content), c.code, Limits{}).Message, c.says)
		})
	}
}

func TestUnpackingCanBeCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	target := filepath.Join(t.TempDir(), "target")
	_, err := Unpack(ctx, write(t, "x.tar", tarOf(t, file("a", "b"))), target, Limits{}, nil)
	require.ErrorIs(t, err, context.Canceled)
	require.NoDirExists(t, target)
}

// In GBK the second byte of a character may be that of a backslash.
func TestNamesOfChineseWindowsAreReadable(t *testing.T) {
	for _, name := range []string{"数据/训练集.json", "數據誠.json", "plain.json"} {
		raw, err := simplifiedchinese.GBK.NewEncoder().String(name)
		require.NoError(t, err)
		for _, archive := range [][]byte{zipOf(t, zip.FileHeader{Name: raw, NonUTF8: true, Comment: "{}"}), tarOf(t, file(raw, "{}"))} {
			target := filepath.Join(t.TempDir(), "target")
			_, err = Unpack(t.Context(), write(t, "x", archive), target, Limits{}, nil)
			require.NoError(t, err)
			require.FileExists(t, filepath.Join(target, filepath.FromSlash(name)))
		}
	}
}

func TestOneCompressedFileIsNoArchive(t *testing.T) {
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	io.WriteString(w, strings.Repeat("{}\n", 1000))
	require.NoError(t, w.Close())
	f := refused(t, write(t, "train.json.gz", gz.Bytes()), CodeFormat, Limits{})
	require.Contains(t, f.Error(), "gunzip")
}
