package watchdog

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"ftd/logparse"
)

// Action is what a verdict leads to.
type Action string

// The actions. Notify is part of all others, and what stops a training dumps
// first: afterwards there is nothing to be seen any more.
const (
	Notify  Action = "notify"  // tell
	Dump    Action = "dump"    // write a bundle of stacks, states and logs
	Stop    Action = "stop"    // dump, and end the training; the step fails
	Restart Action = "restart" // dump, end the training, and try again
	Off     Action = "off"     // do not look
)

// Setting sets one watchdog. Those fields count that are not zero by default.
type Setting struct {
	Action Action
	// Idle is how long no sign of life at all may be seen.
	Idle time.Duration
	// Limit is how long it may take; while the log or the compile caches move
	// it is measured from there.
	Limit time.Duration
	// Pause is the Limit while a checkpoint is saved or a model evaluated, and
	// at the end.
	Pause time.Duration
	// Steps is how many steps must be bad: within the last Of, else in a row.
	Steps, Of int
	// Warmup is how many steps are not looked at in the beginning.
	Warmup int
	// Factor is how many times the usual value is too much.
	Factor float64
}

// Settings are the settings of all watchdogs.
type Settings map[Name]Setting

// Defaults tells of everything and touches nothing.
func Defaults() Settings {
	return Settings{
		Startup:   {Action: Notify, Idle: 10 * time.Minute, Limit: 2 * time.Hour},
		Compile:   {Action: Notify, Idle: 15 * time.Minute, Limit: 3 * time.Hour},
		FirstStep: {Action: Notify, Limit: 6 * time.Hour},
		Stall:     {Action: Notify, Limit: 10 * time.Minute, Pause: time.Hour, Warmup: 5, Factor: 5},
		Silence:   {Action: Notify, Limit: time.Hour},
		NonFinite: {Action: Notify, Steps: 3},
		// A loss scale of 2^32 needs 32 overflowing steps to come down to 1.
		Overflow:  {Action: Notify, Steps: 36, Of: 40},
		LossScale: {Action: Notify, Steps: 10},
		Flat:      {Action: Notify, Steps: logparse.FlatSteps},
		Spike:     {Action: Notify, Steps: 3, Of: 64, Warmup: 20, Factor: 10},
		Weights:   {Action: Notify},
	}
}

// Parse returns the defaults with what a recipe changes of them: a map by
// watchdog of maps by field, in lower case; durations are texts such as "90s".
// The error says what is wrong and what would be right.
func Parse(changes map[string]any) (Settings, error) {
	all := Defaults()
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		name := Name(key)
		setting, known := all[name]
		if !known {
			return nil, fmt.Errorf("there is no watchdog %q, only %s", key, list(slices.Sorted(maps.Keys(all))))
		}
		fields, ok := changes[key].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("the watchdog %s takes a map such as {action: stop}", key)
		}
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			if err := setting.set(field, fields[field]); err != nil {
				return nil, fmt.Errorf("the watchdog %s: %w", key, err)
			}
		}
		if setting.Of > 0 && setting.Steps > setting.Of {
			return nil, fmt.Errorf("the watchdog %s: steps is %d, which is more than of, %d", key, setting.Steps, setting.Of)
		}
		all[name] = setting
	}
	return all, nil
}

// set changes the field that is called so; one that is zero by default does
// not belong to the watchdog.
func (s *Setting) set(field string, value any) error {
	text := fmt.Sprint(value)
	for name, d := range map[string]*time.Duration{"idle": &s.Idle, "limit": &s.Limit, "pause": &s.Pause} {
		if name == field && *d != 0 {
			parsed, err := time.ParseDuration(text)
			if err != nil || parsed <= 0 {
				return fmt.Errorf("%s is %q and must be a time such as 90s, 10m or 2h", field, text)
			}
			*d = parsed
			return nil
		}
	}
	for name, n := range map[string]*int{"steps": &s.Steps, "of": &s.Of, "warmup": &s.Warmup} {
		if name == field && *n != 0 {
			parsed, err := strconv.Atoi(text)
			if err != nil || parsed < 1 || parsed > maxSteps {
				return fmt.Errorf("%s is %q and must be a whole number from 1 to %d", field, text, maxSteps)
			}
			*n = parsed
			return nil
		}
	}
	switch {
	case field == "action":
		actions := []Action{Notify, Dump, Stop, Restart, Off}
		if !slices.Contains(actions, Action(text)) {
			return fmt.Errorf("action is %q and must be one of %s", text, list(actions))
		}
		s.Action = Action(text)
		return nil
	case field == "factor" && s.Factor != 0:
		parsed, err := strconv.ParseFloat(text, 64)
		if err != nil || !(parsed > 1) || math.IsInf(parsed, 0) {
			return fmt.Errorf("factor is %q and must be a number above 1", text)
		}
		s.Factor = parsed
		return nil
	}
	return fmt.Errorf("it has no %q, only %s", field, list(s.fields()))
}

// maxSteps bounds what a window may keep.
const maxSteps = 100_000

// fields are the fields that the watchdog has.
func (s *Setting) fields() []string {
	names := []string{"action"}
	for _, f := range []struct {
		name string
		has  bool
	}{
		{"idle", s.Idle != 0}, {"limit", s.Limit != 0}, {"pause", s.Pause != 0},
		{"steps", s.Steps != 0}, {"of", s.Of != 0}, {"warmup", s.Warmup != 0}, {"factor", s.Factor != 0},
	} {
		if f.has {
			names = append(names, f.name)
		}
	}
	return names
}

func list[T ~string](names []T) string {
	words := make([]string, len(names))
	for i, n := range names {
		words[i] = string(n)
	}
	return strings.Join(words, ", ")
}
