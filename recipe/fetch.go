package recipe

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ftd/recipe/expression"
	"ftd/recipe/fault"
	"ftd/recipe/fetch"
)

// fetchKind brings a file from where it is offered. A file or a directory of
// the user's stays where it is, so that a recipe takes either.
type fetchKind struct{}

var sha256Digits = expression.Lazily(`^[0-9A-Fa-f]{64}$`)

func (fetchKind) Params() []Param {
	return append([]Param{
		{Name: "source", Type: Location, Required: true, Doc: "an address (http, https), or a file or directory that is used as it is, or of which the file name is; empty: the first mirror"},
		{Name: "mirrors", Type: Locations, Default: []string{}, Doc: "addresses and files that are tried next, in this order; empty ones are left out"},
		{Name: "name", Type: Text, Default: "", Doc: "the name of the file; empty: as the address says"},
		{Name: "size", Type: Integer, Least: new(int64(0)), Default: int64(0), Doc: "bytes of the file; 0: not known"},
		{Name: "about", Type: Integer, Least: new(int64(0)), Default: int64(0), Doc: "about how many bytes it is, for a plan where size is not known; 0: not known"},
		{Name: "sha256", Type: Text, Default: "", Pattern: sha256Digits, Looks: "64 hexadecimal digits", Doc: "SHA-256 of the file in hexadecimal digits; empty: not known"},
	}, secretParams()...)
}

// secretParams say what to send to a server that wants a login. The secret is
// in a variable of the environment, and never in the recipe.
func secretParams() []Param {
	return []Param{
		{Name: "token", Type: Text, Default: "", Doc: "name of an environment variable with a token, sent to the host of the first address only"},
		{Name: "headers", Type: Values, Default: map[string]any{}, Doc: "HEADER: name of an environment variable with its value; likewise"},
	}
}

func (fetchKind) Outputs() []string { return []string{"file", "source", "bytes", "sha256"} }

func (k fetchKind) Plan(_ context.Context, s *StepContext) (Plan, error) {
	sources := k.sources(s)
	plan := Plan{Summary: "fetch " + k.name(s), Outputs: k.Outputs()}
	if k.local(s) {
		plan.Summary, plan.Inputs = "use "+s.text("source"), []string{s.text("source")}
		return plan, nil
	}
	size, _ := s.With["size"].(int64)
	if size == 0 {
		size = s.about("about")
	}
	plan.Disk = size
	shown := make([]string, len(sources))
	for i, source := range sources {
		shown[i] = fetch.Shown(source)
	}
	plan.Downloads = []Download{{Name: k.name(s), Sources: shown, Size: size, SHA256: s.text("sha256")}}
	return plan, nil
}

// local says whether the source is on this machine, and used where it is.
func (fetchKind) local(s *StepContext) bool {
	return s.text("source") != "" && !fetch.IsAddress(s.text("source"))
}

func (fetchKind) sources(s *StepContext) []string {
	var sources []string
	for _, source := range append([]string{s.text("source")}, s.texts("mirrors")...) {
		if source != "" {
			sources = append(sources, source)
		}
	}
	return sources
}

func (k fetchKind) name(s *StepContext) string {
	name := s.text("name")
	if sources := k.sources(s); name == "" && len(sources) > 0 {
		name = fetch.Name(sources[0])
	}
	return filepath.Base(name)
}

// Key is that of the content where its checksum is known, wherever it comes
// from; else that of the address, without a signature; a local file's is its
// size and time.
func (k fetchKind) Key(_ context.Context, s *StepContext) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%d fetch %q %d %q\n", keyVersion, k.name(s), s.With["size"], strings.ToLower(s.text("sha256")))
	switch source := s.text("source"); {
	case k.local(s):
		source = k.within(s, source)
		info, err := os.Stat(source)
		if err != nil {
			return "", inputProblem(Param{Name: "source", Type: File}, source, err)
		}
		fmt.Fprintf(h, "%q %d %s %v\n", source, info.Size(), info.ModTime().UTC().Format(time.RFC3339Nano), info.IsDir())
	case s.text("sha256") == "":
		for _, source := range k.sources(s) {
			fmt.Fprintf(h, "%q\n", fetch.Identity(source))
		}
	}
	return digest(h), nil
}

func (k fetchKind) Run(ctx context.Context, s *StepContext) (map[string]string, error) {
	if k.local(s) {
		return k.use(s)
	}
	header, err := secrets(s)
	if err != nil {
		return nil, err
	}
	name := k.name(s)
	if name == "." || name == "/" {
		return nil, &Problem{Code: CodeInvalid, Message: fmt.Sprintf("the step %s does not say what to fetch", s.Step.ID), Remedy: "give source: an address or a path"}
	}
	size, _ := s.With["size"].(int64)
	result, err := fetch.Get(ctx, fetch.Request{
		Sources: k.sources(s), Header: header, Target: filepath.Join(s.Dir, name), Part: filepath.Join(partial(s), k.part(s)+".part"),
		Size: size, SHA256: s.text("sha256"), HTML: strings.HasSuffix(name, ".html"),
		Progress: func(done, total int64) { s.Host.Progress(s.Step.ID, done, total, name) },
		Log:      func(line string) { s.Host.Output(s.Step.ID, line) },
	})
	if err != nil {
		return nil, err
	}
	s.Host.Output(s.Step.ID, fmt.Sprintf("%s: %d bytes from %s", name, result.Size, result.Source))
	return map[string]string{"file": filepath.Join(s.Dir, name), "source": result.Source, "bytes": fmt.Sprint(result.Size), "sha256": result.SHA256}, nil
}

// part names what is half fetched, the same for every job that wants it.
func (k fetchKind) part(s *StepContext) string {
	h := sha256.New()
	fmt.Fprintln(h, k.name(s), strings.ToLower(s.text("sha256")))
	if s.text("sha256") == "" {
		fmt.Fprintln(h, fetch.Identity(k.sources(s)[0]))
	}
	return digest(h)
}

// parts implements [partly].
func (k fetchKind) parts(s *StepContext) []string {
	if k.local(s) || len(k.sources(s)) == 0 {
		return nil
	}
	return []string{k.part(s) + ".part"}
}

// partial is where half a file stays for the next attempt.
func partial(s *StepContext) string {
	if s.Settings.Partial == "" {
		return s.Dir
	}
	return s.Settings.Partial
}

// within is the file of a directory that has the name of what is wanted, or else
// the path itself.
func (fetchKind) within(s *StepContext, path string) string {
	if name := s.text("name"); name != "" {
		file := filepath.Join(path, filepath.Base(name))
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
	}
	return path
}

// use takes a file or a directory of the user's as it is.
func (k fetchKind) use(s *StepContext) (map[string]string, error) {
	path := k.within(s, s.text("source"))
	info, err := os.Stat(path)
	if err != nil {
		return nil, inputProblem(Param{Name: "source", Type: File}, path, err)
	}
	outputs := map[string]string{"file": path, "source": path, "bytes": "", "sha256": ""}
	size, _ := s.With["size"].(int64)
	if info.IsDir() && (size > 0 || s.text("sha256") != "") {
		return nil, fault.New(fetch.CodeNotFound, "name the file", "%s is a directory without %s", path, k.name(s))
	}
	if info.IsDir() {
		return outputs, nil
	}
	outputs["bytes"] = fmt.Sprint(info.Size())
	if size > 0 && info.Size() != size {
		return nil, fault.New(fetch.CodeChecksum, "this is another version of the file, or not the file; name another one", "%s holds %d bytes instead of %d", path, info.Size(), size)
	}
	if want := s.text("sha256"); want != "" {
		if outputs["sha256"], err = fetch.Sum(path); err != nil {
			return nil, err
		}
		if !strings.EqualFold(outputs["sha256"], want) {
			return nil, fault.New(fetch.CodeChecksum, "this is another version of the file, or a damaged one; name another one", "%s has the SHA-256 %s instead of %s", path, outputs["sha256"], want)
		}
	}
	return outputs, nil
}

func (fetchKind) Verify(_ context.Context, _ *StepContext, outputs map[string]string) error {
	info, err := os.Stat(outputs["file"])
	if err == nil && outputs["bytes"] != "" && fmt.Sprint(info.Size()) != outputs["bytes"] {
		err = &fs.PathError{Op: "size", Path: outputs["file"], Err: fmt.Errorf("holds %d bytes instead of %s", info.Size(), outputs["bytes"])}
	}
	return err
}

// secrets reads the headers whose values are in the environment: that of the
// job, or else the one that the program was started with.
func secrets(s *StepContext) (http.Header, error) {
	names := map[string]string{}
	values, _ := s.With["headers"].(map[string]any)
	for header, variable := range values {
		names[header] = fmt.Sprint(variable)
	}
	if token := s.text("token"); token != "" {
		names["Authorization"] = token
	}
	header := http.Header{}
	for name, variable := range names {
		value, given := s.Env[variable]
		if !given {
			value = environ(s.Settings.Start, variable)
		}
		if value == "" {
			return nil, &Problem{
				Code:    fetch.CodeRefused,
				Message: fmt.Sprintf("the environment variable %s, which is to hold a secret for %s, is not set", variable, s.Step.ID),
				Remedy:  fmt.Sprintf("set it where ftd is started, or with ftctl run --env %s=...", variable),
			}
		}
		if variable == s.text("token") {
			value = "Bearer " + value
		}
		header.Set(name, value)
	}
	return header, nil
}
