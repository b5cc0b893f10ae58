//go:build python

package pybridge

import (
	"encoding/json"
	"errors"
	"fmt"
)

// These cross the border to pybridge/py/ftd/_bridge.py as JSON.

// settings is what start gets.
type settings struct {
	Worker bool `json:"worker"`
	Device bool `json:"device"` // leave the cards visible
}

// order is what a worker gets on its standard input.
type order struct {
	Config   Config   `json:"config"`
	Probed   probed   `json:"probed"`
	Settings settings `json:"settings"`
	Header   header   `json:"header"`
	Args     []byte   `json:"args"`
}

// facts is what start answers.
type facts struct {
	Version string   `json:"version"`
	Program string   `json:"program"`
	Prefix  string   `json:"prefix"`
	Path    []string `json:"path"`
}

// header is what enter gets: one of Function, Script and Imports is set.
type header struct {
	Module     string            `json:"module,omitempty"`
	Function   string            `json:"function,omitempty"`
	Script     string            `json:"script,omitempty"`
	Argv       []string          `json:"argv,omitempty"`
	Imports    []string          `json:"imports,omitempty"`
	Path       []string          `json:"path,omitempty"`
	Dir        string            `json:"dir,omitempty"`
	Env        map[string]string `json:"env,omitempty"`
	ProgressFD int               `json:"progress_fd"` // -1 for none
}

// what names the call for people.
func (h header) what() string {
	switch {
	case h.Script != "":
		return h.Script
	case len(h.Imports) > 0:
		return "import check"
	default:
		return h.Module + "." + h.Function
	}
}

// answer is how a call ended: with a result, an exit code or an error.
type answer struct {
	result json.RawMessage
	exit   *ExitError
	err    error
}

// decodeAnswer reads what run answers: a letter and JSON.
func decodeAnswer(text []byte) answer {
	if len(text) == 0 {
		return answer{err: errors.New("the bridge's Python side gave no answer")}
	}
	body := text[1:]
	switch text[0] {
	case 'R':
		return answer{result: body}
	case 'X':
		exit := new(ExitError)
		if err := json.Unmarshal(body, exit); err != nil {
			return answer{err: fmt.Errorf("the bridge's Python side gave an unreadable exit code: %w", err)}
		}
		return answer{exit: exit}
	default:
		return answer{err: decodePyError(body)}
	}
}

func decodePyError(body []byte) error {
	e := new(PyError)
	if err := json.Unmarshal(body, e); err != nil {
		return fmt.Errorf("a Python exception could not be read: %w", err)
	}
	return e
}

// encode is the opposite of decodeAnswer, for what a worker has to say.
func (a answer) encode() (string, error) {
	var e *PyError
	switch {
	case errors.As(a.err, &e):
		text, err := json.Marshal(e)
		return "E" + string(text), err
	case a.err != nil:
		return "", a.err
	case a.exit != nil:
		text, err := json.Marshal(a.exit)
		return "X" + string(text), err
	default:
		return "R" + string(a.result), nil
	}
}

// call returns the answer of a function call: SystemExit is an error there,
// unless it says that all is well.
func (a answer) call() (json.RawMessage, error) {
	if a.exit != nil && a.err == nil {
		if a.exit.Code == 0 {
			return json.RawMessage("null"), nil
		}
		return nil, a.exit
	}
	return a.result, a.err
}

// script returns the answer of a script: its exit code.
func (a answer) script() (int, error) {
	if a.err != nil {
		return 1, a.err
	}
	return a.exit.Code, nil
}
