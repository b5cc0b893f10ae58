package checkpoint

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// saveRank writes one rank's checkpoint as mindformers names it.
func saveRank(t *testing.T, dir string, rank int, suffix string, epoch, step, global int64) string {
	return write(t, dir, fmt.Sprintf("checkpoint/rank_%d/llama_rank_%d%s-%d_%d.ckpt", rank, rank, suffix, epoch, step), training(epoch, step, global))
}

func sets(t *testing.T, dir string, ranks int) []Set {
	t.Helper()
	s, err := Sets(context.Background(), dir, ranks, Options{})
	require.NoError(t, err)
	return s
}

func resume(t *testing.T, dir string, ranks int) string {
	t.Helper()
	s, err := ResumePoint(context.Background(), dir, ranks)
	require.NoError(t, err)
	if s == nil {
		return ""
	}
	for _, f := range s.Files {
		require.True(t, f.Complete)
	}
	return s.Name
}

// The newest step of which every rank has a complete file, whatever else is
// there.
func TestResumePoint(t *testing.T) {
	dir := t.TempDir()
	for rank := range 4 {
		saveRank(t, dir, rank, "", 1, 20, 20)
		saveRank(t, dir, rank, "", 1, 40, 40)
	}
	require.Equal(t, "llama-1_40.ckpt", resume(t, dir, 0))
	require.Len(t, sets(t, dir, 0)[0].Files, 4)

	// A save that reached three of four ranks.
	for rank := range 3 {
		saveRank(t, dir, rank, "", 1, 60, 60)
	}
	require.Equal(t, "llama-1_40.ckpt", resume(t, dir, 0))
	require.Equal(t, "rank 3 has none", sets(t, dir, 0)[0].Reason)

	// One that was killed while the last rank wrote.
	cut := saveRank(t, dir, 3, "", 1, 60, 60)
	require.NoError(t, os.Truncate(cut, 50))
	require.Equal(t, "llama-1_40.ckpt", resume(t, dir, 0))
	require.Contains(t, sets(t, dir, 0)[0].Reason, "rank 3: cut off")

	// meta.json and file times say otherwise, and do not matter.
	write(t, dir, "checkpoint/rank_0/meta.json", []byte(`{"last_epoch": 1, "last_step": 60, "last_ckpt_file": "llama_rank_0-1_60.ckpt"}`))
	old := filepath.Join(dir, "checkpoint/rank_0/llama_rank_0-1_20.ckpt")
	require.NoError(t, os.Chtimes(old, time.Now(), time.Now().Add(time.Hour)))
	require.Equal(t, "llama-1_40.ckpt", resume(t, dir, 0))

	// What a failing training saved, and weights, are no states to go on from.
	for rank := range 4 {
		write(t, dir, fmt.Sprintf("checkpoint/rank_%d/llama_rank_%d-1_70_breakpoint.ckpt", rank, rank), training(1, 70, 70))
		write(t, dir, fmt.Sprintf("checkpoint_network/rank_%d/llama_rank_%d-network-1_80.ckpt", rank, rank), recordBytes("w", "Float32", nil, make([]byte, 4)))
	}
	require.Equal(t, "llama-1_40.ckpt", resume(t, dir, 0))

	require.Equal(t, "", resume(t, dir, 8), "of 8 ranks, 4 have nothing")
	require.Equal(t, "", resume(t, t.TempDir(), 0))
	_, err := ResumePoint(context.Background(), filepath.Join(dir, "nowhere"), 0)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// How many ranks there are is not known; that one of them has nothing at all is.
func TestARankThatIsMissingAltogether(t *testing.T) {
	dir := t.TempDir()
	for _, rank := range []int{8, 9, 11} { // of the second machine
		saveRank(t, dir, rank, "", 1, 20, 20)
	}
	require.Equal(t, "rank 10 has none", sets(t, dir, 0)[0].Reason)
	saveRank(t, dir, 10, "", 1, 20, 20)
	require.Equal(t, "llama-1_20.ckpt", resume(t, dir, 0))
	require.Equal(t, "ranks 0, 1, 2, 3, 4, 5, 6, 7, … have none", sets(t, dir, 1000)[0].Reason)
	saveRank(t, dir, 50_000, "", 1, 20, 20)
	require.Equal(t, "ranks 12, 13, 14, 15, 16, 17, 18, 19, … have none", sets(t, dir, 0)[0].Reason)
}

// After a resume the names count from there: 2_24 is step 128 of the whole.
func TestResumePointAfterAResume(t *testing.T) {
	dir := t.TempDir()
	saveRank(t, dir, 0, "", 1, 40, 40)
	saveRank(t, dir, 0, "", 2, 26, 90)
	saveRank(t, dir, 0, "_1", 2, 24, 128)
	require.Equal(t, "llama_1-2_24.ckpt", resume(t, dir, 0))
	s := sets(t, dir, 0)
	require.Equal(t, []int64{128, 90, 40}, []int64{*s[0].Step, *s[1].Step, *s[2].Step})
}

// Ranks of the same name that stand at different steps do not belong together.
func TestSetOfDifferentSteps(t *testing.T) {
	dir := t.TempDir()
	saveRank(t, dir, 0, "", 2, 24, 128)
	saveRank(t, dir, 1, "", 2, 24, 88)
	require.Equal(t, "rank 0 stands at step 128, rank 1 at 88", sets(t, dir, 0)[0].Reason)
}

// A file that lost only global_batch_size ends as those of earlier versions
// do; beside the others of its training it is found out.
func TestSetFindsAFileWithFewerTensors(t *testing.T) {
	dir := t.TempDir()
	b, err := os.ReadFile(filepath.Join(samples, "mf160-ms270-complete-ckpt/tiny_llama_rank_0-1_64.ckpt"))
	require.NoError(t, err)
	write(t, dir, "rank_0/tiny_llama_rank_0-1_60.ckpt", b)
	const lastRecord = 561017
	cut := write(t, dir, "rank_0/tiny_llama_rank_0-1_64.ckpt", b[:lastRecord])
	v, err := Verify(context.Background(), cut, Options{})
	require.NoError(t, err)
	require.True(t, v.Complete, "alone it cannot be seen")
	require.Equal(t, "tiny_llama-1_60.ckpt", resume(t, dir, 0))
	for _, s := range sets(t, dir, 0) {
		if s.Name == "tiny_llama-1_64.ckpt" {
			require.Equal(t, "rank 0: has 68 tensors, while tiny_llama_rank_0-1_60.ckpt has 69", s.Reason)
		}
	}
}

// Two trainings below one directory are kept apart.
func TestSetsOfTwoTrainings(t *testing.T) {
	dir := t.TempDir()
	for _, run := range []string{"a", "b"} {
		for rank := range 2 {
			saveRank(t, filepath.Join(dir, run), rank, "", 1, 20, 20)
		}
	}
	saveRank(t, filepath.Join(dir, "a"), 5, "_1", 1, 30, 30) // an old one with other ranks
	s := sets(t, dir, 0)
	require.Len(t, s, 3)
	for _, x := range s {
		require.True(t, x.Complete, x.Reason)
	}
}

func TestListFindsLinksAndSkipsTheRest(t *testing.T) {
	dir := t.TempDir()
	a := saveRank(t, dir, 0, "", 1, 20, 20)
	write(t, dir, "checkpoint/rank_0/meta.json", nil)
	write(t, dir, "checkpoint/rank_0/x.tmp", nil)
	write(t, dir, "strategy/ckpt_strategy_rank_0.ckpt", nil)
	link := filepath.Join(dir, "newest.ckpt")
	require.NoError(t, os.Symlink(a, link))
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "loop")))
	got, err := List(context.Background(), dir)
	require.NoError(t, err)
	require.Equal(t, []string{a, link}, got)
}

// A link to all files of the machine, say: a look ends, and says that it did not
// see all.
func TestALinkToTooManyFiles(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Symlink("/proc", filepath.Join(dir, "everything")))
	write(t, dir, "a_rank_0-1_20.ckpt", training(1, 20, 20))
	s := &scan{ctx: t.Context(), visited: map[fileID]bool{}, problems: map[string]error{}, entries: maxEntries - 100}
	err := s.whole(dir)
	require.ErrorIs(t, err, errTooMany)
	require.ErrorContains(t, err, dir+": there are more than 1000000 files below")
	require.NotEmpty(t, s.problems)
	require.Len(t, s.files, 1, "what was seen before counts")
}

// Attempts and commands save in directories of their own: what they hold is one
// list, by step, and each file is in it once.
func TestSetsOfSeveralDirectories(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for _, step := range []int64{20, 60} {
		saveRank(t, first, 0, "", 1, step, step)
	}
	for _, step := range []int64{40, 80} {
		saveRank(t, second, 0, "", 1, step, step)
	}
	for _, dirs := range [][]string{{first, second}, {second, first}, {dir, first, filepath.Join(dir, "none"), second}} {
		found, err := SetsBelow(t.Context(), dirs, 1, Options{})
		require.NoError(t, err)
		var steps []int64
		for _, s := range found {
			steps = append(steps, *s.Step)
		}
		require.Equal(t, []int64{80, 60, 40, 20}, steps, dirs)
	}
}
