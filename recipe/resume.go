package recipe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"ftd/checkpoint"
	"ftd/launcher"
)

// resumeDir in an attempt's directory holds what the attempt goes on from.
const resumeDir = "resume"

// resumedVariable tells a training that it goes on, and from which checkpoint.
const resumedVariable = "FTD_RESUMED_FROM"

// begunFrom is the checkpoint that the attempt must have begun from; "" if the
// recipe names none.
func begunFrom(s *StepContext) string {
	base := s.text("base")
	if base == "" {
		return ""
	}
	run, err := launcher.Open(s.Attempt.Dir)
	if err != nil {
		return base
	}
	return cmp.Or(environ(run.Spec().Env, resumedVariable), base)
}

// resumePoint is where an attempt goes on.
type resumePoint struct {
	// path is what load_checkpoint is set to.
	path string
	step int64
}

// findResumePoint looks for the newest checkpoint of the earlier attempts that
// verifies, and puts it where any version of mindformers finds it and nothing
// else: those before 1.0 take the newest file of a directory whether it is
// complete or not, each rank for itself, and later ones believe meta.json.
// nil means that there is nothing to go on from.
func findResumePoint(ctx context.Context, s *StepContext) (*resumePoint, error) {
	var best *checkpoint.Set
	runs := earlier(s, s.Attempt.Number-1)
	if len(runs) == 0 {
		return nil, nil //nolint:nilnil // no checkpoint is no error
	}
	made := runs[0].Made()
	for _, run := range runs {
		for _, dir := range run.Spec().Checkpoints {
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(run.Spec().Dir, dir)
			}
			if _, err := os.Stat(dir); err != nil {
				continue // nothing was saved there
			}
			sets, err := checkpoint.Sets(ctx, dir, ranksOf(s), checkpoint.Options{})
			if err != nil {
				return nil, err
			}
			for i := range sets {
				// What was there before the first attempt is another training's.
				if set := &sets[i]; usable(set) && madeAll(*set, made) && (best == nil || *set.Step > *best.Step) {
					best = set
				}
			}
		}
	}
	if best == nil {
		return nil, nil //nolint:nilnil // no checkpoint is no error
	}
	path, err := offer(best, filepath.Join(s.Attempt.Dir, resumeDir))
	if err != nil {
		return nil, fmt.Errorf("the checkpoint %s cannot be put into %s: %w", best.Name, s.Attempt.Dir, err)
	}
	return &resumePoint{path: path, step: *best.Step}, nil
}

// usable leaves out the directories that mindformers writes for an iteration
// since 1.7: it goes on from those only by the tracker file next to them.
func usable(s *checkpoint.Set) bool {
	if !s.Complete || s.Step == nil {
		return false
	}
	for _, f := range s.Files {
		if checkpoint.IsIteration(f.Path) {
			return false
		}
	}
	return true
}

// offer puts a set's files into dir, and returns what load_checkpoint names.
// One process is given its file, which must not lie below a rank_N directory;
// several are given the directory above rank_N.
func offer(s *checkpoint.Set, dir string) (string, error) {
	if err := os.RemoveAll(dir); err != nil { // of a start that was cut short
		return "", err
	}
	for _, f := range s.Files {
		into := dir
		if len(s.Files) > 1 {
			into = filepath.Join(dir, "rank_"+strconv.Itoa(f.Rank))
		}
		if err := os.MkdirAll(into, 0o755); err != nil {
			return "", err
		}
		target := filepath.Join(into, filepath.Base(f.Path))
		if err := linkOrCopy(f.Path, target); err != nil {
			return "", err
		}
		if len(s.Files) == 1 {
			return target, nil
		}
	}
	return dir, nil
}

// linkOrCopy gives a file a second name, which costs nothing and outlives the
// first, or copies it where the filesystem has no such names.
func linkOrCopy(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// arguments are what a command is given to go on from here.
func (r *resumePoint) arguments(s *StepContext) []string {
	if s.text("config") != "" {
		return []string{"--load_checkpoint=" + r.path, "--resume_training=True"}
	}
	fill := strings.NewReplacer("{checkpoint}", r.path, "{step}", strconv.FormatInt(r.step, 10))
	var args []string
	for _, arg := range s.texts("resume") {
		args = append(args, fill.Replace(arg))
	}
	return args
}
