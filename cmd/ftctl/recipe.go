package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ftd/recipe"
)

func newRecipeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "recipe",
		Short: "List, show, check and plan recipes",
		Long: `A recipe is a fine-tune as a file: prepare, convert, train. Some are built in;
"ftctl recipe show NAME > my.yaml" is how one's own begins.`,
		Example: `  ftctl recipe ls
  ftctl recipe show tiny-llama > my.yaml
  ftctl recipe validate my.yaml
  ftctl recipe plan my.yaml --set data=/data/mine.json`,
	}
	c.AddCommand(newRecipeLsCommand(), newRecipeShowCommand(), newRecipeValidateCommand(), newRecipePlanCommand(), newRecipeSchemaCommand())
	return c
}

// recipeDetail is a recipe in JSON.
type recipeDetail struct {
	Name        string       `json:"name"`
	Description string       `json:"description,omitempty"`
	Vars        []recipeVar  `json:"vars"`
	Steps       []recipeStep `json:"steps"`
}

// recipeVar is a variable; Default is null where a value must be given.
type recipeVar struct {
	Name    string  `json:"name"`
	Default *string `json:"default"`
}

type recipeStep struct {
	ID        string         `json:"id"`
	Uses      string         `json:"uses"`
	With      map[string]any `json:"with,omitempty"`
	Needs     []string       `json:"needs,omitempty"`
	Isolation string         `json:"isolation,omitempty"`
}

func describeRecipe(r *recipe.Recipe) recipeDetail {
	d := recipeDetail{Name: r.Name, Description: strings.TrimSpace(r.Description), Vars: []recipeVar{}}
	for _, v := range r.Vars {
		described := recipeVar{Name: v.Name}
		if !v.Required {
			described.Default = &v.Default
		}
		d.Vars = append(d.Vars, described)
	}
	for _, s := range r.Order() {
		d.Steps = append(d.Steps, recipeStep{ID: s.ID, Uses: s.Uses, With: s.With, Needs: s.Needs, Isolation: s.Isolation})
	}
	return d
}

func newRecipeLsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "List the recipes that are built in",
		Example: `  ftctl recipe ls
  ftctl recipe ls -o name`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{outputs: "wide name"},
		RunE:        func(c *cobra.Command, _ []string) error { return runRecipeLs(c) },
	}
}

func runRecipeLs(c *cobra.Command) error {
	all := []recipeDetail{}
	rows := [][]string{{"NAME", "STEPS", "DESCRIPTION"}}
	if output(c) == "wide" {
		rows[0] = append(rows[0], "VARS")
	}
	for _, name := range recipe.List() {
		r, err := recipe.Load(name)
		if err != nil {
			return err
		}
		d := describeRecipe(r)
		all = append(all, d)
		first, _, _ := strings.Cut(d.Description, "\n")
		rows = append(rows, []string{name, fmt.Sprint(len(d.Steps)), first})
		if output(c) == "wide" {
			rows[len(rows)-1] = append(rows[len(rows)-1], strings.Join(varNames(r), " "))
		}
	}
	w := c.OutOrStdout()
	switch output(c) {
	case "json":
		return printJSON(w, all)
	case "name":
		for _, d := range all {
			fmt.Fprintln(w, d.Name)
		}
	default:
		writeTable(w, rows)
	}
	return nil
}

func varNames(r *recipe.Recipe) (names []string) {
	for _, v := range r.Vars {
		names = append(names, v.Name)
	}
	return names
}

// completeRecipes completes the names of built-in recipes and recipe files.
func completeRecipes(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, name := range recipe.List() {
		if strings.HasPrefix(name, begun) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	return []cobra.Completion{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}
