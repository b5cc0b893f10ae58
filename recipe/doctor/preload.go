package doctor

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"ftd/launcher"
)

// preload says what ftd will load first, and what of LD_PRELOAD is not there.
func preload(_ context.Context, s *Subject) []Finding {
	var findings []Finding
	for _, path := range strings.FieldsFunc(s.variable("LD_PRELOAD"), func(r rune) bool { return r == ':' || r == ' ' }) {
		if _, err := os.Stat(path); err == nil || !filepath.IsAbs(path) {
			continue
		}
		findings = append(findings, Finding{
			Level: Warning,
			Found: say("LD_PRELOAD names %s, which is not there", "LD_PRELOAD 指定的 %s 不存在", path),
			Why: say("each program complains about it; the file's name changes with the version of torch",
				"每个程序都会为此报错；该文件名随 torch 版本变化"),
			Remedy: say("ftd finds the library by itself: %[1]sunset LD_PRELOAD; and start ftd anew",
				"ftd 会自行查找该库：%[1]sunset LD_PRELOAD；然后重新启动 ftd", s.comment(`^[^#]*LD_PRELOAD=.*`+regexp.QuoteMeta(filepath.Base(path)))),
		})
	}
	found := launcher.FindPreload(s.Env)
	if len(found) == 0 {
		return findings
	}
	names := make([]string, len(found))
	for i, p := range found {
		names[i] = p.Path
	}
	return append(findings, fine("ftd loads first: %s", "ftd 会最先加载：%s", strings.Join(names, ", "))...)
}
