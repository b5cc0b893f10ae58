package launcher

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

// lookForRanks is how often new logs of ranks are looked for; workers open
// theirs within the first seconds.
const lookForRanks = 500 * time.Millisecond

// ranks follows the log of each rank from when it appears.
func (f *follow) ranks(ctx context.Context, group *errgroup.Group) error {
	pattern := f.run.spec.RankLogs
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(f.run.spec.Dir, pattern)
	}
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
		found, err := filepath.Glob(pattern)
		if err != nil {
			return errorf(CodeSpecInvalid, "the pattern of the ranks' logs %q: %w", pattern, err)
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

// lastNumber matches the last number in a name.
var lastNumber = regexp.MustCompile(`(\d+)\D*$`)

func rankOf(path string) (int, bool) {
	m := lastNumber.FindStringSubmatch(filepath.Base(path))
	if m == nil {
		return 0, false
	}
	rank, err := strconv.Atoi(m[1])
	return rank, err == nil
}
