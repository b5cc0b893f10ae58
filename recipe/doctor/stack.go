package doctor

import (
	"bufio"
	"context"
	_ "embed"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed stacks.yaml
var stacksFile []byte

// released are versions that belong together.
type released struct {
	Mindformers string   `yaml:"mindformers"` // a specifier, as is Mindspore
	Mindspore   string   `yaml:"mindspore"`
	Released    string   `yaml:"released"` // the MindSpore it was released for
	Mindpet     string   `yaml:"mindpet"`
	CANN        string   `yaml:"cann"`
	Driver      string   `yaml:"driver"`
	Python      []string `yaml:"python"`
}

// stacks reads the table, which is part of the binary.
var stacks = sync.OnceValue(func() []released {
	var table []released
	if err := yaml.UnmarshalWithOptions(stacksFile, &table, yaml.Strict()); err != nil {
		panic(err) // a test reads it too
	}
	return table
})

// releasedWith returns what was released together with a mindformers; nil if it
// is not known.
func releasedWith(version string) *released {
	if version == "" {
		return nil
	}
	for _, r := range stacks() {
		if allows(r.Mindformers, version) {
			return &r
		}
	}
	return nil
}

// mindspore returns the name and version of the MindSpore that is installed:
// there were packages of several names.
func (e *environment) mindspore() (name, version string) {
	for _, name := range []string{"mindspore", "mindspore-ascend", "mindspore-gpu"} {
		if v := e.version(name); v != "" {
			return name, v
		}
	}
	return "", ""
}

func stack(_ context.Context, s *Subject) []Finding {
	e, err := s.environment()
	if err != nil {
		return nil // said by the check of Python
	}
	_, mindspore := e.mindspore()
	mindformers := s.mindformers()
	switch {
	case mindspore == "":
		return []Finding{{
			Level:  Error,
			Found:  say("MindSpore is not installed in %s", "%s 中没有安装 MindSpore", e.prefix),
			Why:    say("nothing of mindformers runs without it", "没有它，mindformers 无法运行"),
			Remedy: say("name the environment that has it with --env, or install it: %s", "请用 --env 指定装有它的环境，或安装：%s", e.pip("install mindspore")),
		}}
	case s.AnyMindformers:
		return nil
	case mindformers == "" && s.Checkout != "":
		return fine("MindSpore %s with a checkout of mindformers that does not say its version", "MindSpore %s，mindformers 源码目录未标明版本", mindspore)
	case mindformers == "":
		return []Finding{{
			Level: Warning,
			Found: say("MindSpore %s, and no mindformers in %s", "MindSpore %s，但 %s 中没有 mindformers", mindspore, e.prefix),
			Why:   say("recipes need it, unless they name a checkout", "配方需要它，除非指定了源码目录"),
			Remedy: say("%s; it may have been installed into another environment",
				"%s；它可能被装进了另一个环境", e.pip("install mindformers")),
		}}
	}
	r := s.released()
	if r == nil {
		return fine("MindSpore %s with mindformers %s, of which nothing is known here", "MindSpore %s 与 mindformers %s，此处没有其配套资料", mindspore, mindformers)
	}
	var findings []Finding
	if !allows(r.Mindspore, mindspore) {
		findings = append(findings, Finding{
			Level: Error,
			Found: say("mindformers %s with MindSpore %s", "mindformers %s 与 MindSpore %s", mindformers, mindspore),
			Why: say("mindformers %[1]s was made for MindSpore %[2]s; with others it fails at import or while it compiles",
				"mindformers %[1]s 面向 MindSpore %[2]s；与其他版本搭配会在导入或编译时失败", mindformers, r.Released),
			Remedy: say("%s", "%s", e.pip("install mindspore=="+r.Released)),
		})
	}
	findings = append(findings, s.below(r)...)
	if len(findings) > 0 {
		return findings
	}
	return fine("MindSpore %s with mindformers %s", "MindSpore %s 与 mindformers %s", mindspore, mindformers)
}

// below looks at CANN and the driver, where there are any.
func (s *Subject) below(r *released) []Finding {
	var findings []Finding
	for _, part := range []struct {
		name, wants string
		files       []string
		remedy      Text
		image       bool // it may take another image
	}{
		{"CANN", r.CANN, s.cannFiles(), say("install CANN %s, or the mindformers and MindSpore that belong to the one that is there", "请安装 CANN %s，或与现有 CANN 配套的 mindformers 和 MindSpore", r.CANN), false},
		{"the driver", r.Driver, []string{"/usr/local/Ascend/driver/version.info"}, say("ask for driver %s: it is the machine's, and only its administrator or another image changes it", "请申请驱动 %s：驱动属于机器，只有管理员或更换镜像才能改变", r.Driver), true},
	} {
		has := s.versionIn(part.files)
		if has == "" || part.wants == "" || !older(has, part.wants) {
			continue
		}
		if part.image {
			first := s.saveFirst()
			part.remedy = Text{EN: part.remedy.EN + "; " + first.EN, ZH: part.remedy.ZH + "；" + first.ZH}
		}
		findings = append(findings, Finding{
			Level:  Warning,
			Found:  say("%s is %s, older than %s", "%s 为 %s，低于 %s", part.name, has, part.wants),
			Why:    say("operators that this MindSpore needs may be missing", "可能缺少该 MindSpore 所需的算子"),
			Remedy: part.remedy,
		})
	}
	return findings
}

// cannFiles are where CANN says its version.
func (s *Subject) cannFiles() []string {
	var files []string
	for _, home := range []string{s.variable("ASCEND_HOME_PATH"), s.variable("ASCEND_TOOLKIT_HOME"), "/usr/local/Ascend/ascend-toolkit/latest"} {
		if home != "" {
			files = append(files, filepath.Join(home, "version.cfg"), filepath.Join(home, "toolkit/version.info"), filepath.Join(home, "compiler/version.info"))
		}
	}
	return files
}

// versionIn reads "Version=24.1.rc3" of the first file that has it; CANN's own
// version.cfg writes "toolkit_running_version=[7.6.0.1.220:8.2.RC1]".
func (s *Subject) versionIn(files []string) string {
	for _, file := range files {
		f, err := os.Open(filepath.Join(s.Root, file))
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			key, value, ok := strings.Cut(lines.Text(), "=")
			key = strings.ToLower(strings.TrimSpace(key))
			if !ok || key != "version" && key != "toolkit_running_version" {
				continue
			}
			value = strings.Trim(strings.TrimSpace(value), "[]")
			if _, after, several := strings.Cut(value, ":"); several {
				value = after
			}
			f.Close()
			return value
		}
		f.Close()
	}
	return ""
}
