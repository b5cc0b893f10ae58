package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"ftd/recipe/expression"
	"ftd/recipe/fault"
)

// source says which mindformers a training would run: the installed package or
// a checkout, at which commit, and whether the two contradict.
func source(ctx context.Context, s *Subject) []Finding {
	if s.Checkout == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(s.Checkout, "mindformers", "__init__.py")); err != nil {
		f := Finding{
			Level:  Error,
			Found:  say("%s is not a checkout of mindformers", "%s 不是 mindformers 的源码目录", s.Checkout),
			Why:    say("its run_mindformer.py and its scripts are to be used", "需要使用其中的 run_mindformer.py 与脚本"),
			Remedy: say("name the directory that holds run_mindformer.py and the directory mindformers", "请指定含有 run_mindformer.py 和 mindformers 目录的路径"),
		}
		if !errors.Is(err, fs.ErrNotExist) {
			f.Found = say("%s cannot be read: %v", "无法读取 %s：%v", s.Checkout, fault.Reason(err))
		}
		return []Finding{f}
	}
	commit := "unknown"
	if out, err := exec.CommandContext(ctx, "git", "-C", s.Checkout, "rev-parse", "HEAD").Output(); err == nil {
		commit = strings.TrimSpace(string(out))
	}
	version := CheckoutVersion(s.Checkout)
	e, err := s.environment()
	if err != nil {
		return nil
	}
	installed := e.version("mindformers")
	if installed != "" && version != "" && !strings.HasPrefix(installed, version) {
		return []Finding{{
			Level:  Warning,
			Found:  say("the checkout %s is mindformers %s (%s), and %s is installed", "源码目录 %s 为 mindformers %s（%s），而环境中安装的是 %s", s.Checkout, version, commit, installed),
			Why:    say("which of the two is imported depends on the directory that a script is started in", "导入哪一个取决于脚本的启动目录"),
			Remedy: say("%s, or leave the checkout out", "%s，或不指定源码目录", e.pip("uninstall -y mindformers")),
		}}
	}
	return fine("checkout %s, mindformers %s, commit %s", "源码目录 %s，mindformers %s，提交 %s", s.Checkout, version, commit)
}

// setupVersion is how setup.py gives the version.
var setupVersion = expression.Lazily(`\bversion\s*=\s*['"]([^'"]+)['"]`)

// CheckoutVersion reads the version that the setup.py of a checkout of
// mindformers gives, "" if it does not say.
func CheckoutVersion(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "setup.py"))
	if err != nil {
		return ""
	}
	if m := setupVersion().FindSubmatch(text); m != nil {
		return string(m[1])
	}
	return ""
}
