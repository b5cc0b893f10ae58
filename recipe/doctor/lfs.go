package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"ftd/recipe/expression"
	"ftd/recipe/fetch"
	"ftd/recipe/lfs"
)

// lfsPointer returns how many bytes the file has that a pointer stands for, ""
// if the file is none.
func lfsPointer(path string) string {
	if p, ok := lfs.Read(path); ok {
		return strconv.FormatInt(p.Size, 10)
	}
	return ""
}

func lfsFinding(path, size string) Finding {
	return lfsRemedy(Finding{
		Found: say("%s is a pointer of git-lfs, not the file of %s bytes itself", "%s 是 git-lfs 指针，而不是 %s 字节的文件本身", path, size),
	}, filepath.Dir(path), filepath.Base(path))
}

// lfsRemedy adds what pointers in a directory lead to, and how their files are
// fetched: those whose names match a pattern.
func lfsRemedy(f Finding, dir, only string) Finding {
	source, hint := remoteOf(dir), Text{}
	if source == "" {
		source, hint = "REPOSITORY", say(" (REPOSITORY is the address that they were cloned from)", "（REPOSITORY 为克隆时的地址）")
	}
	recipe := fmt.Sprintf(`{apiVersion: ftd/v1, name: lfs, steps: [{id: lfs, uses: lfs, with: {dir: %q, only: %q, source: %q}}]}`, dir, only, source)
	f.Level = Error
	f.Why = say("a clone without git-lfs leaves pointers of about 130 bytes; they cannot be loaded", "没有 git-lfs 的克隆只会留下约 130 字节的指针，无法加载")
	f.Remedy = Text{
		EN: fmt.Sprintf("without git-lfs, and then name the directory that ftctl show -o json says: echo %s | ftctl run -%s; with git-lfs: git -C %s lfs pull", Quoted(recipe), hint.EN, Quoted(dir)),
		ZH: fmt.Sprintf("无需 git-lfs，完成后使用 ftctl show -o json 给出的目录：echo %s | ftctl run -%s；若有 git-lfs：git -C %s lfs pull", Quoted(recipe), hint.ZH, Quoted(dir)),
	}
	return f
}

// remoteURL is where a clone came from, in its .git/config.
var remoteURL = expression.Lazily(`(?m)^\s*url\s*=\s*(https?://\S+)\s*$`)

// remoteOf is the address that a directory was cloned from, without its login;
// "" if it does not say.
func remoteOf(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, ".git", "config"))
	if m := remoteURL().FindSubmatch(text); err == nil && m != nil {
		return fetch.Shown(string(m[1]))
	}
	return ""
}

// pointers looks for pointers among the files that the config names and those
// beside them.
func pointers(_ context.Context, s *Subject) []Finding {
	c, err := s.config()
	if err != nil || c == nil {
		return nil
	}
	var findings []Finding
	count := 0
	seen := map[string]bool{}
	for _, place := range []string{"load_checkpoint", "processor.tokenizer.vocab_file", "train_dataset.tokenizer.vocab_file"} {
		path := c.file(place)
		info, err := os.Stat(path)
		if path == "" || err != nil {
			continue
		}
		dir := path
		if !info.IsDir() {
			dir = filepath.Dir(path)
		}
		if seen[dir] {
			continue
		}
		seen[dir] = true
		var names []string
		var bytes uint64
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		for _, e := range entries {
			if info, err := e.Info(); err != nil || !info.Mode().IsRegular() || info.Size() > 1024 {
				continue
			}
			count++
			if p, ok := lfs.Read(filepath.Join(dir, e.Name())); ok {
				names = append(names, e.Name())
				bytes += uint64(p.Size)
			}
		}
		switch {
		case len(names) == 1:
			findings = append(findings, lfsFinding(filepath.Join(dir, names[0]), strconv.FormatUint(bytes, 10)))
		case len(names) > 1:
			shown := strings.Join(names[:min(len(names), mostNamed)], ", ")
			findings = append(findings, lfsRemedy(Finding{
				Found: say("%d files in %s are pointers of git-lfs, for %s: %s", "%[2]s 中有 %[1]d 个文件是 git-lfs 指针，实际共 %[3]s：%[4]s", len(names), dir, humanize.Bytes(bytes), shown),
			}, dir, "*"))
		}
	}
	if len(findings) > 0 || count == 0 {
		return findings
	}
	return fine("no pointers among the model's files", "模型文件中没有指针文件")
}
