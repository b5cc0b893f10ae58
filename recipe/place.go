package recipe

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"

	"ftd/recipe/space"
)

// A place is a directory with two others in it: results, where steps leave what
// they make, and partial, for what is half fetched. The first of
// [Settings.Places] is the state directory; the others are for what does not
// fit there.

// partialIn is where half a file stays in a place.
func partialIn(place string) string { return filepath.Join(place, "partial") }

// partly is a kind whose work may be there in part from another time: these are
// the files' names in the partial directory of a place.
type partly interface {
	parts(s *StepContext) []string
}

// begun is how much of a step's result is there in part.
func begun(place string, kind Kind, s *StepContext) (bytes int64) {
	k, ok := kind.(partly)
	if !ok {
		return 0
	}
	for _, name := range k.parts(s) {
		if info, err := os.Stat(filepath.Join(partialIn(place), name)); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}

// places are all places with what they have free; the state directory comes
// first, then the one with the most room. What a plan has promised to earlier
// steps is taken off.
func (r *runner) places() []space.Place {
	if len(r.settings.Places) == 0 {
		return nil
	}
	places := append(space.Rank(r.settings.Places[0]), space.Rank(r.settings.Places[1:]...)...)
	for i := range places {
		places[i].Free -= r.promised.onDisk[places[i].Disk]
	}
	return places
}

// place says where the result of a step fits: where a part of it is already,
// else in the state directory, else on another disk, else in memory. full are
// places that turned out to be too small.
func (r *runner) place(kind Kind, s *StepContext, plan Plan, full map[string]bool) (space.Place, error) {
	var fit []space.Place
	for _, p := range r.places() {
		there := begun(p.Path, kind, s)
		p.Free += there
		switch {
		case full[p.Path] || !p.Takes(plan.Disk, plan.Memory):
		case there > 0:
			return p, nil
		default:
			fit = append(fit, p)
		}
	}
	if len(fit) > 0 && fit[0].Path == r.settings.Places[0] {
		return fit[0], nil
	}
	if p, ok := space.For(plan.Disk, plan.Memory, fit); ok {
		return p, nil
	}
	return space.Place{}, r.nowhere(s, plan, r.places()...)
}

// nowhere says that a result fits in no place, before an hour of work ends with
// a full disk.
func (r *runner) nowhere(s *StepContext, plan Plan, looked ...space.Place) *Problem {
	var free []string
	known := map[uint64]bool{} // another directory of the same disk has no more room
	for _, p := range looked {
		known[p.Disk] = true
		free = append(free, shownPlace(p))
	}
	p := &Problem{
		Code: CodeDiskFull,
		Message: fmt.Sprintf("the step %s needs %s, but there is no room for it: %s",
			s.Step.ID, humanize.IBytes(uint64(plan.Disk)), strings.Join(free, ", ")),
		Remedy: "make room, or name a larger place in the daemon's setting places",
	}
	if plan.in != "" {
		p.Remedy = "make room, or let the step make it on a larger disk"
		return p
	}
	var others []string
	for _, place := range space.Rank(environ(r.settings.Start, "HOME"), "/dev/shm", "/cache") {
		if !known[place.Disk] && place.Takes(plan.Disk, plan.Memory) {
			others = append(others, shownPlace(place))
		}
	}
	if len(others) > 0 {
		p.Remedy += ", such as " + strings.Join(others, ", ")
	}
	return p
}

func shownPlace(p space.Place) string {
	text := fmt.Sprintf("%s has %s free", p.Path, humanize.IBytes(uint64(max(p.Free, 0))))
	if p.Memory {
		text += " (it is memory)"
	}
	return text
}

// settle lets a step work in a place.
func (r *runner) settle(s *StepContext, p space.Place, plan Plan) {
	s.Settings.Partial = partialIn(p.Path)
	if p.Path != r.settings.Places[0] {
		s.Host.Output(s.Step.ID, fmt.Sprintf("its result goes where it fits: %s", shownPlace(p)))
	}
	if memory := space.Available(); memory >= 0 && plan.Memory > memory {
		s.Host.Output(s.Step.ID, fmt.Sprintf("it needs about %s of memory, but %s are free",
			humanize.IBytes(uint64(plan.Memory)), humanize.IBytes(uint64(memory))))
	}
}

// outgrown says whether a step failed because its place was too small.
func outgrown(s *StepContext, err error) bool {
	var again *retry
	return err != nil && !errors.As(err, &again) && problemOf(s.Step.ID, err).Code == CodeDiskFull
}
