package logparse_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

func TestRankOf(t *testing.T) {
	for path, want := range map[string]int{
		"msrun_log/worker_0.log": 0, "/a/b/worker_13.log": 13, "worker_7.log": 7, "runs/J/train.1/rank_2.log": 2,
		"output/log/rank_5/info.log": 5, "output/log/rank_5/error.log.3": 5, "worker_1.log.gz": 1,
	} {
		rank, ok := logparse.RankOf(path)
		require.True(t, ok, path)
		require.Equal(t, want, rank, path)
	}
	rank, ok := logparse.RankOf(logparse.RankLog(12))
	require.True(t, ok)
	require.Equal(t, 12, rank, "the name that ftd gives is read")
	for _, path := range []string{"scheduler.log", "output.log", "myworker_1.log", "rank_5/other.txt", "rank_x/info.log", "worker_99999999999.log", ""} {
		_, ok := logparse.RankOf(path)
		require.False(t, ok, path)
	}
}
