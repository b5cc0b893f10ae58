package journal

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"ftd/api"
)

//go:embed migrations/*.sql
var migrations embed.FS

// schema returns the migrations in order: the first makes version 1 of an empty
// file, the second makes version 2 of version 1, and so on. A migration that
// was released is never edited.
func schema() []string {
	names, err := migrations.ReadDir("migrations")
	if err != nil {
		panic(err) // embedded: cannot fail
	}
	sort.Slice(names, func(a, b int) bool { return names[a].Name() < names[b].Name() })
	var texts []string
	for _, n := range names {
		text, err := migrations.ReadFile("migrations/" + n.Name())
		if err != nil {
			panic(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

// migrate brings the file to the newest version. An older one is copied
// beforehand; a newer one is refused, because guessing would lose what the
// newer program had written.
func (j *Journal) migrate(ctx context.Context, steps []string) error {
	var version int
	if err := j.writer.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > len(steps) {
		return api.Errorf(api.CodeStateNewer, "the journal %s has version %d, and this ftd knows versions up to %d", j.path, version, len(steps)).
			WithRemedy("use the newer ftd that wrote it, or another state directory with --state-dir")
	}
	if version > 0 && version < len(steps) {
		if err := j.backup(ctx, version); err != nil {
			return err
		}
	}
	for v := version; v < len(steps); v++ {
		err := j.write(ctx, durable, func(t *tx) error {
			if _, err := t.exec(steps[v]); err != nil {
				return fmt.Errorf("the journal could not be moved to version %d: %w", v+1, err)
			}
			_, err := t.exec(fmt.Sprintf("PRAGMA user_version=%d", v+1))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// backup keeps the file as it was, beside it: journal.db.v1.
func (j *Journal) backup(ctx context.Context, version int) error {
	name := fmt.Sprintf("%s.v%d", j.path, version)
	temp := filepath.Join(filepath.Dir(name), "."+filepath.Base(name))
	os.Remove(temp)
	if _, err := j.writer.ExecContext(ctx, "VACUUM INTO ?", temp); err != nil {
		return fmt.Errorf("the journal could not be copied before moving it to a newer version: %w", err)
	}
	return os.Rename(temp, name)
}
