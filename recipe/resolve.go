package recipe

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
)

// context fills in what a kind gets to see of a step.
func (r *runner) context(step Step, kind Kind) (*StepContext, error) {
	s := &StepContext{
		Job: r.job.ID, JobDir: r.job.Dir, Step: step, Host: r.host, Settings: r.settings,
		Env: map[string]string{}, From: map[string]string{}, earlier: r.job.Earlier[step.ID],
		skipChecks: r.job.SkipChecks,
	}
	with, err := expandAll(step.With, r.value)
	if err != nil {
		return nil, err
	}
	if r.preview {
		withoutUnmade(kind.Params(), with.(map[string]any))
	}
	if s.With, err = convertAll(kind.Params(), with.(map[string]any), r.job.Base); err != nil {
		var p *Problem
		if errors.As(err, &p) {
			p.Message = fmt.Sprintf("the step %s: %s", step.ID, p.Message)
			p.Source = r.job.Recipe.at[step.path].source()
		}
		return nil, err
	}
	if err := r.keepProblem(step); err != nil {
		return nil, err
	}
	if step.Environment != "" {
		if err := r.elsewhere(s, step.Environment); err != nil {
			return nil, err
		}
	}
	if r.preview {
		s.planned = r.promised.inputs(step)
	}
	for name, v := range step.With {
		if text, ok := v.(string); ok {
			s.From[name] = r.origin(text)
		}
	}
	for _, env := range []map[string]string{r.job.Recipe.Env, step.Env} {
		for name, text := range env {
			if s.Env[name], err = expand(text, r.value); err != nil {
				return nil, err
			}
		}
	}
	maps.Copy(s.Env, r.job.Env)
	return s, nil
}

// value returns what a reference stands for.
func (r *runner) value(name string) (string, error) {
	if v, ok := r.vars[name]; ok {
		return v, nil
	}
	step, output, _ := outputReference(name)
	if v, ok := r.done[step].Outputs[output]; ok {
		return v, nil
	}
	if r.preview {
		return unmadeBegin + step + "." + output + unmadeEnd, nil
	}
	return "", &Problem{
		Code:    CodeResult,
		Message: fmt.Sprintf("the step %s has left no output %q", step, output),
		Remedy:  "run the recipe again with --force",
	}
}

// origin says which result a parameter's value belongs to, if it is nothing
// but a reference to the output of a step whose result has a key. References
// that are empty are none: ${given}${steps.made.outputs.file}.
func (r *runner) origin(text string) string {
	plain, references, _, _ := pieces(text)
	from := ""
	for i, ref := range references {
		value, err := r.value(ref.name)
		if err == nil && value == "" {
			continue
		}
		step, output, ok := outputReference(ref.name)
		if err != nil || from != "" || !ok || r.done[step].Key == "" || plain[i] != "" {
			return ""
		}
		from = filepath.Join(r.done[step].Key, output)
	}
	if plain[len(plain)-1] != "" {
		return ""
	}
	return from
}
