package notices

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"ftd/api"
)

// Load reads whom to tell from a YAML file, a list of targets, and checks all
// that can be checked without telling anybody; "" is nobody.
func Load(path string) ([]*Target, error) {
	if path == "" {
		return nil, nil
	}
	remedy := "correct the file, or leave the setting `notify` out; docs/operate.md shows one"
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, api.Errorf(api.CodeSettings, "whom to notify cannot be read: %v", err).WithRemedy("%s", remedy)
	}
	refuse := func(line int, format string, args ...any) ([]*Target, error) {
		return nil, api.Errorf(api.CodeSettings, "%s:%d: %s", path, line, fmt.Sprintf(format, args...)).WithRemedy("%s", remedy)
	}
	var targets []*Target
	err = yaml.NewDecoder(bytes.NewReader(text), yaml.DisallowUnknownField()).Decode(&targets)
	if err != nil && !errors.Is(err, io.EOF) {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil {
			// Without the source: there are secrets in it.
			return refuse(at.GetToken().Position.Line, "%s", at.GetMessage())
		}
		return refuse(1, "it must be a list of targets")
	}
	lines := append(linesIn(text), slices.Repeat([]int{1}, len(targets))...) // of what is written in an odd way
	names := map[string]bool{}
	for i, t := range targets {
		if t == nil {
			t = &Target{}
		}
		if t.Name == "" {
			t.Name = fmt.Sprintf("target-%d", i+1)
		}
		err := t.check()
		if err == nil && names[t.Name] {
			err = errors.New("another has the same name")
		}
		if err != nil {
			return refuse(lines[i], "%s: %v", t.Name, err)
		}
		names[t.Name] = true
	}
	return targets, nil
}

// linesIn are the lines on which the targets begin.
func linesIn(text []byte) (lines []int) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil // it was read already
	}
	for _, doc := range file.Docs {
		list, ok := doc.Body.(*ast.SequenceNode)
		if !ok {
			continue
		}
		for _, n := range list.Values {
			token := n.GetToken()
			if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
				token = m.Values[0].Key.GetToken() // its own is a colon
			} else if v, ok := n.(*ast.MappingValueNode); ok {
				token = v.Key.GetToken()
			}
			lines = append(lines, token.Position.Line)
		}
	}
	return lines
}

// check fills in what a target leaves out and refuses what cannot work.
func (t *Target) check() (err error) {
	switch {
	case (t.URL == "") == (len(t.Command) == 0):
		return errors.New("it needs a url or a command, one of them")
	case len(t.Command) > 0 && len(t.Headers) > 0:
		return errors.New("headers belong to a url")
	}
	if t.URL != "" {
		if u, err := url.Parse(t.URL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return errors.New("its url must begin with http:// or https:// and a host")
		}
	}
	known := []string{Finished, Failed, Stopped, Watchdog, Disk}
	for _, event := range t.On {
		if !slices.Contains(known, event) {
			return fmt.Errorf("there is no event %q, only %s", event, strings.Join(known, ", "))
		}
	}
	if len(t.On) == 0 {
		t.On = []string{Finished, Failed, Watchdog, Disk}
	}
	if t.Text == "" {
		t.Text = defaultText
	}
	if t.Timeout < 0 || t.GiveUp < 0 {
		return errors.New("timeout and give_up are times such as 10s or 1h")
	}
	if t.Timeout == 0 {
		t.Timeout = 10 * time.Second
	}
	if t.GiveUp == 0 {
		t.GiveUp = time.Hour
	}
	t.pause = time.Second
	if t.text, err = parse("text", t.Text); err != nil {
		return err
	}
	if t.Body != "" {
		if t.body, err = parse("body", t.Body); err != nil {
			return err
		}
	}
	_, _, err = t.fill(sample(time.Now()))
	return err
}

func parse(name, text string) (*template.Template, error) {
	return template.New(name).Funcs(template.FuncMap{"json": func(v any) (string, error) {
		data, err := json.Marshal(v)
		return string(data), err
	}}).Parse(text)
}
