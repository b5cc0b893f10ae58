package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"ftd/recipe/expression"
	"ftd/recipe/nesting"
)

var (
	recipeName = expression.Lazily(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	stepID     = expression.Lazily(`^[a-z][a-z0-9_-]*$`)
	// variableName is what variables of recipes and of environments may be called.
	variableName = expression.Lazily(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// Parse reads a recipe and checks all that can be checked before it runs:
// names, kinds, parameters, references, the order of the steps. file is what
// errors call it; they are of type [*Problem] and say line and column.
func Parse(file string, source []byte) (*Recipe, error) {
	source = bytes.TrimPrefix(source, []byte("\ufeff")) // of an editor on Windows
	if p := unreadable(file, source); p != nil {
		return nil, p
	}
	if line, column, ok := nesting.TooDeep(source); !ok {
		return nil, position{file: file, line: line, column: column}.invalid("write it with fewer brackets", "lists and maps lie more than %d deep in each other", nesting.Most)
	}
	tree, err := parser.ParseBytes(source, 0)
	if err != nil {
		return nil, syntaxProblem(file, err)
	}
	r := &reader{recipe: &Recipe{at: map[string]position{}}, file: file}
	if len(tree.Docs) > 1 {
		return nil, positionOf(file, tree.Docs[1].Body).invalid("put it into a file of its own", "a second document begins here")
	}
	var body ast.Node
	if len(tree.Docs) == 1 {
		body = tree.Docs[0].Body
	}
	if body == nil {
		return nil, position{file: file, line: 1, column: 1}.invalid("begin with: apiVersion: "+APIVersion, "the file is empty")
	}
	if err := r.document(body); err != nil {
		return nil, err
	}
	return r.recipe, check(r.recipe)
}

// unreadable says where a file is no text in UTF-8; nil if it is one.
func unreadable(file string, source []byte) *Problem {
	for i, line := range bytes.Split(source, []byte("\n")) {
		for column, rest := 1, line; len(rest) > 0; column++ {
			letter, size := utf8.DecodeRune(rest)
			if letter == 0 || letter == utf8.RuneError && size == 1 {
				return position{file: file, line: i + 1, column: column}.invalid("save it as UTF-8", "this is no text in UTF-8")
			}
			rest = rest[size:]
		}
	}
	return nil
}

func syntaxProblem(file string, err error) *Problem {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return position{file: file, line: 1, column: 1}.invalid("correct the YAML", "%v", err)
	}
	where := at.GetToken().Position
	return position{file: file, line: where.Line, column: where.Column}.invalid("correct the YAML", "%s", at.GetMessage())
}

// reader turns the tree of a file into a recipe, and notes where things are.
type reader struct {
	recipe *Recipe
	file   string
}

// entry is one key of a mapping with its value.
type entry struct {
	key   string
	path  string // "steps.0.with.data"
	at    position
	value ast.Node
}

func (r *reader) document(body ast.Node) error {
	top, err := r.keys(body, "", "the recipe", sorted(recipeKeys())...)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, e := range top {
		seen[e.key] = true
		switch e.key {
		case "apiVersion":
			r.recipe.APIVersion, err = r.text(e)
			if err == nil && r.recipe.APIVersion != APIVersion {
				err = r.at(e.value).invalid("write apiVersion: "+APIVersion, "apiVersion %q is not known to this ftd", r.recipe.APIVersion)
			}
		case "name":
			r.recipe.Name, err = r.name(e, recipeName(), "letters, digits, and - . _ between them")
		case "description":
			r.recipe.Description, err = r.text(e)
		case "vars":
			err = r.vars(e)
		case "env":
			r.recipe.Env, err = r.env(e)
		case "steps":
			err = r.steps(e)
		}
		if err != nil {
			return err
		}
	}
	for _, key := range []string{"apiVersion", "name", "steps"} {
		if !seen[key] {
			return r.at(body).invalid(fmt.Sprintf("add %s:", key), "the recipe lacks %q", key)
		}
	}
	return nil
}

func (r *reader) vars(e entry) error {
	entries, err := r.entries(e.value, e.path, "vars")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !variableName().MatchString(e.key) {
			return e.at.invalid("use letters, digits and _", "%q cannot be the name of a variable", e.key)
		}
		v := Var{Name: e.key}
		if _, null := e.value.(*ast.NullNode); null {
			v.Required = true
		} else if v.Default, err = r.text(e); err != nil {
			return err
		}
		r.recipe.Vars = append(r.recipe.Vars, v)
	}
	return nil
}

func (r *reader) env(e entry) (map[string]string, error) {
	entries, err := r.entries(e.value, e.path, "env")
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	for _, e := range entries {
		if !variableName().MatchString(e.key) {
			return nil, e.at.invalid("use letters, digits and _", "%q cannot be the name of an environment variable", e.key)
		}
		if env[e.key], err = r.text(e); err != nil {
			return nil, err
		}
	}
	return env, nil
}

func (r *reader) steps(e entry) error {
	list, ok := e.value.(*ast.SequenceNode)
	switch e.value.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return r.unknownSyntax(e.value)
	}
	if !ok || len(list.Values) == 0 {
		return r.at(e.value).invalid("write at least one: - id: ... and uses: ...", "steps must be a list of steps")
	}
	for i, node := range list.Values {
		if err := r.step(node, fmt.Sprintf("%s.%d", e.path, i)); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) step(node ast.Node, path string) error {
	entries, err := r.keys(node, path, "a step", sorted(stepKeys())...)
	if err != nil {
		return err
	}
	r.recipe.at[path] = r.at(node)
	s := Step{path: path}
	for _, e := range entries {
		switch e.key {
		case "id":
			s.ID, err = r.name(e, stepID(), "small letters, digits, - and _, a letter first")
		case "uses":
			s.Uses, err = r.text(e)
		case "with":
			s.With, err = r.values(e.value, e.path)
		case "needs":
			s.Needs, err = r.names(e)
		case "env":
			s.Env, err = r.env(e)
		case "when":
			s.When, err = r.text(e)
		case "unless":
			s.Unless, err = r.text(e)
		case "environment":
			s.Environment, err = r.text(e)
		case "keep":
			s.Keep, err = r.text(e)
		case "isolation":
			s.Isolation, err = r.text(e)
		}
		if err != nil {
			return err
		}
	}
	r.recipe.Steps = append(r.recipe.Steps, s)
	return nil
}
