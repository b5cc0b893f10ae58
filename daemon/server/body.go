package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"ftd/api"
)

// body is the body of a request that is being read. It is limited in its size,
// and all that are held at a time in what they take together; the beginning of
// each is free, so that small requests are served whatever others send.
type body struct {
	io.ReadCloser
	client *client
	all    *atomic.Int64 // bytes of all bodies
	within time.Duration // in which it must come
	read   int64
	counts int64 // of what was read
}

const freeOfBody = 64 << 10

func (s *Server) body(w http.ResponseWriter, r *http.Request, most int64) *body {
	return &body{ReadCloser: http.MaxBytesReader(w, r.Body, most), client: clientOf(r), all: &s.bodies, within: s.bodyTimeout}
}

func (b *body) Read(p []byte) (n int, err error) {
	b.client.awaited(func() { n, err = b.ReadCloser.Read(p) })
	b.read += int64(n)
	if more := b.read - freeOfBody - b.counts; more > 0 {
		b.counts += more
		if b.all.Add(more) > maxBodies {
			return n, api.Errorf(codeBusy, "requests of %d MiB are being worked on already", maxBodies>>20).WithRemedy("try again later")
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = api.Errorf(api.CodeTimeout, "the request did not arrive within %v", b.within).WithRemedy("send it again")
	}
	return n, err
}

// release is called when nothing of the body is needed any more.
func (b *body) release() { b.all.Add(-b.counts) }

// decode reads a JSON body into v, a pointer to a struct. It takes exactly what
// openapi.yaml describes: a field that is unknown, written in other letters or
// given twice is a typing mistake, or a wish that this daemon is too old to
// grant, and text that is not UTF-8 would become something else without a word.
func decode(r *http.Request, v any) error {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if !utf8.Valid(data) {
		return notTaken(r, "it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return notTaken(r, mistake(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return api.Errorf(api.CodeBadRequest, "the body holds more than one JSON value")
	}
	names, err := namesOf(r, data, true)
	if err != nil {
		return err
	}
	for _, name := range required(reflect.TypeOf(v).Elem()) {
		if !names[name] {
			return notTaken(r, name+" is missing")
		}
	}
	return nil
}

// required are the names that a body of this type must have: those that the
// document calls so too, which a test compares.
func required(t reflect.Type) []string {
	var names []string
	for _, field := range reflect.VisibleFields(t) {
		if name, options, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && options != "omitempty" {
			names = append(names, name)
		}
	}
	return names
}

func notTaken(r *http.Request, why string) error {
	return api.Errorf(api.CodeBadRequest, "the body is not the JSON that %s %s takes: %s", r.Method, r.URL.Path, why).
		WithRemedy("GET /v1/openapi.json describes it")
}

// mistake puts an error of the JSON package into words that do not speak of Go.
func mistake(err error) string {
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		what := kind.Field
		if what == "" {
			what = "the body"
		}
		return what + " must be " + kindOf(kind.Type) + ", not " + kind.Value
	case errors.Is(err, io.EOF):
		return "it is empty"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends too early"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "an array"
	}
	return "an object"
}

// namesOf returns the names in a JSON object, and refuses what the JSON package
// takes as it may be meant: `"Recipe"` for `"recipe"`, the last of two that are
// equal, and null for no value at all. The arguments of a call are nobody's
// business but the function's.
func namesOf(r *http.Request, object []byte, fields bool) (map[string]bool, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil, notTaken(r, "it must be an object")
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		switch {
		case seen[name]:
			return nil, notTaken(r, "it has "+name+" twice")
		case fields && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "":
			return nil, notTaken(r, "unknown field \""+name+"\"; names are written in small letters")
		case fields && name == "args":
		case string(value) == "null":
			return nil, notTaken(r, name+" is null; leave it out instead")
		case fields && value[0] == '{':
			if _, err := namesOf(r, value, false); err != nil {
				return nil, err
			}
		}
		seen[name] = true
	}
	return seen, nil
}
