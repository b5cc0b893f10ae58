package api

// JobList is the answer of GET /v1/jobs, the newest job first.
type JobList struct {
	Jobs []Job `json:"jobs"`
	// Next is the "before" of the next page; empty when this is the last one.
	Next string `json:"next,omitempty"`
}

// PointList is a page of training points, in the order of the logs.
type PointList struct {
	Points []Point `json:"points"`
	// Next is the "after" of the next page; empty when this is the last one
	// so far.
	Next string `json:"next,omitempty"`
}

// RecipeList is the answer of GET /v1/recipes.
type RecipeList struct {
	Recipes []Recipe `json:"recipes"`
}

// Recipe describes a recipe that the daemon knows.
type Recipe struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Vars        map[string]string `json:"vars,omitempty"`
	Steps       []string          `json:"steps"`
}
