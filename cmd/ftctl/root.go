package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"ftd/api"
)

// execute carries out one command line and returns its exit status. It is all
// of the program but the process: tests call it.
func execute(ctx context.Context, args []string, in io.Reader, out, talk io.Writer) int {
	out, wrote := noted(out)
	root := newRoot(args, in, out, talk)
	ran, err := root.ExecuteContextC(ctx)
	if err != nil {
		if err = offerToStart(ctx, newRoot(nil, in, talk, talk), ran, err, in, talk); err == nil {
			root = newRoot(args, in, out, talk)
			ran, err = root.ExecuteContextC(ctx)
		}
	}
	switch {
	case wrote.closed():
		return exitFailed
	case err == nil:
		err = wrote.err()
	}
	if err != nil {
		printError(talk, err, jsonErrors(ran, args), newPalette(talk, noColor(root)))
	}
	return exitStatus(err)
}

func newRoot(args []string, in io.Reader, out, talk io.Writer) *cobra.Command {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(talk)
	return root
}

// The groups of verbs in the help.
const (
	groupJobs  = "jobs"
	groupFiles = "files"
	groupOther = "other"
)

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "ftctl",
		Short: "Fine-tune language models with MindSpore: submit, follow, look",
		Long: `ftctl talks to ftd, the daemon that prepares and supervises fine-tunes with
MindSpore and mindformers. Verbs that only read files work without it.

Jobs are named by their id, any unique beginning of it, or their name.

stdout holds data, stderr what is said to people. With -o json errors are
objects with code, message and remedy, on stderr.

Exit statuses:
` + strings.TrimRight(exitTable(), "\n"),
		Example: `  ftctl run tiny-llama                     carry out a recipe and watch it
  ftctl train -- python train.py           supervise a training command as it is
  ftctl ps                                 what is at work
  ftctl logs -f JOB                        its log, as it grows
  ftctl loss --plot JOB                    its loss, as a picture`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		Version:       version,
	}
	root.Flags().Bool("version", false, "the version of ftctl alone")
	flags := root.PersistentFlags()
	flags.StringP("output", "o", "text", "what stdout holds: text or json; for some verbs also wide, name or csv")
	complete(root, "output", completeOutput)
	flags.String("socket", "", "the daemon's socket (default: $FTD_SOCKET, else where the service or your own daemon has it)")
	flags.Bool("no-color", false, "no colours; so does NO_COLOR in the environment")

	root.AddGroup(
		&cobra.Group{ID: groupJobs, Title: "Jobs:"},
		&cobra.Group{ID: groupFiles, Title: "Recipes and files; these work without the daemon:"},
		&cobra.Group{ID: groupOther, Title: "Other:"},
	)
	add(root, groupJobs,
		newRunCommand(), newTrainCommand(), newPsCommand(), newShowCommand(), newCardsCommand(), newWatchCommand(), newLogsCommand(), newLossCommand(),
		newWaitCommand(), newStopCommand(), newResumeCommand(), newRmCommand())
	add(root, groupFiles, newParseCommand(), newCkptCommand(), newEnvCommand(), newRecipeCommand(), newDoctorCommand())
	add(root, groupOther, newUpCommand(), newReloadCommand(), newRestartCommand(), newConfigCommand(), newNotifyCommand(), newCallCommand(), newVersionCommand())
	add(root, groupOther, buildVerbs()...)
	root.SetHelpCommand(newHelpCommand())
	root.SetHelpCommandGroupID(groupOther)
	root.SetCompletionCommandGroupID(groupOther)
	root.InitDefaultCompletionCmd() // here, so that it is prepared as the others are

	root.SetHelpFunc(writeHelp)
	root.SetFlagErrorFunc(flagMistake)
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error { return checkOutput(c) }
	prepare(root)
	return root
}

func add(root *cobra.Command, group string, verbs ...*cobra.Command) {
	for _, v := range verbs {
		v.GroupID = group
		root.AddCommand(v)
	}
}

// prepare makes every command answer mistakes in the same way: wrong arguments
// are usage errors, and a verb that is not there says which ones are.
func prepare(c *cobra.Command) {
	if c.HasSubCommands() && !c.Runnable() {
		c.Args = cobra.ArbitraryArgs
		c.RunE = unknownVerb
	} else if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			switch err := check(c, args); {
			case err == nil:
				return checkNames(c, args)
			case len(args) == 0:
				return usageError("see "+c.CommandPath()+" --help", "%s needs an argument; usage: %s", c.CommandPath(), c.UseLine())
			default:
				return usageError("see "+c.CommandPath()+" --help", "%s; usage: %s", wrongNumber(c, check, args), c.UseLine())
			}
		}
	}
	for _, sub := range c.Commands() {
		prepare(sub)
	}
}

// wrongNumber says which argument is one too many, or that one is missing.
func wrongNumber(c *cobra.Command, check cobra.PositionalArgs, args []string) string {
	for n := len(args) - 1; n >= 0; n-- {
		if check(c, args[:n]) == nil {
			return fmt.Sprintf("%s does not take %q", c.CommandPath(), args[n])
		}
	}
	return fmt.Sprintf("%s needs another argument after %q", c.CommandPath(), args[len(args)-1])
}

func unknownVerb(c *cobra.Command, args []string) error {
	var verbs []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			verbs = append(verbs, sub.Name())
		}
	}
	there := strings.Join(verbs, ", ")
	if len(args) == 0 {
		return usageError("see "+c.CommandPath()+" --help", "%s needs a verb: %s", c.CommandPath(), there)
	}
	remedy := "see " + c.CommandPath() + " --help"
	for c.SuggestionsMinimumDistance = 1; c.SuggestionsMinimumDistance <= 2; c.SuggestionsMinimumDistance++ {
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			remedy = "did you mean: " + c.CommandPath() + " " + near[0]
			break
		}
	}
	return usageError(remedy, "%s has no verb %q; it has %s", c.CommandPath(), args[0], there)
}

// outputs is the annotation that lists what a command takes for --output
// besides text and json.
const outputs = "outputs"

func checkOutput(c *cobra.Command) error {
	allowed := append([]string{"text", "json"}, strings.Fields(c.Annotations[outputs])...)
	if got := output(c); !slices.Contains(allowed, got) {
		return usageError("write: "+c.CommandPath()+" -o json", "%s cannot print %q; it prints %s",
			c.CommandPath(), got, strings.Join(allowed, ", "))
	}
	return nil
}

// output is what stdout is to hold.
func output(c *cobra.Command) string {
	f := c.Flag("output")
	if f == nil {
		return "text"
	}
	return f.Value.String()
}

// wantJSON says whether stdout is to hold JSON.
func wantJSON(c *cobra.Command) bool { return output(c) == "json" }

// jsonErrors says whether errors are to be JSON too. The flags may not have
// been read when the error is in them, hence the look at the words themselves.
func jsonErrors(c *cobra.Command, args []string) bool {
	if c != nil && wantJSON(c) {
		return true
	}
	for i, a := range args {
		switch {
		case a == "--":
			return false
		case a == "-ojson", a == "-o=json", a == "--output=json":
			return true
		case (a == "-o" || a == "--output") && i+1 < len(args) && args[i+1] == "json":
			return true
		}
	}
	return false
}

func noColor(c *cobra.Command) bool {
	off, err := c.Flags().GetBool("no-color")
	return err == nil && off
}

// connect returns the client for the daemon that --socket or the environment
// names. Nothing is dialled yet.
func connect(c *cobra.Command) *api.Client {
	var told sync.Once // also by clients that are made from this one
	client := &api.Client{Version: version, Differs: func(daemon string, otherAPI bool) {
		told.Do(func() { tellAges(c, daemon, otherAPI) })
	}}
	if f := c.Flag("socket"); f != nil {
		client.Socket = f.Value.String()
	}
	return client
}

// tellAges says that the daemon is of another version: always where they speak
// different versions of the API, else to people, and if it is known which of the
// two is the older.
func tellAges(c *cobra.Command, daemon string, otherAPI bool) {
	w := c.ErrOrStderr()
	words, remedy := api.Ages(version, daemon)
	switch {
	case otherAPI:
		fmt.Fprintf(w, "ftctl %s and the daemon %s speak different versions of the API; what both know works, for the rest upgrade the older\n", version, daemon)
	case isTerminal(w) && !wantJSON(c) && api.Older(version, daemon) != 0:
		fmt.Fprintln(w, newPalette(w, noColor(c)).dim(words+"; "+remedy))
	}
}
