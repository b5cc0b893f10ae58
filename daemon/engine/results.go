package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"ftd/daemon/journal"
)

// unfinished begins the name of a result's directory until it is committed.
const unfinished = ".new-"

// results is recipe.Results.
type results struct{ *Engine }

func (r results) Find(ctx context.Context, key string) (map[string]string, bool, error) {
	found, ok, err := r.Journal.Result(ctx, key)
	return found.Outputs, ok, err
}

func (r results) Dir(_ context.Context, key string) (string, error) {
	return os.MkdirTemp(r.State.Results(), unfinished+filepath.Base(key)+"-")
}

// Commit gives the directory its name before the journal learns of it: a crash
// in between leaves a directory that the next result of that key replaces.
func (r results) Commit(ctx context.Context, key, dir string, outputs map[string]string) (map[string]string, error) {
	final := filepath.Join(r.State.Results(), filepath.Base(key))
	if _, err := os.Lstat(final); err == nil {
		aside, err := os.MkdirTemp(r.State.Results(), unfinished)
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
	err := r.keepTrying(ctx, func(ctx context.Context) error {
		return r.Journal.PutResult(ctx, journal.Result{Key: key, Dir: final, Outputs: moved})
	})
	return moved, err
}

func (r results) Drop(ctx context.Context, key string) error { return r.Journal.DropResult(ctx, key) }
