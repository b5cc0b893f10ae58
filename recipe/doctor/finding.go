package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// Level says how bad a finding is.
type Level string

// The levels, from good to bad. An Error makes a training fail or waste its
// time; a Warning may.
const (
	OK      Level = "ok"
	Warning Level = "warning"
	Error   Level = "error"
)

// Text is a sentence in both languages.
type Text struct {
	EN, ZH string
}

// say fills the same values into both sentences; the Chinese one may want them
// in another order: %[2]s.
func say(en, zh string, values ...any) Text {
	if len(values) == 0 {
		return Text{en, zh}
	}
	return Text{fmt.Sprintf(en, values...), fmt.Sprintf(zh, values...)}
}

// In returns the sentence in the language of a locale name: Chinese for one
// that begins with "zh", else English.
func (t Text) In(locale string) string {
	if strings.HasPrefix(strings.ToLower(locale), "zh") && t.ZH != "" {
		return t.ZH
	}
	return t.EN
}

// Finding is what a check found.
type Finding struct {
	// Check is the check's id, a stable word such as "opencv".
	Check string
	Level Level
	Found Text
	// Why says what it leads to, Remedy what to do; empty for OK.
	Why    Text
	Remedy Text
	// Fix carries out the remedy; nil where only a person should.
	Fix *Fix
}

// Fix is a remedy that is safe to carry out unasked.
type Fix struct {
	// Does says what it does, as a command where it is one.
	Does string
	Do   func(ctx context.Context) error
}

// In returns the finding in the language of a locale name, for JSON.
func (f Finding) In(locale string) json.Marshaler { return localized{f, locale} }

type localized struct {
	Finding
	locale string
}

// MarshalJSON implements [json.Marshaler].
func (l localized) MarshalJSON() ([]byte, error) {
	out := struct {
		Check  string `json:"check"`
		Level  Level  `json:"level"`
		Found  string `json:"found"`
		Why    string `json:"why,omitempty"`
		Remedy string `json:"remedy,omitempty"`
		Fix    string `json:"fix,omitempty"`
	}{l.Check, l.Level, l.Found.In(l.locale), l.Why.In(l.locale), l.Remedy.In(l.locale), ""}
	if l.Fix != nil {
		out.Fix = l.Fix.Does
	}
	return json.Marshal(out)
}

// fine is the finding of a check that has nothing to say against it.
func fine(en, zh string, values ...any) []Finding {
	return []Finding{{Level: OK, Found: say(en, zh, values...)}}
}
