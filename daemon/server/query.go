package server

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"ftd/api"
)

// query reads the parameters of a request. The first mistake is kept, so that
// a handler checks once, with err.
type query struct {
	values url.Values
	err    error
}

// parameters returns the query of a request that may have these parameters and
// no others.
func parameters(r *http.Request, names ...string) *query {
	values, err := url.ParseQuery(r.URL.RawQuery)
	q := &query{values: values}
	if err != nil {
		q.fail("the query is malformed: %v", err)
	}
	for name, given := range values {
		if !slices.Contains(names, name) {
			q.fail("there is no parameter %q; there are: %s", name, strings.Join(names, ", "))
		}
		if len(given) > 1 {
			q.fail("%s is given %d times", name, len(given))
		}
		if !utf8.ValidString(given[0]) || strings.ContainsRune(given[0], 0) {
			q.fail("%s is not text", name)
		}
	}
	return q
}

func (q *query) fail(format string, args ...any) {
	if q.err == nil {
		q.err = api.Errorf(api.CodeBadRequest, format, args...)
	}
}

// text returns a name or a place in a list, which are short. What resumes a
// log is as long as the list of its files: see resume.go.
func (q *query) text(name string) string {
	text := q.values.Get(name)
	if utf8.RuneCountInString(text) > maxName {
		q.fail("%s is longer than %d characters", name, maxName)
	}
	return text
}

func (q *query) flag(name string) bool {
	text := q.values.Get(name)
	if text == "" {
		return false
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		q.fail("%s=%s: it must be 1 or 0", name, text)
	}
	return on
}

// number returns a whole number from low to high, def if it is not given.
func (q *query) number(name string, def, low, high int64) int64 {
	if !q.values.Has(name) {
		return def
	}
	text := q.values.Get(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < low || n > high {
		q.fail("%s=%s: it must be a whole number from %d to %d", name, text, low, high)
		return def
	}
	return n
}
