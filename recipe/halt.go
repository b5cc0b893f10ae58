package recipe

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// haltFile in an attempt's directory holds the alarm by which a watchdog has
// ended the training. It is written before the first signal: many programs,
// msrun among them, answer SIGINT with status 0, which a daemon that was not
// there must not take for success.
const haltFile = "halt.json"

func keepHalt(dir string, a Alarm) error {
	data, err := json.Marshal(a)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, haltFile), data, 0o600)
	}
	return err
}

// recallHalt returns the alarm that an earlier program acted on.
func recallHalt(dir string) (a Alarm, ok bool) {
	data, err := os.ReadFile(filepath.Join(dir, haltFile))
	return a, err == nil && json.Unmarshal(data, &a) == nil
}
