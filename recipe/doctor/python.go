package doctor

import (
	"bufio"
	"context"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// python looks at the environment itself: is it one, and is each package that
// matters made for its Python.
func python(_ context.Context, s *Subject) []Finding {
	e, err := s.environment()
	if err != nil {
		return []Finding{{
			Level:  Error,
			Found:  say("there is no Python environment: %v", "没有 Python 环境：%v", err),
			Why:    say("nothing can run without one", "没有环境就无法运行任何步骤"),
			Remedy: say("name the prefix of the MindSpore environment with --env", "请用 --env 指定 MindSpore 环境的路径"),
		}}
	}
	findings := s.damaged(e)
	for _, name := range []string{"mindspore", "mindspore-ascend", "mindformers", "mindpet", "fschat", "transformers", "tokenizers", "numpy"} {
		wants := e.packages[name].metadata().Get("Requires-Python")
		if e.version(name) == "" || allows(wants, e.minor+".99") {
			continue
		}
		findings = append(findings, Finding{
			Level: Error,
			Found: say("%s %s is made for Python %s, and the environment has %s", "%s %s 需要 Python %s，而环境是 %s", name, e.version(name), wants, e.minor),
			Why:   say("it fails when it is imported, or later in a way that does not say so", "导入时会失败，或在之后以难以辨认的方式失败"),
			Remedy: say("install a version for Python %s, or use an environment with another Python for the step that needs it",
				"请安装支持 Python %s 的版本，或为需要它的步骤使用另一个 Python 版本的环境", e.minor),
		})
	}
	if released := s.released(); released != nil && !slices.Contains(released.Python, e.minor) {
		findings = append(findings, Finding{
			Level:  Warning,
			Found:  say("mindformers %s was not released for Python %s", "mindformers %s 并未针对 Python %s 发布", s.mindformers(), e.minor),
			Why:    say("nobody has tried the two together", "二者的组合未经验证"),
			Remedy: say("use an environment with Python %s", "请使用 Python %s 的环境", released.Python[len(released.Python)-1]),
		})
	}
	if len(findings) > 0 {
		return findings
	}
	return fine("Python %s in %s, %d packages", "Python %s，位于 %s，共 %d 个软件包", e.minor, e.prefix, len(e.packages))
}

// damaged looks for what is left of an environment after an installation that
// was interrupted, or a Python that was removed.
func (s *Subject) damaged(e *environment) []Finding {
	program := filepath.Join(e.prefix, "bin", "python")
	if _, err := os.Stat(program); err != nil {
		if _, here := os.Lstat(program); here == nil {
			return []Finding{{
				Level:  Error,
				Found:  say("%s leads to a Python that is not there any more", "%s 指向的 Python 已不存在", program),
				Why:    say("nothing can run in the environment", "该环境中无法运行任何程序"),
				Remedy: s.reset("make the environment anew, as a step with uses: env does; if it came with the machine", "请重新创建该环境（uses: env 的步骤即可）；若它是机器自带的"),
			}}
		}
	}
	var left []string
	for _, dir := range e.leftovers {
		left = append(left, filepath.Base(dir))
	}
	if len(left) == 0 {
		return nil
	}
	return []Finding{{
		Level:  Warning,
		Found:  say("an installation was interrupted and has left %s", "安装曾被中断，留下了 %s", strings.Join(left, ", ")),
		Why:    say("the package of that name may be there in part only, and pip warns of an invalid distribution", "对应的软件包可能不完整，pip 会警告 invalid distribution"),
		Remedy: say("rm -r %s, and install the package again", "请执行 rm -r %s，然后重新安装该软件包", strings.Join(e.leftovers, " ")),
	}}
}

// metadata returns the header of a package's own description.
func (p pkg) metadata() textproto.MIMEHeader {
	for _, path := range []string{filepath.Join(p.dir, "METADATA"), filepath.Join(p.dir, "PKG-INFO"), p.dir} {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		header, _ := textproto.NewReader(bufio.NewReader(f)).ReadMIMEHeader() // as far as it goes
		f.Close()
		if len(header) > 0 {
			return header
		}
	}
	return textproto.MIMEHeader{}
}
