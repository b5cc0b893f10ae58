package launcher

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

// lookForRanks is how often new logs of ranks are looked for; workers open
// theirs within the first seconds.
const lookForRanks = 500 * time.Millisecond

// ranks follows the log of each rank from when it appears.
func (f *follow) ranks(ctx context.Context, group *errgroup.Group) error {
	paths := map[int]string{}
	tick := time.NewTicker(lookForRanks)
	defer tick.Stop()
	for over := false; !over; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.ended:
			over = true // one more look, for the log of a short run
		case <-tick.C:
		}
		found, err := f.run.findRankLogs()
		if err != nil {
			return errorf(CodeSpecInvalid, "the pattern of the ranks' logs %q: %w", f.run.spec.RankLogs, err)
		}
		for _, path := range found {
			rank, ok := rankOf(path)
			switch {
			case !ok || paths[rank] == path:
			case paths[rank] != "":
				f.trouble(fmt.Errorf("%s is not read: %s is the log of rank %d already", path, paths[rank], rank))
			default:
				paths[rank] = path
				group.Go(func() error { return f.log(ctx, rank, path) })
			}
		}
	}
	return nil
}

// rankLogs are the logs that the ranks have so far.
func (r *Run) rankLogs() []string {
	found, _ := r.findRankLogs() // Follow reports a bad pattern
	return found
}

// findRankLogs looks for what Spec.RankLogs matches; its error is a bad pattern.
// The directory is taken as it is: its name may hold what means something in a
// pattern.
func (r *Run) findRankLogs() (paths []string, err error) {
	if r.spec.RankLogs == "" {
		return nil, nil
	}
	dir, pattern := filepath.Split(r.absolute(r.spec.RankLogs))
	if _, err := filepath.Match(pattern, ""); err != nil {
		return nil, err
	}
	entries, _ := os.ReadDir(dir) // not there yet: no logs
	for _, e := range entries {
		if ok, _ := filepath.Match(pattern, e.Name()); ok {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, nil
}

// lastNumber matches the last number in a name.
var lastNumber = lazily(`(\d+)\D*$`)

func rankOf(path string) (int, bool) {
	m := lastNumber().FindStringSubmatch(filepath.Base(path))
	if m == nil {
		return 0, false
	}
	rank, err := strconv.Atoi(m[1])
	return rank, err == nil
}
