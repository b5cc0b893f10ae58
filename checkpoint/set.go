package checkpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Set is one training checkpoint of all ranks: the files that were saved at
// the same step.
type Set struct {
	// Name is the file name without the rank: "llama-2_24.ckpt".
	Name string `json:"name"`
	// Complete says that every rank's file is there and complete; such a set
	// can be resumed from.
	Complete bool   `json:"complete"`
	Reason   string `json:"reason,omitempty"`
	// Epoch and Step are where the training stood, from its start.
	Epoch *int64 `json:"epoch"`
	Step  *int64 `json:"step"`
	// Bytes is the size of all files, Modified the time of the last change.
	Bytes    int64     `json:"bytes"`
	Modified time.Time `json:"modified"`
	// Files are the verdicts, ordered by rank.
	Files []RankFile `json:"files"`

	series series
}

// RankFile is one rank's file of a [Set].
type RankFile struct {
	Rank int `json:"rank"`
	Verdict
}

// series are the checkpoints that one training writes: those of all its ranks
// and steps have the same tensors, rank by rank.
type series struct {
	dir    string // the directory above rank_N
	prefix string
	run    int
	format string
}

// setKey is what the files of one set have in common.
type setKey struct {
	series
	epoch, step int64
	iteration   bool
}

// Sets finds the training checkpoints below a directory and puts the ranks
// together, the highest step first. ranks is how many ranks the training has;
// with 0 it is taken to have those from the lowest to the highest of which there
// is any file: on one of several machines that is not from 0 on. What a failing
// MindSpore saved (_breakpoint) is left out, and so are weights-only files:
// neither is a state to go on from.
func Sets(ctx context.Context, dir string, ranks int, opt Options) ([]Set, error) {
	paths, err := List(ctx, dir)
	if err != nil {
		return nil, err
	}
	g := grouping{sets: map[setKey]*Set{}, ranks: map[series]map[int]bool{}, most: map[series]map[int]RankFile{}}
	for _, path := range paths {
		key, ok := keyOf(path)
		if !ok {
			continue
		}
		v, err := Verify(ctx, path, opt)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted since it was listed
		}
		if err != nil {
			return nil, err
		}
		g.add(key, RankFile{RankOf(path), v})
	}
	return g.finish(ranks), nil
}

// SetsBelow are the sets of several directories, the highest step of all first.
// A directory that is not there holds none, and one that lies in another is
// read once.
func SetsBelow(ctx context.Context, dirs []string, ranks int, opt Options) ([]Set, error) {
	var all []Set
	seen := map[string]bool{}
	for _, dir := range dirs {
		sets, err := Sets(ctx, dir, ranks, opt)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, s := range sets {
			if first := s.Files[0].Path; !seen[first] {
				seen[first] = true
				all = append(all, s)
			}
		}
	}
	slices.SortFunc(all, newestFirst)
	return all, nil
}

// ResumePoint is the set with the highest step that is complete for all ranks,
// whatever meta.json or file times say; nil if there is none.
func ResumePoint(ctx context.Context, dir string, ranks int) (*Set, error) {
	sets, err := Sets(ctx, dir, ranks, Options{})
	if err != nil {
		return nil, err
	}
	return Newest(sets), nil
}

// Newest is the first complete set of those that [Sets] returned, nil if none
// is.
func Newest(sets []Set) *Set {
	for i := range sets {
		if sets[i].Complete {
			return &sets[i]
		}
	}
	return nil
}

// keyOf tells which set a file belongs to; ok is false for what is no state to
// go on from.
func keyOf(path string) (k setKey, ok bool) {
	if it, is, err := iterationAt(path); is && err == nil {
		return setKey{series: series{dir: filepath.Dir(path)}, step: it.number, iteration: true}, true
	}
	n := ParseName(path)
	if n.Kind != KindTraining || n.Breakpoint {
		return k, false
	}
	dir := filepath.Dir(path)
	if rankDirPattern().MatchString(filepath.Base(dir)) {
		dir = filepath.Dir(dir)
	}
	return setKey{series: series{dir, n.Prefix, n.Run, n.Format}, epoch: *n.Epoch, step: *n.Step}, true
}

func (k setKey) name() string {
	if k.iteration {
		return fmt.Sprintf("iteration_%08d", k.step)
	}
	run := ""
	if k.run > 0 {
		run = fmt.Sprintf("_%d", k.run)
	}
	return fmt.Sprintf("%s%s-%d_%d.%s", k.prefix, run, k.epoch, k.step, k.format)
}

// grouping puts files together into sets.
type grouping struct {
	sets  map[setKey]*Set
	ranks map[series]map[int]bool
	// most is the complete file with the most tensors, by series and rank.
	most map[series]map[int]RankFile
}

func (g *grouping) add(key setKey, f RankFile) {
	s := g.sets[key]
	if s == nil {
		s = &Set{Name: key.name(), series: key.series}
		g.sets[key] = s
	}
	s.Files = append(s.Files, f)
	s.Bytes += f.Bytes
	if f.Modified.After(s.Modified) {
		s.Modified = f.Modified
	}
	if g.ranks[key.series] == nil {
		g.ranks[key.series] = map[int]bool{}
		g.most[key.series] = map[int]RankFile{}
	}
	g.ranks[key.series][f.Rank] = true
	if f.Complete && f.Tensors > g.most[key.series][f.Rank].Tensors && !key.iteration {
		g.most[key.series][f.Rank] = f
	}
}

func (g *grouping) finish(ranks int) []Set {
	out := make([]Set, 0, len(g.sets))
	for key, s := range g.sets {
		slices.SortFunc(s.Files, func(a, b RankFile) int { return cmp.Compare(a.Rank, b.Rank) })
		s.Epoch, s.Step = s.Files[0].Epoch, s.Files[0].position()
		if !key.iteration {
			g.compare(s)
		}
		s.Reason = g.reason(s, ranks, key.iteration)
		s.Complete = s.Reason == ""
		out = append(out, *s)
	}
	slices.SortFunc(out, newestFirst)
	return out
}

// newestFirst orders sets by step, the highest first.
func newestFirst(a, b Set) int {
	return cmp.Or(-cmp.Compare(value(a.Step), value(b.Step)), -a.Modified.Compare(b.Modified), cmp.Compare(a.Name, b.Name))
}

// position is where the training stood, counted from its start.
func (v *Verdict) position() *int64 {
	return cmp.Or(v.GlobalStep, v.Step)
}

func value(n *int64) int64 {
	if n == nil {
		return -1
	}
	return *n
}

// compare finds files that were cut between two tensors after the ones that a
// training checkpoint must have: a training writes the same tensors each time.
func (g *grouping) compare(s *Set) {
	for i := range s.Files {
		f := &s.Files[i]
		most := g.most[s.series][f.Rank]
		if f.Complete && f.Tensors < most.Tensors {
			f.Complete = false
			f.Reason = fmt.Sprintf("has %d tensors, while %s has %d", f.Tensors, filepath.Base(most.Path), most.Tensors)
		}
	}
}

// maxMissing is how many ranks without a file are named.
const maxMissing = 8

// reason says why a set cannot be resumed from; "" if it can.
func (g *grouping) reason(s *Set, ranks int, shared bool) string {
	for _, f := range s.Files {
		if !f.Complete {
			return fmt.Sprintf("rank %d: %s", f.Rank, f.Reason)
		}
	}
	for _, f := range s.Files {
		if value(f.position()) != value(s.Step) {
			return fmt.Sprintf("rank %d stands at step %d, rank %d at %d",
				s.Files[0].Rank, value(s.Step), f.Rank, value(f.position()))
		}
	}
	if shared {
		return "" // an iteration directory holds all ranks
	}
	first, last := 0, ranks-1
	if ranks == 0 {
		seen := slices.Sorted(maps.Keys(g.ranks[s.series]))
		first, last = seen[0], seen[len(seen)-1]
	}
	have := map[int]bool{}
	for _, f := range s.Files {
		have[f.Rank] = true
	}
	var missing []string
	for r := first; r <= last && len(missing) <= maxMissing; r++ {
		if !have[r] {
			missing = append(missing, fmt.Sprint(r))
		}
	}
	switch {
	case len(missing) == 0:
		return ""
	case len(missing) == 1:
		return "rank " + missing[0] + " has none"
	case len(missing) > maxMissing:
		missing[maxMissing] = "…"
	}
	return "ranks " + strings.Join(missing, ", ") + " have none"
}
