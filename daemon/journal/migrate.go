package journal

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"sort"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migration moves a journal up by one version.
type migration struct {
	sql string
	// move, if there is one, moves what SQL alone cannot.
	move func(*tx) error
}

// schema returns the migrations in order: the first makes version 1 of an empty
// file, the second makes version 2 of version 1, and so on. A migration that
// was released is never edited.
func schema() []migration {
	names, err := migrations.ReadDir("migrations")
	if err != nil {
		panic(err) // embedded: cannot fail
	}
	sort.Slice(names, func(a, b int) bool { return names[a].Name() < names[b].Name() })
	moves := map[string]func(*tx) error{"0002_chunks.sql": movePoints}
	var steps []migration
	for _, n := range names {
		text, err := migrations.ReadFile("migrations/" + n.Name())
		if err != nil {
			panic(err)
		}
		steps = append(steps, migration{string(text), moves[n.Name()]})
	}
	return steps
}

// migrate brings the file to the newest version. An older one is copied
// beforehand; a newer one is refused, because guessing would lose what the
// newer program had written.
func (j *Journal) migrate(ctx context.Context, steps []migration) error {
	var version int
	if err := j.writer.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if err := refuseNewer(j.path, version, len(steps)); err != nil {
		return err
	}
	if version > 0 && version < len(steps) {
		if err := j.backup(ctx, version); err != nil {
			return err
		}
	}
	for v := version; v < len(steps); v++ {
		err := j.write(ctx, durable, func(t *tx) error {
			_, err := t.exec(steps[v].sql)
			if err == nil && steps[v].move != nil {
				err = steps[v].move(t)
			}
			if err != nil {
				return fmt.Errorf("the journal could not be moved to version %d: %w", v+1, err)
			}
			_, err = t.exec(fmt.Sprintf("PRAGMA user_version=%d", v+1))
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
	// SQLite would make it readable for everybody the umask lets.
	if err := os.WriteFile(temp, nil, 0o600); err != nil {
		return fmt.Errorf("the journal could not be copied before moving it to a newer version: %w", err)
	}
	if _, err := j.writer.ExecContext(ctx, "VACUUM INTO ?", temp); err != nil {
		return fmt.Errorf("the journal could not be copied before moving it to a newer version: %w", err)
	}
	return os.Rename(temp, name)
}
