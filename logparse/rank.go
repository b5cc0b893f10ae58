package logparse

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
)

// rankNames are the ways in which the path of a log names its rank: msrun's
// worker_3.log, ftd's rank_3.log, mindformers' rank_3/info.log.
var rankNames = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:^|/)(?:worker_(\d{1,6})\.log|rank_(\d{1,6})\.log|rank_(\d{1,6})/(?:info|error)\.log)(?:\.\d+)?(?:\.gz)?$`)
})

// RankOf returns the rank that a log belongs to. Only the path tells it: the
// lines of no version do.
func RankOf(path string) (rank int, ok bool) {
	m := rankNames().FindStringSubmatch(filepath.ToSlash(path))
	if m == nil {
		return 0, false
	}
	rank, err := strconv.Atoi(m[1] + m[2] + m[3]) // two of them are empty
	return rank, err == nil
}

// RankLog is what ftd itself calls the log of a rank.
func RankLog(rank int) string { return fmt.Sprintf("rank_%d.log", rank) }
