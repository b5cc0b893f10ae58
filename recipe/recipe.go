package recipe

// APIVersion is what a recipe file must say at "apiVersion".
const APIVersion = "ftd/v1"

// Recipe is a recipe file.
type Recipe struct {
	APIVersion  string            `yaml:"apiVersion"`
	Name        string            `yaml:"name"`
	Description string            `yaml:"description,omitempty"`
	Vars        map[string]string `yaml:"vars,omitempty"`
	Env         map[string]string `yaml:"env,omitempty"`
	Steps       []Step            `yaml:"steps"`
}

// Step is one entry of "steps".
type Step struct {
	// ID names the step within the recipe: ${steps.ID.outputs.NAME}.
	ID string `yaml:"id"`
	// Uses names the kind of step.
	Uses string `yaml:"uses"`
	// With holds the kind's parameters.
	With map[string]any `yaml:"with,omitempty"`
	// Needs lists steps that must have succeeded; by default those that With
	// and Env refer to, and the one before.
	Needs []string `yaml:"needs,omitempty"`
	// Env is added to the environment of the step.
	Env map[string]string `yaml:"env,omitempty"`
	// Isolation is "" (in the daemon's interpreter) or "worker".
	Isolation string `yaml:"isolation,omitempty"`
}
