package server

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"ftd/api"
)

// Limits of single inputs, in characters where nothing else is said. openapi.yaml
// names them too. They keep answers readable and the journal small, and refuse
// what no system call takes; a recipe's text is limited by its body.
const (
	maxName     = 200     // of an idempotency key, a job, a variable, a module, a function, a reference to a job
	maxPath     = 4096    // PATH_MAX
	maxValue    = 1 << 17 // MAX_ARG_STRLEN: of a variable, an argument
	maxTexts    = 1000    // variables, entries of the environment
	maxCommand  = 10_000  // arguments
	maxCards    = 1024
	maxChecks   = 100
	maxEmbedded = 24 * 60 * 60 // seconds that a call may ask for
)

// limits collects the first thing that is wrong with a request.
type limits struct{ err *api.Error }

func (l *limits) refuse(format string, args ...any) {
	if l.err == nil {
		l.err = api.Errorf(api.CodeBadRequest, format, args...)
	}
}

// text is something that is handed to the system: no zero byte, not too long.
func (l *limits) text(what, value string, longest int) {
	switch {
	case utf8.RuneCountInString(value) > longest:
		l.refuse("%s is longer than %d characters", what, longest)
	case !utf8.ValidString(value):
		l.refuse("%s is not UTF-8", what)
	case strings.ContainsRune(value, 0):
		l.refuse("%s contains a zero byte", what)
	}
}

// name is a text that is shown in a table: one line, nothing that moves a
// terminal's cursor.
func (l *limits) name(what, value string) {
	l.text(what, value, maxName)
	if strings.ContainsFunc(value, unicode.IsControl) {
		l.refuse("%s contains a control character", what)
	}
}

func (l *limits) texts(what string, values map[string]string) {
	if len(values) > maxTexts {
		l.refuse("there are more than %d %s", maxTexts, what)
	}
	for name, value := range values {
		if name == "" {
			l.refuse("there is an entry without a name in %s", what)
		}
		l.name("a name in "+what, name)
		l.text(what+" "+name, value, maxValue)
	}
}

// result is err as an error: a nil *api.Error would be an error that is not nil.
func (l *limits) result() error {
	if l.err == nil {
		return nil
	}
	return l.err
}

// submitOf reads what is asked for, and refuses what is too large.
func submitOf(r *http.Request) (s api.Submit, err error) {
	if err := decode(r, &s); err != nil {
		return s, err
	}
	var l limits
	l.name("name", s.Name)
	l.name("recipe", s.Recipe)
	l.name("from", s.From)
	l.text("base", s.Base, maxPath)
	l.text("dir", s.Dir, maxPath)
	l.texts("vars", s.Vars)
	l.texts("env", s.Env)
	if len(s.Command) > maxCommand {
		l.refuse("command has more than %d words", maxCommand)
	}
	for _, word := range s.Command {
		l.text("a word of command", word, maxValue)
	}
	if len(s.SkipChecks) > maxChecks {
		l.refuse("skip_checks has more than %d words", maxChecks)
	}
	for _, id := range s.SkipChecks {
		l.name("a word of skip_checks", id)
	}
	if s.Cards != nil && *s.Cards > maxCards {
		l.refuse("cards must be at most %d", maxCards)
	}
	return s, l.result()
}

// idempotencyKey returns the key that a client gave to its request.
func idempotencyKey(r *http.Request) (key string, given bool, err error) {
	values, given := r.Header[http.CanonicalHeaderKey(api.HeaderIdempotencyKey)]
	if !given {
		return "", false, nil
	}
	var l limits
	if len(values) > 1 || values[0] == "" {
		l.refuse("%s must be given once, with 1 to %d characters", api.HeaderIdempotencyKey, maxName)
	}
	l.name(api.HeaderIdempotencyKey, values[0])
	return values[0], true, l.result()
}
