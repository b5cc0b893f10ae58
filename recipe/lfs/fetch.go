package lfs

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"ftd/recipe/fault"
	"ftd/recipe/fetch"
)

// Request is the files that a set of pointers stands for.
type Request struct {
	Pointers []Pointer
	// Sources are repositories, by their address as git clone takes it, and
	// directories that hold the files under their names; tried in this order.
	Sources []string
	// Header is sent to the host of the first repository, and to no other.
	Header http.Header
	// Dir is where the files go, Parts where they are until they are whole.
	Dir, Parts string
	// Progress is told how much there is of all files together.
	Progress func(done, total int64, name string)
	Log      func(line string)
	Tuning   fetch.Tuning
}

// Fetch puts the files that the pointers stand for into Dir. A file that is
// there already, whole, is not fetched again.
func Fetch(ctx context.Context, r Request) error {
	if len(r.Sources) == 0 {
		return fault.New(fetch.CodeUnreachable, "name the repository, a mirror of it, or a directory with the files", "nothing says where %s comes from", r.Pointers[0].Path)
	}
	var before int64
	total := Total(r.Pointers)
	addresses := newAddressBook(r)
	for _, p := range r.Pointers {
		target := filepath.Join(r.Dir, filepath.FromSlash(p.Path))
		if !filepath.IsLocal(filepath.FromSlash(p.Path)) {
			return fault.New(fetch.CodeUnreachable, "name files within the directory", "%s is not a file of the directory", p.Path)
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if info, err := os.Stat(target); err != nil || info.Size() != p.Size {
			if err := r.file(ctx, addresses, p, target, before, total); err != nil {
				return err
			}
		}
		before += p.Size
		r.Progress(before, total, p.Path)
	}
	return nil
}

// file fetches one file, from the first source that has it.
func (r Request) file(ctx context.Context, addresses *addressBook, p Pointer, target string, before, total int64) error {
	var failures []error
	for _, source := range r.Sources {
		f := fetch.Request{
			Target: target, Part: filepath.Join(r.Parts, p.OID+".part"), Size: p.Size, SHA256: p.OID,
			Log: r.Log, Tuning: r.Tuning,
			Progress: func(done, _ int64) { r.Progress(before+done, total, p.Path) },
		}
		err := addresses.fetch(ctx, source, p, f)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var known *fault.Fault
		if errors.As(err, &known) && known.Code == fetch.CodeDiskFull {
			return err
		}
		failures = append(failures, err)
		if len(failures) < len(r.Sources) {
			r.Log(err.Error() + "; trying the next source")
		}
	}
	return summary(p, failures)
}

func summary(p Pointer, failures []error) error {
	sum := fault.New(fetch.CodeUnreachable, "name a mirror of the repository, or a directory with the files", "%s cannot be had", p.Path)
	var known *fault.Fault
	if errors.As(failures[0], &known) {
		sum.Code, sum.Remedy = known.Code, known.Remedy
	}
	for _, err := range failures {
		message := err.Error()
		if errors.As(err, &known) {
			message = known.Message
		}
		sum.Message += "; " + message
	}
	return sum
}

// addressBook remembers what a batch answer said, for its addresses are good
// for a while and for all files.
type addressBook struct {
	Request
	known map[string]map[string]answer // by source and OID
	down  map[string]error             // sources that did not answer: not every file waits for them
}

func newAddressBook(r Request) *addressBook {
	return &addressBook{Request: r, known: map[string]map[string]answer{}, down: map[string]error{}}
}

// fetch gets a file from one source. Addresses may expire while the files
// before it are on their way: then they are asked for once more.
func (b *addressBook) fetch(ctx context.Context, source string, p Pointer, f fetch.Request) error {
	if !fetch.IsAddress(source) {
		path := filepath.Join(source, filepath.FromSlash(p.Path))
		if _, ok, _ := read(path); ok {
			return fault.New(fetch.CodeNotFound, "name a directory with the files themselves, or a repository", "%s is a Git LFS pointer itself", path)
		}
		f.Sources = []string{path}
		_, err := fetch.Get(ctx, f)
		return err
	}
	for again := false; ; again = true {
		a, err := b.address(ctx, source, p)
		if err != nil {
			return err
		}
		f.Sources, f.Header = []string{a.Href}, http.Header{}
		for name, value := range a.Header {
			f.Header.Set(name, value)
		}
		_, err = fetch.Get(ctx, f)
		var known *fault.Fault
		if again || !errors.As(err, &known) || known.Code != fetch.CodeExpired && known.Code != fetch.CodeRefused {
			return err
		}
		delete(b.known, source)
	}
}

func (b *addressBook) address(ctx context.Context, source string, p Pointer) (*action, error) {
	if err := b.down[source]; err != nil {
		return nil, err
	}
	if _, asked := b.known[source][p.OID]; !asked {
		from := 0
		for from < len(b.Pointers) && b.Pointers[from].OID != p.OID {
			from++
		}
		var header http.Header
		if strings.EqualFold(source, b.first()) {
			header = b.Header
		}
		found, err := ask(ctx, source, header, b.Pointers[from:min(from+perBatch, len(b.Pointers))], b.Tuning)
		if err != nil {
			b.down[source] = err
			return nil, err
		}
		b.known[source] = found
	}
	a := b.known[source][p.OID]
	if a.action == nil && a.refusal == nil {
		a.refusal = fault.New(fetch.CodeNotFound, elsewhere, "%s says nothing about %s", fetch.Shown(source), p.Path)
	}
	return a.action, a.refusal
}

func (b *addressBook) first() string {
	for _, s := range b.Sources {
		if fetch.IsAddress(s) {
			return s
		}
	}
	return ""
}
