package recipe

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"ftd/recipe/doctor"
	"ftd/recipe/fetch"
	"ftd/recipe/yamledit"
)

// Examined is what the doctor is to look at for one training of a job.
type Examined struct {
	Step    Step // the training
	Subject *doctor.Subject
	// Changes says that a step before it may change the environment.
	Changes bool
	// Skip are the checks that are left out, by their ids or [AllChecks].
	Skip []string
	// wanted is false for a command, which says nothing of its config, and where
	// the recipe says doctor: off.
	wanted bool
}

// Subjects says what each training of a job will run with, as far as that can
// be told without running anything: the environments, the user's own files, the
// config with its edits. Nothing is read but configs. A value that a step has
// yet to make is [doctor.Unknown].
func Subjects(job Job, settings Settings) ([]Examined, error) {
	r, err := newRunner(job, nil, settings)
	if err != nil {
		return nil, err
	}
	return r.subjects()
}

// subjects walks through the steps as a plan does.
func (r *runner) subjects() ([]Examined, error) {
	r.preview = true
	var all []Examined
	inputs, texts := map[string]string{}, map[string][]byte{}
	var others, own []string
	changes, converts := false, ""
	for _, step := range r.job.Recipe.Order() {
		kind := r.kinds[step.Uses]
		if why, err := r.leftOut(step); err == nil && why != "" {
			r.done[step.ID] = StepStatus{ID: step.ID, State: StepSkipped, Outputs: noOutputs(kind)}
			continue
		}
		s, err := r.context(step, kind)
		if err != nil {
			return nil, err
		}
		if _, done := r.done[step.ID]; done {
			continue
		}
		r.given(kind, s, inputs)
		if s.elsewhere && !strings.Contains(s.Settings.Env, unmadeBegin) {
			if step.Uses == "script" || step.Uses == "python" {
				others = append(others, s.Settings.Env)
			} else {
				own = append(own, s.Settings.Env)
			}
		}
		switch step.Uses {
		case "config":
			texts[step.ID] = edited(s, texts)
		case "env", "shell":
			changes = true
		case "convert":
			if kind.(convert).original(s) && known(s.text("weights")) {
				converts = s.text("weights")
			}
		case "train":
			subject := s.subject(texts)
			subject.Inputs, subject.Converts = inputs, converts
			subject.Others, subject.OwnSteps = without(others, subject.Env), without(own, subject.Env)
			all = append(all, Examined{Step: step, Subject: subject, Changes: changes, Skip: r.job.SkipChecks, wanted: s.text("config") != "" && s.text("doctor") != doctorOff})
		}
	}
	return all, nil
}

// subject is what one training runs with; texts are the configs that steps will
// write, by the steps' ids.
func (s *StepContext) subject(texts map[string][]byte) *doctor.Subject {
	subject := &doctor.Subject{
		Env: s.Settings.Env, Start: slices.Clone(s.Settings.Start), Home: environ(s.Settings.Start, "HOME"),
		Dir: s.text("dir"), Checkout: s.text(checkoutParam),
	}
	for _, name := range sorted(s.Env) {
		subject.Start = append(subject.Start, name+"="+s.Env[name])
	}
	if n, err := workers(s); err == nil {
		subject.Workers = n
	}
	subject.Dir = cmp.Or(subject.Dir, s.Attempt.Dir, s.JobDir)
	subject.Places = []string{subject.Dir}
	if !known(subject.Checkout) {
		subject.Checkout, subject.AnyMindformers = "", true
	}
	if !known(subject.Env) {
		subject.Env = ""
	}
	config := s.text("config")
	if known(config) {
		subject.Config = config
		if text, err := readSource(config); err == nil {
			subject.Text = withMode(text, s.text("run_mode"))
		}
		return subject
	}
	if text := written(config, texts); text != nil {
		subject.Config, subject.Text = s.Step.ID, withMode(text, s.text("run_mode"))
	}
	return subject
}

// edited is the config that a step will write; nil if that is not known. The
// file that it edits may be written by a step, too.
func edited(s *StepContext, texts map[string][]byte) []byte {
	source := written(s.text("file"), texts)
	if known(s.text("file")) {
		var err error
		if source, err = readSource(findMindformers(s).laidOut(s.text("file"))); err != nil {
			return nil
		}
	}
	if source == nil {
		return nil
	}
	given, _ := s.With["set"].(map[string]any)
	set := maps.Clone(given)
	for path, value := range given {
		if text, ok := value.(string); ok && !known(text) {
			// A number that is not known is none.
			if _, err := yamledit.Edit(source, map[string]any{path: value}); err != nil {
				set[path] = int64(0)
			}
		}
	}
	text, err := yamledit.Edit(source, set)
	if err != nil {
		return nil // the step itself says what is wrong
	}
	return text
}

// written is the config among texts that a parameter refers to; nil if there is
// none.
func written(param string, texts map[string][]byte) []byte {
	for id, text := range texts {
		if strings.Contains(param, unmadeBegin+id+".file"+unmadeEnd) {
			return text
		}
	}
	return nil
}

// withMode is a config as the command line changes it.
func withMode(text []byte, mode string) []byte {
	if with, err := yamledit.Edit(text, map[string]any{"run_mode": mode}); err == nil {
		return with
	}
	return text
}

// given notes the files and addresses of the user that a step reads, and what of its outputs
// is known with them: a local source stays where it is.
func (r *runner) given(kind Kind, s *StepContext, inputs map[string]string) {
	for _, p := range kind.Params() {
		path := s.text(p.Name)
		address := p.Type == Location && fetch.IsAddress(path)
		if p.Type != File && p.Type != Location && p.Name != "weights" || !filepath.IsAbs(path) && !address || !known(path) || s.From[p.Name] != "" {
			continue
		}
		inputs[s.Step.ID+"."+p.Name] = path
	}
	local := s.Step.Uses == "fetch" && (fetchKind{}).local(s) || s.Step.Uses == "data"
	if source := s.text("source"); local && filepath.IsAbs(source) && known(source) {
		outputs := noOutputs(kind)
		for name := range outputs {
			outputs[name] = unmadeBegin + s.Step.ID + "." + name + unmadeEnd
		}
		outputs["file"] = source
		r.done[s.Step.ID] = StepStatus{ID: s.Step.ID, State: StepSkipped, Outputs: outputs}
	}
}

// known says that no step has yet to make a value, or a part of it.
func known(text string) bool { return !strings.Contains(text, unmadeBegin) }

func without(prefixes []string, prefix string) []string {
	kept := slices.DeleteFunc(slices.Clone(prefixes), func(p string) bool { return p == prefix })
	slices.Sort(kept)
	return slices.Compact(kept)
}
