package main

import (
	"os"

	"github.com/spf13/cobra"

	"ftd/recipe"
)

func newRecipeShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show RECIPE|FILE",
		Short: "Print a recipe as it is written",
		Long: `show prints the text of a recipe, which is how one's own begins. -o json prints
its variables and steps, in the order in which they run.`,
		Example: `  ftctl recipe show tiny-llama > my.yaml
  ftctl recipe show tiny-llama -o json | jq .vars`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeRecipes,
		RunE:              func(c *cobra.Command, args []string) error { return runRecipeShow(c, args[0]) },
	}
}

func runRecipeShow(c *cobra.Command, word string) error {
	if wantJSON(c) {
		r, err := loadRecipe(word)
		if err != nil {
			return err
		}
		return printJSON(c.OutOrStdout(), describeRecipe(r))
	}
	text, err := recipeText(word)
	if err != nil {
		return err
	}
	_, err = c.OutOrStdout().Write(text)
	return err
}

func recipeText(word string) ([]byte, error) {
	if !isRecipeFile(word) {
		return recipe.Source(word)
	}
	text, err := os.ReadFile(word)
	if err != nil {
		return nil, fileError(err)
	}
	return text, nil
}

// loadRecipe reads and checks a recipe, by its name or its file.
func loadRecipe(word string) (*recipe.Recipe, error) {
	text, err := recipeText(word)
	if err != nil {
		return nil, err
	}
	return recipe.Parse(word, text)
}
