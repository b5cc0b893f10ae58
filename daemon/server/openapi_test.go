package server

import (
	"encoding/json"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

type openapiDocument struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Schemas map[string]struct {
			Required   []string
			Properties map[string]json.RawMessage
		}
	}
}

func TestTheDocumentDescribesTheRoutesAndTheTypes(t *testing.T) {
	h := newHouse(t, owner())
	_, header, text := h.request("GET", "/v1/openapi.json", "")
	require.Equal(t, "application/json", header.Get("Content-Type"))
	var doc openapiDocument
	require.NoError(t, json.Unmarshal([]byte(text), &doc))

	var described, served []string
	for path, methods := range doc.Paths {
		for method := range methods {
			if method != "parameters" {
				described = append(described, strings.ToUpper(method)+" "+path)
			}
		}
	}
	for _, r := range h.server.routes() {
		served = append(served, r.pattern)
	}
	sort.Strings(described)
	sort.Strings(served)
	require.Equal(t, served, described)

	for name, v := range map[string]any{
		"Alarm": api.Alarm{}, "Attempt": api.Attempt{}, "CallRequest": api.CallRequest{}, "CallResult": api.CallResult{}, "Checkpoint": api.Checkpoint{},
		"Error": api.Error{}, "Event": api.Event{}, "Job": api.Job{}, "JobList": api.JobList{}, "Point": api.Point{},
		"PointList": api.PointList{}, "Progress": api.Progress{}, "Recipe": api.Recipe{}, "RecipeList": api.RecipeList{},
		"Step": api.Step{}, "Submit": api.Submit{}, "Training": api.Training{}, "Version": api.Version{},
	} {
		schema, ok := doc.Components.Schemas[name]
		require.True(t, ok, name)
		var fields, properties, required []string
		for i := range reflect.TypeOf(v).NumField() {
			field, options, _ := strings.Cut(reflect.TypeOf(v).Field(i).Tag.Get("json"), ",")
			fields = append(fields, field)
			if options != "omitempty" {
				required = append(required, field)
			}
		}
		for property := range schema.Properties {
			properties = append(properties, property)
		}
		require.ElementsMatch(t, fields, properties, name)
		require.ElementsMatch(t, required, schema.Required, name)
	}
}
