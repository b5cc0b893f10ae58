package main

import (
	"github.com/spf13/cobra"

	"ftd/recipe"
)

func newRecipeSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of recipes, for editors",
		Long: `schema prints the JSON Schema (draft 2020-12) of recipe files. An editor that
knows YAML schemas completes keys, kinds and parameters with it: write it to a
file, and name that in the first line of a recipe:

  # yaml-language-server: $schema=recipe.schema.json`,
		Example: `  ftctl recipe schema > recipe.schema.json`,
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return printJSON(c.OutOrStdout(), recipe.Schema()) },
	}
}
