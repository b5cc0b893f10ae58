package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ftd/api"
	"ftd/api/secret"
	"ftd/launcher"
	"ftd/recipe"
)

func newEnvCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "env",
		Short: "Explain the environment that a training gets",
		Long: `A training does not inherit whatever happened to be set where ftd was started: its
environment is built. "ftctl env explain" shows it, variable by variable.`,
		Example: `  ftctl env explain
  ftctl env explain --env ~/anaconda3/envs/MindSpore -- python train.py`,
	}
	c.AddCommand(newEnvExplainCommand())
	return c
}

type envOptions struct {
	prefix string
	env    []string
	all    bool
}

// explanation is what env explain -o json prints. Secrets are masked.
type explanation struct {
	Env       string   `json:"env"`
	Variables []envVar `json:"variables"`
	// LeftOut names variables that are set here and not passed on.
	LeftOut  []string    `json:"left_out"`
	Warnings []string    `json:"warnings"`
	Command  *envCommand `json:"command,omitempty"`
}

type envVar struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source string `json:"source"`
	Why    string `json:"why"`
	// Changed is false for a variable that is passed on as it is.
	Changed bool `json:"changed"`
	// Before is the value here, where it is another one.
	Before string `json:"before,omitempty"`
}

// envCommand says which program a command would be.
type envCommand struct {
	Given string `json:"given"`
	Path  string `json:"path"`
}

func newEnvExplainCommand() *cobra.Command {
	var o envOptions
	c := &cobra.Command{
		Use:   "explain [FLAGS] [-- COMMAND [ARGUMENTS]]",
		Short: "List each variable of a training, where it came from and why",
		Long: `explain builds the environment of a training as ftd does, from the environment of
this shell instead of the one that the daemon was started in, and lists what
ftd sets or changes; --all also lists what is passed on as it is, and names what
is not passed on. ATTEMPT and LIBRARY stand for directories that only a training
that is started has. With a COMMAND it says which program that is. Passwords and
tokens are masked. No daemon is needed.`,
		Example: `  ftctl env explain
  ftctl env explain --env ~/anaconda3/envs/MindSpore --all
  ftctl env explain -- python train.py
  ftctl env explain -o json | jq -r '.variables[] | select(.name=="LD_PRELOAD") | .why'`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return runEnvExplain(c, o, args) },

		DisableFlagsInUseLine: true, // they stand before the command
	}
	f := c.Flags()
	f.SetInterspersed(false) // the command's own flags are not ours
	f.StringVar(&o.prefix, "env", "", "the Python environment: the `directory` of a conda environment or venv; default: $FTD_ENV, $VIRTUAL_ENV or $CONDA_PREFIX")
	f.StringArrayVarP(&o.env, "set", "e", nil, "add `KEY=VALUE`, as ftctl train -e does; repeatable")
	f.BoolVar(&o.all, "all", false, "also list what is passed on as it is")
	return c
}

func runEnvExplain(c *cobra.Command, o envOptions, command []string) error {
	extra, err := environment(o.env)
	if err != nil {
		return err
	}
	prefix := environmentPrefix(o.prefix)
	if prefix != "" {
		if prefix, err = filepath.Abs(prefix); err != nil {
			return err
		}
	}
	start := os.Environ()
	env, err := launcher.BuildEnvironment(c.Context(), launcher.EnvRequest{
		Prefix: prefix, Start: start, Scripts: launcher.ActivationScripts(prefix, start), Extra: extra,
	})
	if err != nil {
		return launchError(err)
	}
	env.Vars = append(env.Vars, ownVariables(env)...)
	e := explain(prefix, start, env)
	if len(command) > 0 {
		path, err := launcher.Which(command[0], env)
		if err != nil {
			return launchError(err)
		}
		e.Command = &envCommand{Given: command[0], Path: path}
	}
	if wantJSON(c) {
		return printJSON(c.OutOrStdout(), e)
	}
	writeExplanation(c.OutOrStdout(), e, o.all)
	return nil
}

// environmentPrefix is the Python environment that is meant: the one that was
// given, or that is active in this shell; "" if there is none.
func environmentPrefix(given string) string {
	return cmp.Or(given, os.Getenv("FTD_ENV"), os.Getenv("VIRTUAL_ENV"), os.Getenv("CONDA_PREFIX"))
}

// What stands for the places that only a training that is started has.
const (
	somewhere = "ATTEMPT" // its directory
	ourPython = "LIBRARY" // what ftd brings along in Python
)

// ownVariables are what ftd adds to the environment when it starts a training.
func ownVariables(env launcher.Environment) []launcher.Var {
	path := ""
	for _, v := range env.Vars {
		if v.Name == "PYTHONPATH" {
			path = v.Value
		}
	}
	return append(launcher.RunVars(somewhere, "JOB/STEP.N", "WORD"), launcher.Var{
		Name: "PYTHONPATH", Value: recipe.PythonPath(ourPython, false, path), Source: launcher.SourceFTD,
		Why: "ftd_site holds a sitecustomize that answers when ftd asks for stacks; for a config LIBRARY itself follows, with what mindformers is to import; what was set before stays behind it",
	})
}

// launchError gives an error of the launcher the form of all others.
func launchError(err error) error {
	var known *launcher.Error
	if !errors.As(err, &known) {
		return err
	}
	return &api.Error{Code: known.Code, Message: known.Message, Remedy: known.Remedy}
}

// explain says what env does to each variable, seen from start.
func explain(prefix string, start []string, env launcher.Environment) explanation {
	before := map[string]string{}
	for _, entry := range start {
		name, value, _ := strings.Cut(entry, "=")
		before[name] = value
	}
	// What comes later replaces what was there by that name.
	last := map[string]int{}
	for i, v := range env.Vars {
		last[v.Name] = i
	}
	e := explanation{Env: prefix, Variables: []envVar{}, LeftOut: []string{}, Warnings: []string{}}
	for _, name := range slices.Sorted(maps.Keys(last)) {
		v := env.Vars[last[name]]
		shown := envVar{Name: v.Name, Value: secret.Value(v.Name, v.Value), Source: v.Source, Why: v.Why}
		old, had := before[v.Name]
		shown.Changed = !had || old != v.Value
		if had && shown.Changed {
			shown.Before = secret.Value(v.Name, old)
		}
		e.Variables = append(e.Variables, shown)
	}
	e.LeftOut = append(e.LeftOut, env.LeftOut...)
	e.Warnings = append(e.Warnings, env.Warnings...)
	return e
}

func writeExplanation(w io.Writer, e explanation, all bool) {
	if e.Env != "" {
		fmt.Fprintf(w, "Python environment: %s\n\n", plain(e.Env))
	}
	same := 0
	for _, v := range e.Variables {
		if !v.Changed && !all {
			same++
			continue
		}
		fmt.Fprintf(w, "%s=%s\n", plain(v.Name), oneLine(v.Value))
		if v.Before != "" {
			fmt.Fprintf(w, "    before: %s\n", oneLine(v.Before))
		}
		fmt.Fprintf(w, "    from:   %s\n    why:    %s\n", plain(v.Source), plain(v.Why))
	}
	for _, text := range e.Warnings {
		fmt.Fprintf(w, "\nwarning: %s\n", plain(text))
	}
	switch {
	case all && len(e.LeftOut) > 0:
		fmt.Fprintf(w, "\nNot passed on: %s\n", plain(strings.Join(e.LeftOut, " ")))
	case same+len(e.LeftOut) > 0:
		fmt.Fprintf(w, "\n%d more are passed on as they are, %d are not passed on; --all shows them.\n", same, len(e.LeftOut))
	}
	if e.Command != nil {
		fmt.Fprintf(w, "\n%s is %s\n", plain(e.Command.Given), plain(e.Command.Path))
	}
}

// oneLine shows a value with line feeds on one line.
func oneLine(s string) string { return strings.ReplaceAll(plain(s), "\n", `\n`) }
