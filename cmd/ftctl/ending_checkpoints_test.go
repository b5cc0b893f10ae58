package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

func TestCheckpointsAtTheEndAreToldByDirectory(t *testing.T) {
	var all []api.Checkpoint
	for n := range 8 {
		all = append(all, api.Checkpoint{Path: fmt.Sprintf("/out/rank_0/a-%d.ckpt", n), Step: int64(n + 1), Complete: true, Tensors: 3, Bytes: 2000})
	}
	all = append(all, api.Checkpoint{Path: "/out/rank_0/b.ckpt", Reason: "it is cut off"}, api.Checkpoint{Path: "/other/c.ckpt", Complete: true, Tensors: 3, Bytes: 2000})
	var out strings.Builder
	writeCheckpoints(&out, all)
	require.Equal(t, `checkpoint  /out/rank_0/b.ckpt is not complete: it is cut off
checkpoints 8 verified in /out/rank_0
            … 3 before these
            a-3.ckpt (step 4, 3 tensors, 2.0 kB, verified)
            a-4.ckpt (step 5, 3 tensors, 2.0 kB, verified)
            a-5.ckpt (step 6, 3 tensors, 2.0 kB, verified)
            a-6.ckpt (step 7, 3 tensors, 2.0 kB, verified)
            a-7.ckpt (step 8, 3 tensors, 2.0 kB, verified)
checkpoint  /other/c.ckpt (3 tensors, 2.0 kB, verified)
`, out.String())
	require.Equal(t, "/out/rank_0/a-7.ckpt", all[7].Path, "what is told of is left as it is")
}

// What cron mails in the morning: the one sentence, and nothing else.
func TestAQuietRunTellsWhatWentWrong(t *testing.T) {
	newHouse(t)
	out, talk, status := run(t, "train", "-q", "--", "sh", "-c", "exit 3")
	require.Equal(t, exitJob, status)
	require.Empty(t, out)
	require.True(t, strings.HasPrefix(talk, "error: the training ended with status 3\n"), talk)
	require.Contains(t, talk, "what to do: ")
	out, talk, status = run(t, "train", "-q", "--", "true")
	require.Zero(t, status)
	require.Empty(t, out+talk)
}
