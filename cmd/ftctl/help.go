package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// newHelpCommand is cobra's, but a verb that is not there is a mistake.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [VERB]",
		Short:   "Print the help of a verb",
		Example: "  ftctl help loss\n  ftctl help ckpt verify",
		RunE: func(c *cobra.Command, args []string) error {
			verb, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 && verb.HasSubCommands() {
				return unknownVerb(verb, rest)
			}
			writeHelp(verb, nil)
			return nil
		},
		ValidArgsFunction: func(c *cobra.Command, args []string, begun string) (verbs []cobra.Completion, _ cobra.ShellCompDirective) {
			if of, rest, err := c.Root().Find(args); err == nil && len(rest) == 0 {
				for _, sub := range of.Commands() {
					if sub.IsAvailableCommand() && strings.HasPrefix(sub.Name(), begun) {
						verbs = append(verbs, cobra.CompletionWithDesc(sub.Name(), sub.Short))
					}
				}
			}
			return verbs, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// writeHelp prints a command's help, its examples first: they are what most
// readers came for. It is code rather than one of cobra's templates because
// text/template finds methods by name: linked in, it would keep every method
// of every package, and ftctl would be a fifth larger.
func writeHelp(c *cobra.Command, _ []string) {
	w := c.OutOrStdout()
	if c.Short != "" {
		fmt.Fprintln(w, c.Short)
	}
	section(w, "Examples:", c.Example)
	if c.Runnable() || c.HasSubCommands() {
		usage := c.UseLine()
		if c.HasAvailableSubCommands() {
			usage = c.CommandPath() + " VERB"
		}
		section(w, "Usage:", "  "+usage)
	}
	if c.Long != "" {
		fmt.Fprintf(w, "\n%s\n", c.Long)
	}
	writeVerbs(w, c)
	section(w, "Flags:", strings.TrimRight(c.LocalFlags().FlagUsages(), " \n"))
	section(w, "Flags of every verb:", strings.TrimRight(c.InheritedFlags().FlagUsages(), " \n"))
}

// section prints a heading and a text below it, nothing without a text.
func section(w io.Writer, heading, text string) {
	if strings.TrimSpace(text) != "" {
		fmt.Fprintf(w, "\n%s\n%s\n", heading, text)
	}
}

// writeVerbs lists the verbs that a command has, in their groups.
func writeVerbs(w io.Writer, c *cobra.Command) {
	groups := c.Groups()
	if len(groups) == 0 {
		groups = []*cobra.Group{{Title: "Verbs:"}}
	}
	for _, g := range groups {
		var lines []string
		for _, sub := range c.Commands() {
			if sub.GroupID == g.ID && sub.IsAvailableCommand() {
				lines = append(lines, fmt.Sprintf("  %-*s %s", sub.NamePadding(), sub.Name(), sub.Short))
			}
		}
		section(w, g.Title, strings.Join(lines, "\n"))
	}
}
