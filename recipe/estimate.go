package recipe

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ftd/recipe/space"
)

// size is how many bytes the file or directory of a parameter holds: as it is,
// or, where nobody has made it yet, as the plan of the step that makes it says.
// With suffixes only files with one of them count. 0 is not known.
func (s *StepContext) size(param string, suffixes ...string) (bytes int64) {
	path := s.text(param)
	if strings.Contains(path, unmadeBegin) {
		return s.planned[param]
	}
	return sizeOf(path, suffixes...)
}

// about is what a recipe says of a size that is learnt exactly only by doing it:
// it counts in a plan, and must not keep a step from running.
func (s *StepContext) about(param string) int64 {
	if s.planned == nil {
		return 0
	}
	bytes, _ := s.With[param].(int64)
	return bytes
}

func sizeOf(path string, suffixes ...string) (bytes int64) {
	if strings.HasPrefix(path, builtinPrefix) {
		content, _ := readSource(path)
		return int64(len(content))
	}
	err := filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || len(suffixes) > 0 && !slices.Contains(suffixes, filepath.Ext(path)) {
			return err
		}
		info, err := os.Stat(path) // what a link leads to
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		return 0
	}
	return bytes
}

// promises are what the steps of a plan will take, one after the other.
type promises struct {
	onDisk map[uint64]int64   // bytes, by disk
	steps  map[string]promise // of the steps that were planned, by id
}

type promise struct {
	disk  uint64
	bytes int64 // that it takes there until they are freed
	makes int64 // that its result holds
}

func newPromises() promises {
	return promises{onDisk: map[uint64]int64{}, steps: map[string]promise{}}
}

// inputs are the bytes of the results that a step's parameters refer to.
func (p promises) inputs(step Step) map[string]int64 {
	sizes := map[string]int64{}
	for name, v := range step.With {
		for id := range referred(Step{With: map[string]any{name: v}}) {
			sizes[name] += p.steps[id].makes
		}
	}
	return sizes
}

// takeRoom says where the result of a planned step goes, and what it takes.
func (r *runner) takeRoom(kind Kind, s *StepContext, p *StepPlan) {
	makes := p.Disk
	for _, path := range p.Inputs {
		if makes == 0 { // what is used as it is
			makes = sizeOf(path)
		}
	}
	if !p.Cached && p.Disk > 0 {
		var place space.Place
		var err error
		if len(r.settings.Places) > 0 {
			place, err = r.placeOf(kind, s, p.Plan)
		}
		switch {
		case err != nil && p.Problem == nil:
			errors.As(err, &p.Problem)
		case err == nil && p.in == "" && place.Path != "" && place.Path != r.settings.Places[0]:
			p.Place = place.Path
		}
		if err == nil {
			r.promised.onDisk[place.Disk] += p.Disk
			r.promised.steps[p.ID] = promise{disk: place.Disk, bytes: p.Disk}
		}
		if place.Memory {
			p.Memory += p.Disk
		}
	}
	r.promise(s.Step, p, makes)
}

// placeOf is the place of a planned result, or the disk that it must lie on.
func (r *runner) placeOf(kind Kind, s *StepContext, plan Plan) (space.Place, error) {
	if plan.in == "" {
		return r.place(kind, s, plan, nil)
	}
	dir := plan.in
	for !exists(dir) {
		dir = filepath.Dir(dir)
	}
	ranked := space.Rank(dir)
	if len(ranked) == 0 {
		return space.Place{}, nil
	}
	place := ranked[0]
	place.Free -= r.promised.onDisk[place.Disk]
	if !place.Takes(plan.Disk, plan.Memory) {
		return place, r.nowhere(s, plan, place)
	}
	return place, nil
}

// promise notes that a step was planned; results in between that nothing needs
// after it will be gone.
func (r *runner) promise(step Step, p *StepPlan, makes int64) {
	own := r.promised.steps[step.ID]
	own.makes = makes
	r.promised.steps[step.ID] = own
	for _, earlier := range r.job.Recipe.Steps {
		taken := r.promised.steps[earlier.ID]
		users := r.users(earlier)
		if taken.bytes == 0 || len(users) == 0 || !r.removable(earlier) || slices.ContainsFunc(users, func(user Step) bool {
			_, planned := r.promised.steps[user.ID]
			return !planned
		}) {
			continue
		}
		p.Freed += taken.bytes
		r.promised.onDisk[taken.disk] -= taken.bytes
		taken.bytes = 0
		r.promised.steps[earlier.ID] = taken
	}
}
