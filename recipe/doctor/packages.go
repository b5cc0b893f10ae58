package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	pyenv "ftd/recipe/environment"
	"ftd/recipe/expression"
)

// packages looks for what is missing or of a version that another package
// does not want, among those that decide whether a fine-tune runs.
func packages(_ context.Context, s *Subject) []Finding {
	e, err := s.environment()
	if err != nil {
		return nil
	}
	var findings []Finding
	findings = append(findings, s.mindpet(e)...)
	findings = append(findings, e.unwanted()...)
	if missing := s.missing(e); len(missing) > 0 {
		words := strings.Join(missing, " ")
		wanted := e.asWanted(missing)
		findings = append(findings, Finding{
			Level:  Warning,
			Found:  say("mindformers imports what is not installed: %s", "mindformers 会导入未安装的软件包：%s", words),
			Why:    say("a step ends with ModuleNotFoundError", "步骤会以 ModuleNotFoundError 结束"),
			Remedy: say("%s", "%s", e.pip("install "+quotedAll(wanted))),
			Fix:    e.install(wanted...),
		})
	}
	if len(findings) > 0 || s.mindformers() == "" {
		return findings
	}
	return fine("what mindformers %s imports is installed", "mindformers %s 所需的软件包均已安装", s.mindformers())
}

// unwanted looks for packages of versions that others do not want.
func (e *environment) unwanted() []Finding {
	wishes := map[string][]string{} // specifiers, by package
	who := map[string][]string{}
	for _, name := range []string{"mindspore", "mindspore-ascend", "mindformers", "mindpet", "fschat", "transformers"} {
		for _, want := range e.packages[name].requires() {
			if e.has(want.name, "") && !allows(want.specifier, e.version(want.name)) {
				wishes[want.name] = append(wishes[want.name], want.specifier)
				who[want.name] = append(who[want.name], fmt.Sprintf("%s %s: %s", name, e.version(name), want.specifier))
			}
		}
	}
	var findings []Finding
	for _, name := range slices.Sorted(maps.Keys(wishes)) {
		wanted := name + together(wishes[name])
		findings = append(findings, Finding{
			Level:  Warning,
			Found:  say("%s is %s, and others want another one (%s)", "%s 为 %s，与其他软件包的要求不符（%s）", name, e.version(name), strings.Join(who[name], "; ")),
			Why:    say("it may fail when it is imported", "导入时可能失败"),
			Remedy: say("%s", "%s", e.pip("install "+Quoted(wanted))),
			Fix:    e.install(wanted),
		})
	}
	return findings
}

// together is what several specifiers of one package ask for.
func together(specifiers []string) string {
	all := strings.Split(strings.ReplaceAll(strings.Join(specifiers, ","), " ", ""), ",")
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ",")
}

// asWanted are packages, each with the versions that mindformers wants.
func (e *environment) asWanted(names []string) []string {
	wanted := slices.Clone(names)
	for _, want := range e.packages["mindformers"].requires() {
		if i := slices.IndexFunc(names, func(name string) bool { return pyenv.Name(name) == pyenv.Name(want.name) }); i >= 0 {
			wanted[i] += together([]string{want.specifier})
		}
	}
	return wanted
}

// mindpet looks for the right one: mindformers 0.6 and 0.7 import the module
// tk, which mindpet 1.0.2 renamed to mindpet.
func (s *Subject) mindpet(e *environment) []Finding {
	r := s.released()
	if r == nil || r.Mindpet == "" || e.has("mindpet", "=="+r.Mindpet) {
		return nil
	}
	found := say("mindpet is not installed", "没有安装 mindpet")
	if v := e.version("mindpet"); v != "" {
		if r.Mindpet != "1.0.1" && allows(">=1.0.2", v) {
			return nil // the module has the name that is wanted
		}
		found = say("mindpet is %s", "mindpet 为 %s", v)
	}
	return []Finding{{
		Level: Error,
		Found: found,
		Why: say("mindformers %s imports the mindpet of %s; up to 1.0.1 its module was called tk",
			"mindformers %s 需要 mindpet %s；1.0.1 及以前其模块名为 tk", s.mindformers(), r.Mindpet),
		Remedy: say("%s", "%s", e.pip("install mindpet=="+r.Mindpet)),
		Fix:    e.install("mindpet==" + r.Mindpet),
	}}
}

// missing lists what mindformers and CANN import at once or in the steps of a
// fine-tune, by their lists of requirements, and is not there.
func (s *Subject) missing(e *environment) []string {
	if s.mindformers() == "" {
		return nil
	}
	var missing []string
	names := []string{"sentencepiece", "ftfy", "regex", "tqdm", "pyyaml", "jieba", "rouge-chinese", "nltk"}
	if s.versionIn(s.cannFiles()) != "" {
		names = append(names, "decorator") // CANN's compiler of operators does
	}
	for _, name := range names {
		if e.version(name) == "" {
			missing = append(missing, name)
		}
	}
	return missing
}

// requirement is what one package wants of another.
type requirement struct{ name, specifier string }

// A line such as "numpy (<2.0.0,>=1.20.0)", "numpy<2" or "foo; extra == 'x'".
var requirementLine = expression.Lazily(`^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*\(?([^;)]*)\)?\s*(;.*)?$`)

// requires reads what a package says that it needs; what it needs under
// conditions is left out.
func (p pkg) requires() []requirement {
	var all []requirement
	for _, line := range p.metadata()["Requires-Dist"] {
		m := requirementLine().FindStringSubmatch(strings.TrimSpace(line))
		if m != nil && m[3] == "" && strings.TrimSpace(m[2]) != "" {
			all = append(all, requirement{m[1], strings.TrimSpace(m[2])})
		}
	}
	return all
}
