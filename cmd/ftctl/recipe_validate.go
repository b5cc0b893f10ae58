package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"ftd/api"
)

// recipeVerdict is what is said of one recipe.
type recipeVerdict struct {
	Path  string     `json:"path"`
	Valid bool       `json:"valid"`
	Name  string     `json:"name,omitempty"`
	Steps int        `json:"steps,omitempty"`
	Error *api.Error `json:"error,omitempty"`
}

func newRecipeValidateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate RECIPE|FILE...",
		Short: "Check recipes without running anything",
		Long: `validate checks all that can be checked before a recipe runs: keys, kinds of
steps, parameters, references between steps. What is wrong is told with its line.

The exit status is 1 if any recipe is not valid. -o json prints an object for
one recipe, an array for several: path, valid, and error if it is not.`,
		Example: `  ftctl recipe validate my.yaml
  ftctl recipe validate recipes/*.yaml -o json`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeRecipes,
		RunE:              func(c *cobra.Command, args []string) error { return runRecipeValidate(c, args) },
	}
}

func runRecipeValidate(c *cobra.Command, words []string) error {
	var verdicts []recipeVerdict
	failures := newFailures(c)
	valid := true
	for _, word := range words {
		v := recipeVerdict{Path: word}
		r, err := loadRecipe(word)
		if err != nil {
			v.Error = asError(err)
			if v.Error.Code != api.CodeRecipeInvalid {
				failures.add(err) // it could not be looked at
				continue
			}
			valid = false
		} else {
			v.Valid, v.Name, v.Steps = true, r.Name, len(r.Steps)
		}
		verdicts = append(verdicts, v)
	}
	w := c.OutOrStdout()
	if wantJSON(c) {
		if err := printOneOrMany(w, verdicts, len(words)); err != nil {
			return err
		}
	} else {
		for _, v := range verdicts {
			if v.Valid {
				fmt.Fprintf(w, "%s: valid, %d steps\n", v.Path, v.Steps)
				continue
			}
			fmt.Fprintf(w, "%s: not valid: %s\n", v.Path, v.Error.Message)
			if v.Error.Remedy != "" {
				fmt.Fprintf(w, "  what to do: %s\n", v.Error.Remedy)
			}
		}
	}
	if err := failures.err(); err != nil {
		return err
	}
	if !valid {
		return verdict(exitFailed)
	}
	return nil
}
