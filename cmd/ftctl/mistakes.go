package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ftd/recipe/nearest"
)

// flagMistake says what is wrong with a flag, and what to write instead, in the
// words of people: pflag's own are those of its parsers.
func flagMistake(c *cobra.Command, err error) error {
	help := "see " + c.CommandPath() + " --help"
	var value *pflag.InvalidValueError
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	switch {
	case errors.As(err, &value):
		return notAValue(value, help)
	case errors.As(err, &bare):
		return usageError(help, "--%s needs a value", bare.GetFlag().Name)
	case !errors.As(err, &unknown):
		return usageError(help, "%s", err)
	}
	name := unknown.GetSpecifiedName()
	if unknown.GetSpecifiedShortnames() != "" {
		if name >= "0" && name <= "9" {
			help = `a value that begins with "-" comes after --, such as: ` + c.CommandPath() + " -- -" + unknown.GetSpecifiedShortnames()
		}
		return usageError(help, "%s has no flag -%s", c.CommandPath(), name)
	}
	var flags []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			flags = append(flags, f.Name)
		}
	})
	if near := nearest.To(name, flags); near != "" {
		help = "did you mean --" + near + "? See " + c.CommandPath() + " --help"
	}
	return usageError(help, "%s has no flag --%s", c.CommandPath(), name)
}

func notAValue(e *pflag.InvalidValueError, help string) error {
	flag, given := e.GetFlag(), e.GetValue()
	if errors.Is(e, strconv.ErrRange) {
		return usageError(fmt.Sprintf("write: --%s 5", flag.Name), "--%s %q is more than there can be", flag.Name, given)
	}
	switch flag.Value.Type() {
	case "int", "int64", "uint", "uint64":
		return usageError(fmt.Sprintf("write: --%s 5", flag.Name), "--%s %q is not a whole number", flag.Name, given)
	case "duration":
		return usageError(fmt.Sprintf("write: --%s 30s, or 10m, or 2h30m", flag.Name), "--%s %q is not a time to wait", flag.Name, given)
	case "bool":
		return usageError(fmt.Sprintf("write: --%s, or leave it out", flag.Name), "--%s takes no value such as %q", flag.Name, given)
	}
	return usageError(help, "%s", e)
}

// checkNames refuses names of jobs and recipes that can be none, which come from
// the shell: of a variable that is not set, or of a list in quotes.
func checkNames(c *cobra.Command, args []string) error {
	var what, list string
	words := strings.FieldsFunc(c.Use, func(r rune) bool { return !unicode.IsUpper(r) })
	switch {
	case slices.Contains(words, "JOB"):
		what, list = "job", "see which there are: ftctl ps -a"
	case slices.Contains(words, "RECIPE"):
		what, list = "recipe", "see which there are: ftctl recipe ls"
	default:
		return nil
	}
	path := slices.Contains(words, "DIR") || slices.Contains(words, "FILE")
	for _, name := range args {
		switch {
		case strings.TrimSpace(name) == "":
			return usageError(list, "the name of the %s is empty; is it a variable of the shell that is not set?", what)
		case path: // those may be named in any way
		case strings.ContainsFunc(name, unicode.IsControl) || !utf8.ValidString(name):
			return usageError(list, "%.80q cannot be the name of a %s; are these several, in quotes?", name, what)
		}
	}
	return nil
}
