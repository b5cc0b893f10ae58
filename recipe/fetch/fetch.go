package fetch

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/renameio/v2"

	"ftd/recipe/fault"
	"ftd/recipe/lock"
)

// The codes of faults that [Get] returns.
const (
	CodeExpired     = "url-expired"     // the signature in the address is no longer valid
	CodeUnreachable = "fetch-failed"    // no source gave the file
	CodeRefused     = "fetch-refused"   // the server wants other rights
	CodeNotFound    = "fetch-not-found" // the server does not have it
	CodeLogin       = "fetch-not-a-file"
	CodeChecksum    = "fetch-checksum"
	CodeDiskFull    = "disk-full"
)

// Request is a file to fetch.
type Request struct {
	// Sources are addresses (http, https) or paths of local files, tried in
	// this order. Empty ones are left out.
	Sources []string
	// Header is sent to the host of the first source that is an address, and
	// to no other: it may hold a password.
	Header http.Header
	// Target is the file to make, Part what it is called until it is whole.
	// Both must be on one filesystem.
	Target, Part string
	// Size in bytes, and SHA256 in hexadecimal digits; 0 and "" if not known.
	Size   int64
	SHA256 string
	// HTML says that a page of HTML is what is wanted.
	HTML bool
	// Progress is told how much of it there is, Log what a person may want to
	// know; both may be nil.
	Progress func(done, total int64)
	Log      func(line string)
	// Tuning is for those who know the line; the zero value is sensible.
	Tuning Tuning
}

// Tuning says how patient a fetch is.
type Tuning struct {
	// Tries are the attempts at one source that may fail in a row without a
	// byte gained; 0 means 5.
	Tries int
	// Pause is the first pause between two attempts (it doubles, to a minute
	// at most); 0 means one second.
	Pause time.Duration
	// Patience is how long nothing may arrive, or, where there is another
	// source, less than Least bytes; 0 means 30 seconds and 64 KiB.
	Patience time.Duration
	Least    int64
}

// Result says what was fetched.
type Result struct {
	Source string // where from, fit to be shown
	Size   int64
	SHA256 string
	// Resumed is how many bytes were there from an earlier time.
	Resumed int64
}

// Get fetches a file. When ctx ends, the part stays for the next time.
func Get(ctx context.Context, r Request) (Result, error) {
	sources := slicesWithout(r.Sources, "")
	if len(sources) == 0 {
		return Result{}, fault.New(CodeUnreachable, "name an address or the path of a local file", "nothing says where %s comes from", filepath.Base(r.Target))
	}
	r.fill()
	release, err := lock.File(ctx, r.Part+".lock", func() {
		r.Log(filepath.Base(r.Target) + " is being fetched by another job: waiting for it")
	})
	if err != nil {
		return Result{}, err
	}
	defer release()
	var failures []error
	for i, source := range sources {
		g := getter{Request: r, source: source, shown: Shown(source), last: i == len(sources)-1}
		if sameHost(source, firstAddress(sources)) {
			g.header = r.Header
		}
		result, err := g.get(ctx)
		if err == nil {
			return result, nil
		}
		if ctx.Err() != nil {
			return Result{}, context.Cause(ctx)
		}
		var f *fault.Fault
		if errors.As(err, &f) && f.Code == CodeDiskFull {
			return Result{}, err // it is full for every source
		}
		failures = append(failures, err)
		if !g.last {
			r.Log(fmt.Sprintf("%v; trying the next source", err))
		}
	}
	return Result{}, summary(failures)
}

// summary is one fault of all: the first, which is the source that a person
// named first, and what the others said.
func summary(failures []error) error {
	var first *fault.Fault
	if !errors.As(failures[0], &first) {
		first = fault.New(CodeUnreachable, "check the connection and the address, or name a mirror or a local copy", "%v", failures[0])
	}
	message := []string{first.Message}
	for _, err := range failures[1:] {
		var f *fault.Fault
		if errors.As(err, &f) {
			message = append(message, f.Message)
		} else {
			message = append(message, err.Error())
		}
	}
	return &fault.Fault{Code: first.Code, Message: strings.Join(message, "; "), Remedy: first.Remedy}
}

func (r *Request) fill() {
	if r.Progress == nil {
		r.Progress = func(int64, int64) {}
	}
	if r.Log == nil {
		r.Log = func(string) {}
	}
	r.Tuning = r.Tuning.Filled()
}

// Filled is the tuning with what was left open.
func (t Tuning) Filled() Tuning {
	return Tuning{
		Tries: cmp.Or(t.Tries, 5), Pause: cmp.Or(t.Pause, time.Second),
		Patience: cmp.Or(t.Patience, 30*time.Second), Least: cmp.Or(t.Least, 64<<10),
	}
}

// getter fetches from one source.
type getter struct {
	Request
	source string
	shown  string
	header http.Header
	last   bool // there is no other source
}

func (g getter) get(ctx context.Context) (Result, error) {
	if !IsAddress(g.source) {
		return g.copy(ctx)
	}
	if at, ok := Expiry(g.source); ok && time.Now().After(at) {
		return Result{}, expired(g.shown, at)
	}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = g.Tuning.Pause, time.Minute
	for tries := 1; ; tries++ {
		before := partSize(g.Part)
		result, err := g.attempt(ctx)
		if err == nil || permanent(err) || ctx.Err() != nil {
			return result, err
		}
		if partSize(g.Part) > before {
			tries = 1
			pause.Reset()
		}
		if tries >= g.Tuning.Tries {
			return Result{}, fault.New(CodeUnreachable, "check the connection, or name a mirror or a local copy; what has arrived is kept",
				"%s failed %d times: %v", g.shown, tries, err)
		}
		wait := pause.NextBackOff()
		var later *laterError
		if errors.As(err, &later) && later.after > 0 {
			wait = min(later.after, time.Minute)
		}
		g.Log(fmt.Sprintf("%s: %v; trying again in %s", g.shown, err, wait.Round(100*time.Millisecond)))
		select {
		case <-ctx.Done():
			return Result{}, context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// permanent says whether trying the same source again is of no use.
func permanent(err error) bool {
	var f *fault.Fault
	return errors.As(err, &f)
}

// copy takes a local file.
func (g getter) copy(ctx context.Context) (Result, error) {
	in, err := os.Open(g.source)
	if err != nil {
		return Result{}, fault.New(CodeNotFound, "check the path, and who may read it", "%s cannot be read: %v", g.source, errors.Unwrap(err))
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return Result{}, err
	}
	if !info.Mode().IsRegular() {
		return Result{}, fault.New(CodeNotFound, "name a file", "%s is not a file", g.source)
	}
	p, err := openPart(g.Part, partState{Source: g.shown, Size: info.Size()}, 0)
	if err != nil {
		return Result{}, err
	}
	defer p.Close()
	if err := g.room(info.Size()); err != nil {
		return Result{}, err
	}
	if err := g.receive(ctx, p, in, 0, info.Size()); err != nil {
		return Result{}, err
	}
	return g.finish(p, 0)
}

// finish looks at a part that is whole, and gives it its name.
func (g getter) finish(p *part, resumed int64) (Result, error) {
	sum, size, err := p.sum()
	if err != nil {
		return Result{}, err
	}
	if g.Size > 0 && size != g.Size {
		p.discard()
		return Result{}, fault.New(CodeChecksum, "this is another version of the file, or not the file; name another source",
			"%s holds %d bytes instead of %d", g.shown, size, g.Size)
	}
	if size == 0 && g.SHA256 == "" {
		p.discard()
		return Result{}, fault.New(CodeLogin, "the server may have lost it; name another source", "%s is empty", g.shown)
	}
	if g.SHA256 != "" && !strings.EqualFold(sum, g.SHA256) {
		p.discard()
		if resumed > 0 { // the old half may be to blame
			return Result{}, fmt.Errorf("what had arrived before does not fit (SHA-256 %s): beginning anew", sum)
		}
		return Result{}, fault.New(CodeChecksum, "this is another version of the file, or a damaged one; name another source",
			"%s has the SHA-256 %s instead of %s", g.shown, sum, g.SHA256)
	}
	if err := p.Sync(); err != nil {
		return Result{}, err
	}
	if err := os.Rename(g.Part, g.Target); err != nil {
		return Result{}, err
	}
	os.Remove(g.Part + stateSuffix)
	return Result{Source: g.shown, Size: size, SHA256: sum, Resumed: resumed}, nil
}

// Sum returns the SHA-256 of a file in hexadecimal digits.
func Sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

func writeFile(path string, data []byte) error { return renameio.WriteFile(path, data, 0o600) }
