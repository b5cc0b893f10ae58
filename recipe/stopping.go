package recipe

import (
	"fmt"
	"time"

	"ftd/launcher"
)

// maxGrace keeps a mistake from making a stop last for ever.
const maxGrace = 24 * time.Hour

// graces reads what a train step says of its end, beside the defaults.
func graces(with map[string]any, defaults launcher.Graces) (launcher.Graces, error) {
	g := defaults
	if g == (launcher.Graces{}) {
		g = launcher.DefaultGraces()
	}
	fields := map[string]*time.Duration{"graceful": &g.Graceful, "interrupt": &g.Interrupt, "terminate": &g.Terminate}
	for _, field := range sorted(with) {
		into, known := fields[field]
		if !known {
			return g, fmt.Errorf("it has no %q, only graceful, interrupt, terminate", field)
		}
		text := fmt.Sprint(with[field])
		d, err := time.ParseDuration(text)
		if text == "0" {
			d, err = 0, nil
		}
		if err != nil || d < 0 || d > maxGrace {
			return g, fmt.Errorf("%s is %q and must be a time such as 30s or 2m, at most 24h; 0s leaves it out", field, text)
		}
		*into = d
	}
	return g, nil
}

func checkStop(with map[string]any) error {
	_, err := graces(with, launcher.Graces{})
	return err
}

// ladder is how the training of a step is stopped.
func ladder(s *StepContext) launcher.Ladder {
	with, _ := s.With["stop"].(map[string]any)
	g, err := graces(with, s.Settings.Stop)
	if err != nil { // a plan has refused it before
		g = launcher.DefaultGraces()
	}
	return g.Ladder()
}
