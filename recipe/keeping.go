package recipe

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"ftd/checkpoint"
	"ftd/launcher/watchdog"
	"ftd/recipe/scalar"
)

// keeping is what a train step says of its checkpoints: which are kept, and
// what is done when the disk will not do.
type keeping struct {
	rules checkpoint.Retention
	// disk is Notify, Prune or Stop, or Off for not to look.
	disk watchdog.Action
}

// Prune deletes checkpoints of the training's own until the next one fits.
const Prune watchdog.Action = "prune"

// Disk is the watchdog that looks at the space for checkpoints.
const Disk watchdog.Name = "disk"

// keepingOf reads retention: and disk: of a train step. Nothing means that
// nothing is deleted, and that somebody is told in time.
func keepingOf(s *StepContext) (keeping, error) {
	k := keeping{disk: watchdog.Notify}
	with, _ := s.With["retention"].(map[string]any)
	rules, err := parseRetention(with)
	if err == nil {
		k.rules = rules
		with, _ = s.With["disk"].(map[string]any)
		k.disk, err = parseDisk(with)
	}
	if err != nil {
		return k, &Problem{Code: CodeInvalid, Message: err.Error(), Remedy: "correct retention: and disk: in the step " + s.Step.ID}
	}
	return k, nil
}

// parseRetention reads retention: {keep: 5, best: 2, every: 1000}.
func parseRetention(with map[string]any) (r checkpoint.Retention, err error) {
	off := false
	for _, field := range sorted(with) {
		if field == "action" {
			switch with[field] {
			case "prune":
			case "off":
				off = true
			default:
				return r, fmt.Errorf("the action of retention is %q and must be prune or off", with[field])
			}
			continue
		}
		n, ok := scalar.Integer(with[field])
		if !ok || n < 1 || n > math.MaxInt32 {
			return r, fmt.Errorf("%s is %q and must be a whole number from 1 on", field, fmt.Sprint(with[field]))
		}
		switch field {
		case "keep":
			r.Newest = int(n)
		case "best":
			r.Best = int(n)
		case "every":
			r.Every = n
		default:
			return r, fmt.Errorf("retention has no %q, only action, best, every, keep", field)
		}
	}
	if off {
		r = checkpoint.Retention{}
	}
	return r, nil
}

// parseDisk reads disk: {action: prune}.
func parseDisk(with map[string]any) (watchdog.Action, error) {
	action := watchdog.Notify
	for _, field := range sorted(with) {
		if field != "action" {
			return "", fmt.Errorf("disk has no %q, only action", field)
		}
		action = watchdog.Action(fmt.Sprint(with[field]))
	}
	known := []watchdog.Action{watchdog.Notify, Prune, watchdog.Stop, watchdog.Off}
	if !slices.Contains(known, action) {
		var names []string
		for _, a := range known {
			names = append(names, string(a))
		}
		return "", fmt.Errorf("the action of disk is %q and must be one of %s", action, strings.Join(names, ", "))
	}
	return action, nil
}

func checkRetention(with map[string]any) error {
	_, err := parseRetention(with)
	return err
}

func checkDisk(with map[string]any) error {
	_, err := parseDisk(with)
	return err
}
