package main

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ftd/api"
)

// execute carries out one command line and returns its exit status. It is all
// of the program but the process: tests call it.
func execute(ctx context.Context, args []string, in io.Reader, out, talk io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(talk)
	ran, err := root.ExecuteContextC(ctx)
	if err != nil {
		printError(talk, err, jsonErrors(ran, args), newPalette(talk, noColor(root)))
	}
	return exitStatus(err)
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
	}
	flags := root.PersistentFlags()
	flags.StringP("output", "o", "text", "what stdout holds: text or json; for some verbs also wide, name or csv")
	flags.String("socket", "", "the daemon's socket (default: $FTD_SOCKET, else where the service or your own daemon has it)")
	flags.Bool("no-color", false, "no colours; so does NO_COLOR in the environment")

	root.AddGroup(
		&cobra.Group{ID: groupJobs, Title: "Jobs:"},
		&cobra.Group{ID: groupFiles, Title: "Recipes and files; these work without the daemon:"},
		&cobra.Group{ID: groupOther, Title: "Other:"},
	)
	add(root, groupJobs,
		newRunCommand(), newTrainCommand(), newPsCommand(), newShowCommand(), newLogsCommand(), newLossCommand(),
		newWaitCommand(), newStopCommand(), newRmCommand())
	add(root, groupFiles, newParseCommand(), newCkptCommand(), newEnvCommand(), newRecipeCommand())
	add(root, groupOther, newCallCommand(), newVersionCommand())
	root.SetHelpCommandGroupID(groupOther)
	root.SetCompletionCommandGroupID(groupOther)

	root.SetHelpTemplate(helpTemplate)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError("see "+c.CommandPath()+" --help", "%s", err)
	})
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
			if err := check(c, args); err != nil {
				return usageError("see "+c.CommandPath()+" --help", "%s: %s; usage: %s", c.CommandPath(), err, c.UseLine())
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		prepare(sub)
	}
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
	client := &api.Client{Version: version}
	if f := c.Flag("socket"); f != nil {
		client.Socket = f.Value.String()
	}
	return client
}

// helpTemplate puts the examples first: they are what most readers came for.
const helpTemplate = `{{with .Short}}{{.}}
{{end}}{{if .HasExample}}
Examples:
{{.Example}}
{{end}}{{if or .Runnable .HasSubCommands}}
Usage:{{if not .HasAvailableSubCommands}}
  {{.UseLine}}{{else}}
  {{.CommandPath}} VERB{{end}}
{{end}}{{with .Long}}
{{.}}
{{end}}{{if .HasAvailableSubCommands}}{{$root := .}}{{range .Groups}}{{$group := .}}
{{.Title}}{{range $root.Commands}}{{if and (eq .GroupID $group.ID) .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{end}}{{if not .Groups}}
Verbs:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{end}}{{end}}{{if .HasAvailableLocalFlags}}
Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableInheritedFlags}}
Flags of every verb:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}`
