package recipe

import (
	"strings"

	"ftd/recipe/yamledit"
)

// keptByItself is how many checkpoints a training keeps by its config, 0 if
// that says nothing of it. A command is known to keep some only by what it does
// (see keeper.rotates): a script may take the number from anywhere.
func keptByItself(s *StepContext) int {
	if s.text("config") == "" {
		return 0
	}
	source, err := readSource(s.text("config"))
	if err != nil {
		return 0
	}
	var config struct {
		Callbacks []struct {
			Type string `yaml:"type"`
			Keep int    `yaml:"keep_checkpoint_max"`
		} `yaml:"callbacks"`
	}
	if yamledit.Read(source, &config) != nil {
		return 0 // whoever reads all of it says what is wrong
	}
	for _, c := range config.Callbacks {
		// CheckpointMonitor, or CheckpointMointor as up to 1.1.
		if strings.HasPrefix(c.Type, "CheckpointMo") {
			return max(c.Keep, 0)
		}
	}
	return 0
}
