package recipe

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ftd/recipe/doctor"
	"ftd/recipe/nearest"
)

// What the parameter "doctor" of a training may say.
const (
	doctorOn  = "on"
	doctorOff = "off"
)

// AllChecks stands for the ids of all checks where some are to be left out.
const AllChecks = "all"

// KnownChecks refuses the id of a check that there is not.
func KnownChecks(ids []string) error {
	known := append(doctor.IDs(), AllChecks)
	for _, id := range ids {
		if !slices.Contains(known, id) {
			return &Problem{Code: CodeInvalid, Message: fmt.Sprintf("the doctor has no check %q", id), Remedy: nearest.Remedy(id, known)}
		}
	}
	return nil
}

// What the doctor looks at before a training: what it will run with, and the
// environment it runs in. Cards are given out elsewhere.
var (
	withChecks = []string{"source", "inputs", "config", "cpu", "parallel", "output", "data", "seq-length", "tokenizer", "weights", "resume", "lfs", "workers", "memory"}
	inChecks   = []string{"python", "stack", "packages", "opencv", "preload", "variables", "environments", "machine", "home", "limits", "space", "device-memory"}
)

// Examine carries out the checks of the gate on what a training will run with.
func (e Examined) Examine(ctx context.Context) []doctor.Finding {
	checks := withChecks
	if e.Subject.Env != "" {
		checks = slices.Concat(withChecks, inChecks)
	}
	checks = slices.DeleteFunc(slices.Clone(checks), func(id string) bool { return slices.Contains(e.Skip, id) })
	if len(checks) == 0 || slices.Contains(e.Skip, AllChecks) {
		return nil
	}
	return doctor.Examine(ctx, e.Subject, checks...)
}

// firstGate lets the doctor look at the trainings of a job before its first
// step, and again when a step has shown more of what they will run with: what
// is certain to fail shall not do so after an hour of preparation. It fails the
// step that would.
func (r *runner) firstGate(ctx context.Context) error {
	if r.job.Again {
		return nil // the training may be at work
	}
	plan, err := newRunner(r.job, r.host, r.settings)
	if err != nil {
		return err
	}
	maps.Copy(plan.done, r.done)
	if step, err := plan.impossible(); err != nil {
		return r.end(ctx, StepStatus{ID: step, State: StepRunning}, problemOf(step, err))
	}
	trainings, err := plan.subjects()
	if err != nil {
		return nil //nolint:nilerr // the step itself says it, when its turn comes
	}
	for _, training := range trainings {
		if _, done := r.done[training.Step.ID]; done || !training.wanted {
			continue
		}
		g := gatekeeper{host: r.host, step: training.Step.ID, warnings: slices.Concat(withChecks, inChecks), quiet: true, told: r.told, locale: localeOf(r.settings.Start)}
		if training.Changes {
			g.pardoned = inChecks
		}
		if p := g.examine(ctx, training); p != nil {
			return r.end(ctx, StepStatus{ID: training.Step.ID, State: StepRunning}, p)
		}
	}
	return nil
}

// impossible finds the first step that is sure to fail whatever the others make.
// What comes after a step that installs something is not judged.
func (r *runner) impossible() (step string, err error) {
	r.preview = true
	for _, step := range r.job.Recipe.Order() {
		if _, done := r.done[step.ID]; done {
			continue
		}
		kind := r.kinds[step.Uses]
		if why, err := r.leftOut(step); err == nil && why != "" {
			r.done[step.ID] = StepStatus{ID: step.ID, State: StepSkipped, Outputs: noOutputs(kind)}
			continue
		}
		s, err := r.context(step, kind)
		if err != nil {
			return "", nil //nolint:nilerr // the step itself says it, when its turn comes
		}
		if err := impossible(kind, s); err != nil {
			return step.ID, err
		}
		if step.Uses == "env" || step.Uses == "shell" {
			break
		}
	}
	return "", nil
}

// gate lets the doctor look at what a training runs with when all of it is
// there: what it finds in a moment would otherwise end the training after a
// compile of many minutes, or not at all. Warnings that the first gate has said
// are not said again.
func gate(ctx context.Context, s *StepContext) error {
	if s.text("config") == "" || s.text("doctor") == doctorOff || s.Attempt.Number > 1 {
		return nil
	}
	g := gatekeeper{host: s.Host, step: s.Step.ID, warnings: withChecks, locale: localeOf(s.Settings.Start)}
	if len(s.skipChecks) > 0 {
		s.Host.Output(s.Step.ID, "doctor: left out, as was asked for: "+strings.Join(s.skipChecks, ", "))
	}
	if p := g.examine(ctx, Examined{Step: s.Step, Subject: s.subject(nil), Skip: s.skipChecks}); p != nil {
		return p
	}
	return nil
}

// refusal is why a training is not started, in both languages.
type refusal struct{ message, remedy doctor.Text }

func refused(f doctor.Finding) refusal {
	const skip = "ftctl run --skip-check "
	return refusal{
		message: doctor.Text{
			EN: fmt.Sprintf("the training was not started: %s; %s", f.Found.EN, f.Why.EN),
			ZH: fmt.Sprintf("训练没有开始：%s；%s", f.Found.ZH, f.Why.ZH),
		},
		remedy: doctor.Text{
			EN: f.Remedy.EN + "; if the doctor is wrong: " + skip + f.Check,
			ZH: f.Remedy.ZH + "；若检查有误：" + skip + f.Check,
		},
	}
}

func (r refusal) in(locale string) *Problem {
	return &Problem{permanent: true, Code: CodeDoctor, Message: r.message.In(locale), Remedy: r.remedy.In(locale)}
}

// localeOf is the locale that a program was started with, by the usual
// variables.
func localeOf(start []string) string {
	return cmp.Or(environ(start, "LC_ALL"), environ(start, "LC_MESSAGES"), environ(start, "LANG"))
}

// gatekeeper is one look of the doctor's at one training.
type gatekeeper struct {
	host Host
	step string
	// warnings are the checks whose warnings are said; errors of those that are
	// pardoned count as warnings.
	warnings, pardoned []string
	// quiet says nothing where nothing was found; told is what was said already.
	quiet bool
	told  map[string]bool
	// locale decides about the language of what is said.
	locale string
}

// examine says what was found, and returns the first error as a problem.
func (g gatekeeper) examine(ctx context.Context, e Examined) *Problem {
	began := time.Now()
	findings := e.Examine(ctx)
	var worst *Problem
	said := 0
	for _, f := range findings {
		certain := f.Level == doctor.Error && !slices.Contains(g.pardoned, f.Check)
		if f.Level == doctor.OK || !certain && !slices.Contains(g.warnings, f.Check) {
			continue
		}
		if line := fmt.Sprintf("doctor: %s (%s): %s", f.Found.In(g.locale), f.Check, f.Remedy.In(g.locale)); !g.told[line] {
			said++
			g.host.Output(g.step, line)
			if g.told != nil {
				g.told[line] = true
			}
		}
		if certain && worst == nil {
			worst = refused(f).in(g.locale)
			worst.Source = e.Subject.Config
		}
	}
	if said == 0 && g.quiet {
		return nil
	}
	g.host.Output(g.step, fmt.Sprintf("doctor: %d findings, %d of them to be mended, in %.1f s", len(findings), said, time.Since(began).Seconds()))
	return worst
}
