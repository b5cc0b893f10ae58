package recipe

import (
	"encoding/json"
	"os"
	"path/filepath"

	"ftd/launcher"
)

// curesFile in an attempt's directory holds what is changed in its environment
// because earlier attempts failed without it. So no cure is tried twice, even
// if the program was restarted in between.
const curesFile = "cures.json"

// recallCures reads the cures of an attempt that is taken up again, or of the
// attempt before.
func recallCures(s *StepContext) {
	if len(s.cures) > 0 {
		return
	}
	dirs := []string{s.Attempt.Dir}
	for _, run := range earlier(s, s.Attempt.Number-1) {
		dirs = append(dirs, run.Dir()) // the newest last
	}
	for _, dir := range append(dirs[1:], dirs[0]) {
		var found []launcher.EnvChange
		data, err := os.ReadFile(filepath.Join(dir, curesFile))
		if err == nil && json.Unmarshal(data, &found) == nil {
			s.cures = found
		}
	}
}

// keepCures writes the cures of an attempt that begins. What cannot be written
// is only tried once more.
func keepCures(s *StepContext) {
	if len(s.cures) == 0 {
		return
	}
	if data, err := json.Marshal(s.cures); err == nil {
		_ = os.WriteFile(filepath.Join(s.Attempt.Dir, curesFile), data, 0o600)
	}
}
