package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"ftd/api"
	"ftd/recipe"
	"ftd/recipe/doctor"
)

type runOptions struct {
	set    []string
	name   string
	force  bool
	from   string
	skip   []string
	prio   int
	dryRun bool
	detach bool
	follow followOptions
}

func newRunCommand() *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run RECIPE|FILE",
		Short: "Carry out a recipe and follow it to its end",
		Long: `run submits a recipe to the daemon: one that is built in by its name, or your
own by its file ("-" reads it from standard input). Steps whose result is there
are skipped.

` + followHelp,
		Example: `  ftctl run tiny-llama
  ftctl run tiny-llama --set epochs=8 --name first-try
  ftctl run ./my-finetune.yaml --detach
  ftctl run ./urgent.yaml --priority 10
  ftctl run tiny-llama --from config
  ftctl run tiny-llama --dry-run
  ftctl run tiny-llama -o json | jq -r .training.checkpoints[-1].path`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeRecipes,
		RunE:              func(c *cobra.Command, args []string) error { return runRun(c, o, args[0]) },
	}
	f := c.Flags()
	f.StringArrayVar(&o.set, "set", nil, "give a variable of the recipe a value, as `KEY=VALUE`; repeatable")
	f.StringVar(&o.name, "name", "", "name the job")
	f.BoolVar(&o.force, "force", false, "run steps again whose result is there")
	f.StringVar(&o.from, "from", "", "run the step with this `ID` again, and all that need its result")
	f.StringArrayVar(&o.skip, "skip-check", nil, "leave out the doctor's check with this `ID`, or all; repeatable")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, and do nothing: see ftctl recipe plan")
	f.BoolVarP(&o.detach, "detach", "d", false, "do not follow: print the job's id and return")
	priorityFlag(c, &o.prio)
	startFlag(c)
	o.follow.addFlags(c)
	complete(c, "from", completeSteps)
	complete(c, "skip-check", cobra.FixedCompletions(append(doctor.IDs(), recipe.AllChecks), cobra.ShellCompDirectiveNoFileComp))
	return c
}

// priorityFlag adds --priority, which run and train have in common.
func priorityFlag(c *cobra.Command, priority *int) {
	c.Flags().IntVar(priority, "priority", 0, "the job's place in the line: a higher `NUMBER` goes first, and among equals the oldest job")
}

func runRun(c *cobra.Command, o runOptions, word string) error {
	s, err := recipeToSubmit(c.Context(), c.InOrStdin(), word)
	if err != nil {
		return err
	}
	if s.Vars, err = assignments("--set", o.set); err != nil {
		return err
	}
	s.Name, s.Force, s.From, s.SkipChecks, s.Priority = o.name, o.force, o.from, o.skip, o.prio
	if o.dryRun {
		err = plan(c, s)
	} else {
		err = submit(c, s, o.detach, o.follow)
	}
	if s.Text != "" {
		err = withFileName(err, word, s.Text)
	}
	return err
}

// withFileName makes the refusal of a recipe name its file, which the daemon
// does not know. It asks the daemon first all the same: a newer one may accept
// what this ftctl does not know.
func withFileName(err error, file, text string) error {
	var ended *jobError
	if errors.As(err, &ended) || err == nil || asError(err).Code != api.CodeRecipeInvalid {
		return err
	}
	if file == "-" {
		file = "stdin"
	}
	if _, named := recipe.Parse(file, []byte(text)); named != nil {
		return named
	}
	return err
}

// recipeToSubmit tells a recipe's name from a recipe's file. Relative paths in
// a file start from where it is, all others from here.
func recipeToSubmit(ctx context.Context, in io.Reader, word string) (api.Submit, error) {
	here, err := os.Getwd()
	if err != nil {
		return api.Submit{}, err
	}
	if word == "-" {
		text, err := readInput(ctx, in)
		if err == nil {
			err = notEmpty("standard input", text)
		}
		return api.Submit{Text: string(text), Base: here}, err
	}
	if !isRecipeFile(word) {
		return api.Submit{Recipe: word, Base: here}, nil
	}
	text, err := os.ReadFile(word)
	if err != nil {
		return api.Submit{}, fileError(err)
	}
	if err := notEmpty(word, text); err != nil {
		return api.Submit{}, err
	}
	path, err := filepath.Abs(word)
	if err != nil {
		return api.Submit{}, err
	}
	return api.Submit{Text: string(text), Base: filepath.Dir(path)}, nil
}

// notEmpty refuses a recipe without a word: to the daemon it would be none.
func notEmpty(name string, text []byte) error {
	if len(bytes.TrimSpace(text)) > 0 {
		return nil
	}
	return api.Errorf(api.CodeRecipeInvalid, "the recipe from %s is empty", name).
		WithRemedy("one to begin with: ftctl recipe show tiny-llama")
}

// isRecipeFile says whether the word is meant as a file: it looks like one.
// What else lies in the current directory must not change what a name means.
func isRecipeFile(word string) bool {
	ext := filepath.Ext(word)
	return strings.ContainsRune(word, filepath.Separator) || ext == ".yaml" || ext == ".yml"
}

// fileError says of a file that cannot be read what a person can do about it.
func fileError(err error) error {
	var at *fs.PathError
	switch {
	case !errors.As(err, &at):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return api.Errorf(api.CodeNotFound, "there is no file %s", at.Path).
			WithRemedy("give the path of a recipe file, or one of the names that `ftctl recipe ls` shows")
	case errors.Is(err, fs.ErrPermission):
		return api.Errorf(api.CodeDenied, "you may not read %s", at.Path).WithRemedy("make it readable: chmod u+r %s", at.Path)
	}
	return api.Errorf(api.CodeBadRequest, "%s cannot be read: %s", at.Path, at.Err).WithRemedy("give the path of a file that can be read")
}
