package recipe

import (
	"context"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"ftd/launcher"
	"ftd/recipe/doctor"
)

// mindformers is the one that a step works with: a checkout's, or else the
// installed one.
type mindformers struct {
	dir     string // the package; "" if there is none
	version string // such as "0.8.0"; "" if it is not known
}

// findMindformers looks at files only, and starts no Python.
func findMindformers(s *StepContext) mindformers {
	if checkout := s.text(checkoutParam); checkout != "" {
		return mindformers{dir: filepath.Join(checkout, "mindformers"), version: doctor.CheckoutVersion(checkout)}
	}
	info := launcher.Glob(s.Settings.Env, "lib/python*/site-packages/mindformers-*.dist-info")
	if len(info) == 0 {
		return mindformers{}
	}
	version := strings.TrimPrefix(strings.TrimSuffix(filepath.Base(info[0]), ".dist-info"), "mindformers-")
	return mindformers{dir: filepath.Join(filepath.Dir(info[0]), "mindformers"), version: version}
}

// layout is the name of the folder in builtin/configs whose files this version
// reads. 1.0 renamed what a config holds; unknown versions count as new.
func (m mindformers) layout() string {
	if strings.HasPrefix(m.version, "0.") {
		return "0.8"
	}
	return "1.6"
}

// chatglm is the family of ChatGLM that this version trains in ftd's recipes:
// ChatGLM-6B, as in the guide, or ChatGLM2-6B, since later ones know no other.
func (m mindformers) chatglm() string {
	if m.layout() == "0.8" {
		return "glm"
	}
	return "glm2"
}

// laidOut returns the name of the file that "builtin:configs/NAME" stands for:
// there is one for each layout. Other names are returned as they are.
func (m mindformers) laidOut(name string) string {
	inside, ok := strings.CutPrefix(name, builtinPrefix+"configs/")
	if !ok || strings.Contains(inside, "/") {
		return name
	}
	return builtinPrefix + path.Join("configs", m.layout(), inside)
}

// configNames lists the configs that come with ftd, whatever their layout.
func configNames() []string {
	var names []string
	for _, layout := range []string{"0.8", "1.6"} {
		files, err := builtins.ReadDir(path.Join("builtin/configs", layout))
		if err != nil {
			panic(err) // the directory is part of the binary
		}
		for _, f := range files {
			names = append(names, path.Join("configs", f.Name()))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// familyChatGLM is the family that [mindformers.chatglm] tells.
const familyChatGLM = "chatglm"

// familyKind is a kind with the parameter "family", which may be chatglm: what
// that is depends on the mindformers that will train it.
type familyKind struct{ pythonKind }

// Key implements [Kind].
func (k familyKind) Key(ctx context.Context, s *StepContext) (string, error) {
	return k.pythonKind.Key(ctx, k.decided(s))
}

// Run implements [Kind].
func (k familyKind) Run(ctx context.Context, s *StepContext) (map[string]string, error) {
	return k.pythonKind.Run(ctx, k.decided(s))
}

// decided is the step with the family that is meant, and without the checkout
// that decided it.
func (familyKind) decided(s *StepContext) *StepContext {
	decided := ofFamily(s)
	delete(decided.With, checkoutParam)
	return decided
}

// ofFamily is the step with the family that is meant.
func ofFamily(s *StepContext) *StepContext {
	decided := *s
	decided.With = maps.Clone(s.With)
	if s.text("family") == familyChatGLM {
		decided.With["family"] = findMindformers(s).chatglm()
	}
	return &decided
}

// familyParams are the parameters that a [familyKind] has for that.
func familyParams(standard string, families ...string) []Param {
	return []Param{
		{Name: "family", Type: Text, Default: standard, OneOf: append(families, familyChatGLM), Doc: "the model: " + strings.Join(families, ", ") + "; chatglm is glm (ChatGLM-6B) for mindformers 0.x, glm2 for others"},
		{Name: checkoutParam, Type: Dir, Doc: "a checkout whose version decides about chatglm; by default the installed one does"},
	}
}
