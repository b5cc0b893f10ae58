package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"ftd/daemon/journal"
	"ftd/daemon/statedir"
	"ftd/recipe"
)

// unfinished begins the name of a result's directory until it is committed.
const unfinished = ".new-"

// results is recipe.Results.
type results struct {
	*Engine
	log zerolog.Logger // of the job
}

func (r results) Find(ctx context.Context, key string) (map[string]string, bool, error) {
	found, ok, err := r.Journal.Result(ctx, key)
	return found.Outputs, ok, err
}

func (r results) Dir(_ context.Context, key, place string) (string, error) {
	place = cmp.Or(place, r.State.Path())
	if err := statedir.MakePlace(place); err != nil {
		return "", err
	}
	return os.MkdirTemp(statedir.ResultsIn(place), unfinished+filepath.Base(key)+"-")
}

// Commit gives the directory its name before the journal learns of it: a crash
// in between leaves a directory that the next result of that key replaces.
func (r results) Commit(ctx context.Context, key, dir string, outputs map[string]string) (map[string]string, error) {
	final := filepath.Join(filepath.Dir(dir), filepath.Base(key))
	older, _, _ := r.Journal.Result(ctx, key)
	if _, err := os.Lstat(final); err == nil {
		aside, err := os.MkdirTemp(filepath.Dir(dir), unfinished)
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(aside)
		if err := os.Rename(final, filepath.Join(aside, "old")); err != nil {
			return nil, fmt.Errorf("an older result cannot be replaced: %w", err)
		}
	}
	if err := os.Rename(dir, final); err != nil {
		return nil, fmt.Errorf("the result cannot be stored: %w", err)
	}
	moved := map[string]string{}
	for name, value := range outputs {
		if rest, ok := strings.CutPrefix(value, dir); ok && (rest == "" || rest[0] == filepath.Separator) {
			value = final + rest
		}
		moved[name] = value
	}
	err := r.keepTrying(ctx, r.log, func(ctx context.Context) error {
		return r.Journal.PutResult(ctx, journal.Result{Key: key, Dir: final, Outputs: moved})
	})
	if err == nil && older.Dir != "" && older.Dir != final { // in another place
		err = os.RemoveAll(older.Dir)
	}
	return moved, err
}

// Drop leaves the files: the next result of that key takes their place. The
// journal would not know where they are in another place, so there they go.
func (r results) Drop(ctx context.Context, key string) error {
	if found, ok, _ := r.Journal.Result(ctx, key); ok && filepath.Dir(found.Dir) != r.State.Results() {
		if err := os.RemoveAll(found.Dir); err != nil {
			return err
		}
	}
	return r.Journal.DropResult(ctx, key)
}

// holds counts the jobs that use a result which is removed when none does.
type holds struct {
	mu sync.Mutex
	by map[string]int
}

func newHolds() *holds { return &holds{by: map[string]int{}} }

func (r results) Hold(key string) (release func()) {
	r.holds.mu.Lock()
	defer r.holds.mu.Unlock()
	r.holds.by[key]++
	return func() {
		r.holds.mu.Lock()
		defer r.holds.mu.Unlock()
		if r.holds.by[key]--; r.holds.by[key] == 0 {
			delete(r.holds.by, key)
		}
	}
}

// Remove gives the directory another name first: a result is there in full, or
// not at all. [Engine.sweep] knows what a crash leaves.
func (r results) Remove(ctx context.Context, key string) error {
	r.holds.mu.Lock()
	defer r.holds.mu.Unlock()
	found, ok, err := r.Journal.Result(ctx, key)
	if err != nil || !ok || r.holds.by[key] > 1 {
		return err
	}
	aside, err := os.MkdirTemp(filepath.Dir(found.Dir), unfinished)
	if err != nil {
		return err
	}
	return errors.Join(os.Rename(found.Dir, filepath.Join(aside, "old")), os.RemoveAll(aside))
}

func (r results) Content(ctx context.Context, path string, look recipe.Look) (string, bool) {
	sum, ok, err := r.Journal.Content(ctx, path, fmt.Sprint(look))
	if err != nil {
		r.log.Warn().Err(err).Str("file", path).Msg("what the file contained cannot be looked up")
	}
	return sum, ok
}

func (r results) PutContent(ctx context.Context, path string, look recipe.Look, sum string) {
	if err := r.Journal.PutContent(ctx, path, fmt.Sprint(look), sum); err != nil {
		r.log.Warn().Err(err).Str("file", path).Msg("what the file contains cannot be remembered")
	}
}
