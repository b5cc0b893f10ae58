package recipe

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the files that are compared anew")

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(Schema())
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("recipe.json", document))
	compiled, err := compiler.Compile("recipe.json")
	require.NoError(t, err)
	return compiled
}

// instance reads a recipe as an editor's checker does.
func instance(t *testing.T, source []byte) any {
	t.Helper()
	text, err := yaml.YAMLToJSON(source)
	require.NoError(t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return value
}

func TestTheSchemaTakesWhatParseTakes(t *testing.T) {
	compiled := compiledSchema(t)
	for _, name := range List() {
		source, err := Source(name)
		require.NoError(t, err)
		require.NoError(t, compiled.Validate(instance(t, source)), name)
	}
	const head = "apiVersion: ftd/v1\nname: x\n"
	for _, source := range []string{
		"name: x\nsteps: []\n",
		head,
		head + "steps: []\n",
		head + "stesp: [{id: a, uses: data, with: {source: b}}]\n",
		head + "steps: [{id: a, uses: dta, with: {source: b}}]\n",
		head + "steps: [{id: a, uses: data}]\n",
		head + "steps: [{id: a, uses: data, with: {sorce: b}}]\n",
		head + "steps: [{id: A, uses: data, with: {source: b}}]\n",
		head + "steps: [{id: a, uses: mindrecord, with: {conversations: a, tokenizer: b, seq_length: many}}]\n",
		head + "steps: [{id: a, uses: train, with: {command: sleep 5}}]\n",
	} {
		require.Error(t, compiled.Validate(instance(t, []byte(source))), source)
		_, err := Parse("x.yaml", []byte(source))
		require.Error(t, err, source)
	}
}

func TestTheSchemaInTheDocsIsThatOfTheKinds(t *testing.T) {
	want, err := json.MarshalIndent(Schema(), "", "  ")
	require.NoError(t, err)
	const file = "../docs/recipe.schema.json"
	if *update {
		require.NoError(t, os.WriteFile(file, append(want, '\n'), 0o644))
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want)+"\n", string(got), "go test ./recipe -update writes it")
}
