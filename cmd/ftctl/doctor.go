package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ftd/api/secret"
	"ftd/recipe"
	"ftd/recipe/doctor"
)

type doctorOptions struct {
	env      string
	others   []string
	config   string
	checkout string
	places   []string
	checks   []string
	fix      bool
	bundle   string
	job      string
	set      []string
	recipe   string
}

func newDoctorCommand() *cobra.Command {
	var o doctorOptions
	c := &cobra.Command{
		Use:   "doctor [RECIPE|FILE]",
		Short: "Find what would make a training fail, and say how to mend it",
		Long: `doctor looks at a Python environment, at this machine, and with --config at what a
training is to run with: its data, tokenizer and weights, before a compile of ten
minutes finds out. It changes nothing, except with --fix, which carries out the
remedies that are safe. No daemon is needed.

With a recipe it looks at what that would run with: its environments, your own
files, the config with its edits, as far as that can be told before anything has
run. The same is done at the beginning of each job.

Remedies are in Chinese where the locale is. The exit status is 1 if there is an
error. -o json prints an array of findings: check, level (ok, warning, error),
found, why, remedy, and fix where --fix would mend it.

Checks: ` + strings.Join(checkIDs(), ", ") + ".",
		Example: `  ftctl doctor
  ftctl doctor --env ~/anaconda3/envs/MindSpore --config run_llama_7b_lora.yaml
  ftctl doctor llama-7b-lora --set tokenizer=/data/tokenizer.model
  ftctl doctor --check opencv --fix
  ftctl doctor --bundle report.tar.gz --job JOB`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeRecipes,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.recipe = args[0]
			}
			return runDoctor(c, o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.env, "env", "", "the Python environment: the `directory` of a conda environment or venv; default: $FTD_ENV, $VIRTUAL_ENV or $CONDA_PREFIX, else the daemon's")
	f.StringArrayVar(&o.others, "other-env", nil, "another environment that takes part, as a `directory`; repeatable")
	f.StringVar(&o.config, "config", "", "the mindformers YAML of the training, a `file`")
	f.StringVar(&o.checkout, "mindformers", "", "a checkout of mindformers that is used, a `directory`")
	f.StringArrayVar(&o.places, "place", nil, "a `directory` that the training writes to; repeatable; default: this one")
	f.StringArrayVar(&o.checks, "check", nil, "only the check with this `ID`; repeatable")
	f.StringArrayVar(&o.set, "set", nil, "give a variable of the recipe a value, as `KEY=VALUE`; repeatable")
	f.BoolVar(&o.fix, "fix", false, "mend what is safe to mend")
	f.StringVar(&o.bundle, "bundle", "", "also write a report for an issue tracker, with secrets masked, to this `file`")
	f.StringVar(&o.job, "job", "", "with --bundle: add the log of this `JOB` and what became of it")
	c.MarkFlagsMutuallyExclusive("set", "config")
	_ = c.RegisterFlagCompletionFunc("check", cobra.FixedCompletions(checkIDs(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func checkIDs() []string {
	var ids []string
	for _, check := range doctor.Checks() {
		ids = append(ids, check.ID)
	}
	return ids
}

func runDoctor(c *cobra.Command, o doctorOptions) error {
	if o.job != "" && o.bundle == "" {
		return usageError("add --bundle FILE", "--job says which log goes into a bundle")
	}
	if len(o.set) > 0 && o.recipe == "" {
		return usageError("ftctl doctor RECIPE --set KEY=VALUE", "--set gives variables to a recipe, and there is none")
	}
	looking := showProgress(c, "looking at the environment, the machine and the files", 0)
	subject, findings, err := o.examine(c)
	looking.stop()
	if err != nil {
		return err
	}
	if o.fix && fixAll(c.Context(), c.ErrOrStderr(), findings) > 0 {
		// What was mended is what is found now.
		if subject, findings, err = o.examine(c); err != nil {
			return err
		}
	}
	if err := writeFindings(c, findings, o.again(c)); err != nil {
		return err
	}
	if o.bundle != "" {
		b := bundle{file: o.bundle, job: o.job, subject: subject, findings: findings}
		if err := b.write(c); err != nil {
			return err
		}
		say(c, "the report is in %s; look at it before you pass it on", o.bundle)
	}
	if doctor.Worst(findings) == doctor.Error {
		return verdict(exitFailed)
	}
	return nil
}

// examine carries out the checks, and returns what they looked at: the
// environment and a config, or what the trainings of a recipe run with.
func (o doctorOptions) examine(c *cobra.Command) (*doctor.Subject, []doctor.Finding, error) {
	subject, err := o.subject(c)
	if err != nil {
		return nil, nil, err
	}
	subjects := []*doctor.Subject{subject}
	if o.recipe != "" {
		if subjects, err = o.trainings(c, subject); err != nil {
			return nil, nil, err
		}
	}
	var findings []doctor.Finding
	said := map[string]bool{}
	for _, s := range subjects {
		for _, f := range doctor.Examine(c.Context(), s, o.checks...) {
			for _, t := range []*doctor.Text{&f.Found, &f.Why, &f.Remedy} { // addresses of a config may hold a password
				t.EN, t.ZH = secret.Addresses(t.EN), secret.Addresses(t.ZH)
			}
			if key := f.Check + f.Found.EN; !said[key] { // the machine is the same for all
				said[key] = true
				findings = append(findings, f)
			}
		}
	}
	return subjects[0], findings, c.Context().Err()
}

// trainings are the subjects of a recipe; the one given, where it has none.
func (o doctorOptions) trainings(c *cobra.Command, machine *doctor.Subject) ([]*doctor.Subject, error) {
	asked, err := recipeToSubmit(c.Context(), c.InOrStdin(), o.recipe)
	if err != nil {
		return nil, err
	}
	vars, err := assignments("--set", o.set)
	if err != nil {
		return nil, err
	}
	r, err := recipe.Load(asked.Recipe)
	if asked.Text != "" {
		r, err = recipe.Parse(o.recipe, []byte(asked.Text))
	}
	if err != nil {
		return nil, err
	}
	examined, err := recipe.Subjects(recipe.Job{Recipe: r, Vars: vars, Base: asked.Base, Dir: asked.Base}, recipe.Settings{
		Env: machine.Env, Python: filepath.Join(machine.Env, "bin", "python"), Start: machine.Start,
	})
	if err != nil {
		return nil, err
	}
	subjects := []*doctor.Subject{}
	for _, e := range examined {
		e.Subject.Places = machine.Places
		subjects = append(subjects, e.Subject)
	}
	if len(subjects) == 0 {
		say(c, "the recipe %s has no training: only the environment and the machine are looked at", o.recipe)
		return []*doctor.Subject{machine}, nil
	}
	return subjects, nil
}

func (o doctorOptions) subject(c *cobra.Command) (*doctor.Subject, error) {
	for _, id := range o.checks {
		if !slices.Contains(checkIDs(), id) {
			return nil, usageError("see ftctl doctor --help", "there is no check %q; there are %s", id, strings.Join(checkIDs(), ", "))
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = ""
	}
	s := &doctor.Subject{Env: environmentPrefix(o.env), Start: os.Environ(), Home: home, Places: o.places}
	if s.Env == "" {
		client := connect(c)
		defer client.Close()
		if v, err := client.GetVersion(c.Context()); err == nil {
			s.Env = v.Env
		}
	}
	if len(s.Places) == 0 {
		s.Places = []string{"."}
	}
	for _, place := range []struct{ given, into *string }{{&s.Env, &s.Env}, {&o.config, &s.Config}, {&o.checkout, &s.Checkout}} {
		if *place.given == "" {
			continue
		}
		if *place.into, err = filepath.Abs(*place.given); err != nil {
			return nil, err
		}
	}
	for _, list := range []*[]string{&s.Places, &o.others} {
		for i, path := range *list {
			if (*list)[i], err = filepath.Abs(path); err != nil {
				return nil, err
			}
		}
	}
	s.Others = o.others
	return s, nil
}

// fixAll carries out the remedies that are safe, and returns how many.
func fixAll(ctx context.Context, talk io.Writer, findings []doctor.Finding) int {
	fixed := 0
	for _, f := range findings {
		if f.Fix == nil {
			continue
		}
		fmt.Fprintf(talk, "%s: %s\n", f.Check, f.Fix.Does)
		if err := f.Fix.Do(ctx); err != nil {
			fmt.Fprintf(talk, "%s: it could not be mended: %s\n", f.Check, err)
			continue
		}
		fixed++
	}
	return fixed
}

// again is the command that looks at the same things, to which --check and --fix
// are added.
func (o doctorOptions) again(c *cobra.Command) string {
	words := []string{"ftctl doctor"}
	if o.recipe != "" {
		words = append(words, doctor.Quoted(o.recipe))
	}
	for _, name := range []string{"env", "other-env", "config", "mindformers", "place", "set"} {
		f := c.Flags().Lookup(name)
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, value := range values {
			if f.Changed {
				words = append(words, "--"+name, doctor.Quoted(value))
			}
		}
	}
	return strings.Join(words, " ")
}

func writeFindings(c *cobra.Command, findings []doctor.Finding, again string) error {
	w := c.OutOrStdout()
	if wantJSON(c) {
		out := make([]json.Marshaler, len(findings))
		for i, f := range findings {
			out[i] = f.In(locale())
		}
		return printJSON(w, out)
	}
	p := newPalette(w, noColor(c))
	paint := map[doctor.Level]func(string) string{doctor.OK: p.green, doctor.Warning: p.yellow, doctor.Error: p.red}
	counts := map[doctor.Level]int{}
	for _, f := range findings {
		counts[f.Level]++
		fmt.Fprintf(w, "%s %-13s%s\n", paint[f.Level](fmt.Sprintf("%-8s", f.Level)), f.Check, plain(f.Found.In(locale())))
		if f.Level == doctor.OK {
			continue
		}
		fmt.Fprintf(w, "%22s%s: %s\n", "", words(locale(), "why", "原因"), plain(f.Why.In(locale())))
		fmt.Fprintf(w, "%22s%s: %s\n", "", words(locale(), "what to do", "怎么办"), plain(f.Remedy.In(locale())))
		if f.Fix != nil {
			fmt.Fprintf(w, "%22s%s%s --check %s --fix\n", "", words(locale(), "or: ", "或："), again, f.Check)
		}
	}
	fmt.Fprintf(w, words(locale(), "%d errors, %d warnings, %d fine\n", "%d 个错误，%d 个警告，%d 项正常\n"), counts[doctor.Error], counts[doctor.Warning], counts[doctor.OK])
	return nil
}

// words chooses between two languages as remedies do.
func words(locale, en, zh string) string { return doctor.Text{EN: en, ZH: zh}.In(locale) }
