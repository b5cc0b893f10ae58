package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

func TestEveryInputOfAJobHasALimit(t *testing.T) {
	h := newHouse(t, owner())
	many := map[string]string{}
	for i := range maxTexts + 1 {
		many[fmt.Sprint("v", i)] = ""
	}
	cards := maxCards + 1
	long, path, value := strings.Repeat("字", maxName+1), "/"+strings.Repeat("x", maxPath), strings.Repeat("x", maxValue+1)
	for text, s := range map[string]api.Submit{
		"name is longer than 200":                 {Name: long},
		"name contains a control character":       {Name: "a\nb"},
		"name contains a zero byte":               {Name: "a\x00b"},
		"recipe is longer":                        {Recipe: long},
		"from is longer":                          {From: long},
		"base is longer":                          {Base: path},
		"dir is longer":                           {Dir: path},
		"more than 1000 vars":                     {Vars: many},
		"more than 1000 env":                      {Env: many},
		"a name in vars is longer":                {Vars: map[string]string{long: ""}},
		"an entry without a name in env":          {Env: map[string]string{"": "x"}},
		"vars v is longer than 131072":            {Vars: map[string]string{"v": value}},
		"env E contains a zero byte":              {Env: map[string]string{"E": "\x00"}},
		"command has more than":                   {Command: make([]string, maxCommand+1)},
		"a word of command is longer":             {Command: []string{value}},
		"a word of command contains a zero byte":  {Command: []string{"a\x00"}},
		"skip_checks has more than 100 words":     {SkipChecks: make([]string, maxChecks+1)},
		"a word of skip_checks is longer":         {SkipChecks: []string{long}},
		"cards must be at most 1024":              {Cards: &cards},
		"exactly one of recipe, text and command": {Name: strings.Repeat("字", maxName)},
	} {
		body, err := json.Marshal(s)
		require.NoError(t, err)
		for _, route := range []string{"/v1/jobs", "/v1/plans"} {
			status, _, answer := h.request("POST", route, string(body))
			require.Equal(t, http.StatusBadRequest, status, text)
			require.Contains(t, answer, text)
		}
	}
	status, _, body := h.request("GET", "/v1/jobs?before="+strings.Repeat("x", maxName+1), "")
	require.Equal(t, http.StatusBadRequest, status, body)
	status, _, body = h.request("POST", "/v1/call", `{"module":"`+long+`","function":"f"}`)
	require.Equal(t, http.StatusBadRequest, status, body)
	status, _, body = h.request("POST", "/v1/call", `{"module":"os","function":"f","timeout_seconds":1e300}`)
	require.Equal(t, http.StatusBadRequest, status, body)
	jobs, err := h.Jobs(t.Context(), api.JobsQuery{})
	require.NoError(t, err)
	require.Empty(t, jobs)
}

func TestAKeyMakesARequestOneJob(t *testing.T) {
	h := newHouse(t, owner())
	const ask, other = `{"recipe":"tiny-llama","name":"a"}`, `{"recipe":"tiny-llama","name":"b"}`
	submit := func(body string, header ...string) (int, api.Job, api.Error) {
		status, head, text := h.request("POST", "/v1/jobs", body, header...)
		var job api.Job
		var e api.Error
		if status >= 400 {
			require.NoError(t, json.Unmarshal([]byte(text), &e), text)
		} else {
			require.NoError(t, json.Unmarshal([]byte(text), &job), text)
			require.Equal(t, "/v1/jobs/"+job.ID, head.Get("Location"))
		}
		return status, job, e
	}
	status, first, _ := submit(ask, api.HeaderIdempotencyKey, "k")
	require.Equal(t, http.StatusCreated, status)
	status, again, _ := submit(ask, api.HeaderIdempotencyKey, "k")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, first.ID, again.ID)
	status, _, refused := submit(other, api.HeaderIdempotencyKey, "k")
	require.Equal(t, http.StatusConflict, status)
	require.Equal(t, api.CodeConflict, refused.Code)
	require.NotEmpty(t, refused.Remedy)
	for _, key := range []string{"", strings.Repeat("k", maxName+1), "a\tb"} {
		status, _, refused := submit(ask, api.HeaderIdempotencyKey, key)
		require.Equal(t, http.StatusBadRequest, status, key)
		require.Contains(t, refused.Message, api.HeaderIdempotencyKey)
	}
	status, second, _ := submit(ask)
	require.Equal(t, http.StatusCreated, status)
	require.NotEqual(t, first.ID, second.ID)

	// Forgotten with its job.
	_, err := h.Stop(t.Context(), first.ID)
	require.NoError(t, err)
	_, err = h.WaitJob(t.Context(), first.ID)
	require.NoError(t, err)
	require.NoError(t, h.Remove(t.Context(), first.ID, false))
	status, _, _ = submit(other, api.HeaderIdempotencyKey, "k")
	require.Equal(t, http.StatusCreated, status)
}

func TestJobsComeInPages(t *testing.T) {
	h := newHouse(t, owner())
	for i := range 5 {
		h.job(fmt.Sprintf("01%c", 'a'+i))
	}
	seen := map[string]int{}
	query := "?limit=2"
	for pages := 1; ; pages++ {
		_, _, body := h.request("GET", "/v1/jobs"+query, "")
		var page api.JobList
		require.NoError(t, json.Unmarshal([]byte(body), &page))
		require.LessOrEqual(t, len(page.Jobs), 2)
		for _, j := range page.Jobs {
			seen[j.ID]++
		}
		if page.Next == "" {
			require.Equal(t, 3, pages)
			break
		}
		query = "?limit=2&before=" + page.Next
	}
	require.Equal(t, []string{"01a", "01b", "01c", "01d", "01e"}, slices.Sorted(maps.Keys(seen)))
	require.Equal(t, map[string]int{"01a": 1, "01b": 1, "01c": 1, "01d": 1, "01e": 1}, seen)
}
