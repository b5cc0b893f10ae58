package recipe

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"ftd/launcher"
	"ftd/recipe/expression"
)

// Who does the work of a step: its parameter "by".
const (
	byFTD         = "ftd"
	byMindformers = "mindformers"

	checkoutParam = "mindformers"

	// preprocessors is where a checkout has the scripts that make data.
	preprocessors = "tools/dataset_preprocess"
)

// originalKind is a kind whose work a checkout's own files can do.
type originalKind struct {
	pythonKind
	// script is the file that does the work, below its directory mindformers; ""
	// if the step does not tell yet.
	script func(*StepContext) string
	// parts are the directories of its mindformers that the result depends on.
	parts []string
}

// originalNeeds are the packages that such files import and that an environment
// with MindSpore need not have.
var originalNeeds = map[string]func() *regexp.Regexp{
	"fastchat":     importOf("fastchat"),
	"torch":        importOf("torch"),
	"transformers": importOf("transformers"),
}

func importOf(name string) func() *regexp.Regexp {
	return expression.Lazily(`(?m)^\s*(from|import)\s+` + name + `\b`)
}

// originalParams are the parameters that an [originalKind] has for that.
func originalParams(what string) []Param {
	return []Param{
		{Name: "by", Type: Text, Default: "", OneOf: []string{"", byFTD, byMindformers}, Doc: "who makes them: ftd, or mindformers by its own " + what + "; empty is mindformers where a checkout has it and what it needs is there"},
		{Name: checkoutParam, Type: Dir, Doc: "a checkout whose " + what + " is used, in a process of its own; empty: ftd makes them"},
	}
}

// preprocessor is the script of a kind that makes data.
func preprocessor(name string) func(*StepContext) string {
	return func(*StepContext) string { return preprocessors + "/" + name }
}

// Plan says who will do the work, as far as files can tell.
func (k originalKind) Plan(ctx context.Context, s *StepContext) (Plan, error) {
	plan, err := k.pythonKind.Plan(ctx, s)
	if err != nil {
		return plan, err
	}
	_, who, err := k.maker(s)
	plan.Summary += who
	return plan, err
}

// maker says whether the checkout's file is to do the work, and in words who
// does; "" where nobody named a checkout. It is an error that the file cannot do
// it where by: mindformers demands that.
func (k originalKind) maker(s *StepContext) (original bool, who string, err error) {
	by, checkout, script := s.text("by"), s.text(checkoutParam), k.script(s)
	switch {
	case checkout == "" && by == byMindformers:
		return false, "", &Problem{
			Code:    CodeInvalid,
			Message: fmt.Sprintf("the step %s is to be done by mindformers, but an installed one has no %s", s.Step.ID, path.Base(script)),
			Remedy:  "give mindformers: the directory of a checkout, or leave by: out",
		}
	case checkout == "":
		return false, "", nil
	case by == byFTD:
		return false, ", by ftd", nil
	case script == "":
		return true, ", by the checkout's own script, if what that needs is there", nil
	}
	lacks, remedy := k.lacks(s, filepath.Join(checkout, "mindformers", script))
	switch {
	case lacks == "":
		return true, ", by the checkout's " + path.Base(script), nil
	case by == byMindformers:
		return false, "", &Problem{
			Code:    CodeInvalid,
			Message: fmt.Sprintf("the step %s is to be done by mindformers, but %s", s.Step.ID, lacks),
			Remedy:  remedy + "; or leave by: out",
		}
	}
	return false, ", by ftd: " + lacks, nil
}

// impossible says, before anything runs, that a step cannot be done as it must.
func (k originalKind) impossible(s *StepContext) error {
	_, _, err := k.maker(s)
	return err
}

// lacks says why a file of a checkout cannot be used; "" if nothing is known.
func (originalKind) lacks(s *StepContext, file string) (what, remedy string) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "there is no " + file, "take a branch that has it"
	}
	if strings.Contains(s.Settings.Env, unmadeBegin) || readsSystem(s.Settings.Env) {
		return "", "" // what is installed is not known
	}
	var missing []string
	for _, name := range sorted(originalNeeds) {
		if originalNeeds[name]().Match(text) && !hasPackage(s, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return "", ""
	}
	names := strings.Join(missing, " and ")
	return fmt.Sprintf("%s needs %s, which %s does not have", filepath.Base(file), names, s.Settings.Env), "install " + names + " there"
}

// readsSystem says whether an environment has the packages of another one, too.
func readsSystem(env string) bool {
	text, err := os.ReadFile(filepath.Join(env, "pyvenv.cfg"))
	return err == nil && strings.Contains(string(text), "include-system-site-packages = true")
}

// hasPackage looks for a package where Python would: in what is put before the
// environment, and in that.
func hasPackage(s *StepContext, name string) bool {
	places := launcher.Glob(s.Settings.Env, "lib/python*/site-packages")
	before := filepath.SplitList(environ(s.Settings.Start, "PYTHONPATH"))
	for _, dir := range append(before, places...) {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// Run uses a process of its own for a checkout, since its mindformers and the
// installed one do not fit into one interpreter.
func (k originalKind) Run(ctx context.Context, s *StepContext) (map[string]string, error) {
	if s.text(checkoutParam) != "" {
		isolated := *s
		isolated.Attempt.Isolate = true
		s = &isolated
	}
	return k.pythonKind.Run(ctx, s)
}

// Key counts of a checkout what the result depends on only, and not its history.
func (k originalKind) Key(ctx context.Context, s *StepContext) (string, error) {
	params := slices.DeleteFunc(slices.Clone(k.params), func(p Param) bool { return p.Name == checkoutParam })
	if checkout := s.text(checkoutParam); checkout != "" {
		keyed := *s
		keyed.With = maps.Clone(s.With)
		for _, part := range k.parts {
			p := Param{Name: checkoutParam + "/" + part, Type: Dir}
			dir := filepath.Join(checkout, "mindformers", part)
			if exists(checkout) && !exists(dir) {
				p.Type, dir = Text, "" // not every version has all of them
			}
			keyed.With[p.Name] = dir
			params = append(params, p)
		}
		s = &keyed
	}
	return resultKey(ctx, s, params)
}
