package recipe

import (
	"context"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"ftd/checkpoint"
	"ftd/launcher"
	"ftd/recipe/doctor"
	"ftd/recipe/space"
)

// Weights that a config gives by a model's own name, such as llama_7b, are
// fetched by mindformers itself when the training begins: into the directory that
// this variable names (mindformers r0.6 to r1.5 mindformer_book.py), and else
// into ./checkpoint_download. That would be a directory of the attempt, and 13 GB
// would come anew with each one.
const downloadFolder = "CHECKPOINT_DOWNLOAD_FOLDER"

// downloadsIn is the directory for such weights: the one that the user chose,
// one that is there already, or one on the first disk that has room for them.
// "" leaves it to mindformers.
func downloadsIn(s *StepContext, bytes int64) string {
	if chosen := environ(s.Settings.Start, downloadFolder); chosen != "" || len(s.Settings.Places) == 0 {
		return chosen
	}
	places := append(space.Rank(s.Settings.Places[0]), space.Rank(s.Settings.Places[1:]...)...)
	for _, p := range places {
		if dir := inPlace(p); exists(dir) {
			return dir
		}
	}
	for _, p := range places {
		if !p.Memory && p.Free >= bytes {
			return inPlace(p)
		}
	}
	return filepath.Join(s.Settings.Places[0], "downloads")
}

func inPlace(p space.Place) string { return filepath.Join(p.Path, "downloads") }

// downloads adds to a plan what mindformers will fetch.
func downloads(s *StepContext, plan *Plan) {
	name, size := s.text("downloads"), s.about("download_size")
	if !doctor.IsModelName(name) {
		return
	}
	plan.in = downloadsIn(s, size)
	file := name + ".ckpt"
	if len(launcher.Glob(plan.in, "*/"+file)) > 0 {
		return
	}
	plan.Disk += size
	plan.Downloads = append(plan.Downloads, Download{Name: file, Sources: []string{"where mindformers has it"}, Size: size})
}

// downloadEnv lets mindformers keep what it fetches for the next attempt.
func downloadEnv(s *StepContext, extra map[string]string) {
	size, _ := s.With["download_size"].(int64)
	if _, given := extra[downloadFolder]; given {
		return
	}
	if dir := downloadsIn(s, size); dir != "" {
		extra[downloadFolder] = dir
	}
}

// dropHalves removes what an earlier training was ended in fetching: mindformers
// takes any file of the name for the weights.
func dropHalves(ctx context.Context, s *StepContext) {
	if environ(s.Settings.Start, downloadFolder) != "" {
		return // somebody else's
	}
	for _, place := range s.Settings.Places {
		for _, file := range launcher.Glob(place, "downloads/*/*.ckpt") {
			if half(ctx, file) && os.Remove(file) == nil {
				s.Host.Output(s.Step.ID, file+" was fetched in part only, and is fetched again")
			}
		}
	}
}

// half says whether a file is no whole checkpoint, and nobody is at work on it:
// mindformers holds a lock on what it fetches.
func half(ctx context.Context, file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return false
	}
	v, err := checkpoint.Verify(ctx, file, checkpoint.Options{})
	return err == nil && !v.Complete
}
