package notices

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/google/renameio/v2"
)

// recall finds out what each target was told the last time, and returns the
// event after which to begin.
func (t *Teller) recall() int64 {
	kept := map[string]int64{}
	text, err := os.ReadFile(t.place)
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.log.Warn().Err(err).Msg("what was notified cannot be read; only what happens from now on is")
	}
	now, _ := t.journal.LastEvent()
	first := now
	for _, l := range t.lines {
		l.after = now // somebody new
		// In another journal, made in the place of one that was lost, the ids
		// begin anew.
		if id, ok := kept[l.target.Name]; ok && id < now {
			l.after = id
		}
		first = min(first, l.after)
	}
	return first
}

// keep stores up to which event each target was told, and reports whether all
// were told of everything up to the given one.
func (t *Teller) keep(upTo int64) (quiet bool) {
	kept := map[string]int64{}
	quiet = true
	for _, l := range t.lines {
		if l.busy.Load() > 0 {
			quiet = false
			kept[l.target.Name] = max(l.told.Load(), l.after)
			continue
		}
		kept[l.target.Name] = upTo
	}
	text, _ := json.Marshal(kept) // numbers by name
	if now := string(text); now != t.kept {
		if err := renameio.WriteFile(t.place, text, 0o600); err != nil {
			t.log.Warn().Err(err).Msg("what was notified cannot be stored; it may be told twice")
		}
		t.kept = now
	}
	return quiet
}
