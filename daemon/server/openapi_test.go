package server

import (
	"encoding/json"
	"net/http"
	"os"
	"reflect"
	"sort"
	"strconv"
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
		served = append(served, strings.TrimSuffix(r.pattern, "{$}"))
	}
	sort.Strings(described)
	sort.Strings(served)
	require.Equal(t, served, described)

	for name, v := range map[string]any{
		"Alarm": api.Alarm{}, "Attempt": api.Attempt{}, "CallRequest": api.CallRequest{}, "CallResult": api.CallResult{}, "Card": api.Card{}, "CardList": api.CardList{}, "NoticeTest": api.NoticeTest{}, "NoticeTestList": api.NoticeTestList{}, "Waiting": api.Waiting{}, "Checkpoint": api.Checkpoint{},
		"Error": api.Error{}, "Event": api.Event{}, "Gap": api.Gap{}, "Job": api.Job{}, "JobList": api.JobList{}, "Point": api.Point{},
		"PointList": api.PointList{}, "Plan": api.Plan{}, "StepPlan": api.StepPlan{}, "Download": api.Download{}, "Progress": api.Progress{}, "Recipe": api.Recipe{}, "RecipeList": api.RecipeList{},
		"Step": api.Step{}, "Submit": api.Submit{}, "Training": api.Training{}, "Setting": api.Setting{}, "SettingChange": api.SettingChange{}, "Settings": api.Settings{}, "Reload": api.Reload{},
		"Version": api.Version{},
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

// What the document says of the codes is what the handlers do, and docs/api.md
// says the same.
func TestTheDocumentKnowsTheStatusOfEachCode(t *testing.T) {
	h := newHouse(t, owner())
	_, _, text := h.request("GET", "/v1/openapi.json", "")
	var doc struct {
		Info       struct{ Description string }
		Components struct {
			Schemas struct {
				Submit struct{ Examples []json.RawMessage }
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(text), &doc))
	page, err := os.ReadFile("../../docs/api.md")
	require.NoError(t, err)
	_, codes, found := strings.Cut(strings.Join(strings.Fields(doc.Info.Description), " "), "follows its code: ")
	require.True(t, found)
	said := map[string]bool{}
	for _, part := range strings.Split(strings.TrimSuffix(codes, "."), "; ") {
		number, list, _ := strings.Cut(part, " ")
		for _, code := range strings.Split(strings.ReplaceAll(list, " and ", ", "), ", ") {
			said[code] = true
			if code == "npu-…" {
				code = "npu-silent"
			}
			require.Equal(t, number, strconv.Itoa(status(code)), code)
			if status(code) != http.StatusInternalServerError {
				require.Contains(t, string(page), "`"+strings.Replace(code, "npu-silent", "npu-…", 1)+"`")
			}
		}
	}
	for _, code := range []string{
		api.CodeBadRequest, api.CodeRecipeInvalid, api.CodeSettings, api.CodeDenied, api.CodeNotFound, api.CodeNoRoute, codeMethod, api.CodeConflict,
		api.CodeTooLarge, api.CodePython, api.CodeTimeout, api.CodeDiskFull, codeBusy, api.CodeUnreachable, api.CodeNoPython, api.CodeNoEnvironment,
	} {
		require.True(t, said[code], code)
	}
	for _, example := range doc.Components.Schemas.Submit.Examples {
		status, _, answer := h.request("POST", "/v1/jobs", string(example))
		require.Equal(t, http.StatusCreated, status, answer)
	}
}
