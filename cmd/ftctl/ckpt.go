package main

import (
	"errors"
	"io/fs"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"ftd/api"
	"ftd/checkpoint"
)

func newCkptCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "ckpt",
		Aliases: []string{"checkpoint"},
		Short:   "Look at checkpoints: complete or not, what is in them, which can go",
		Long: `ckpt reads checkpoints of MindSpore, .ckpt and .safetensors, without Python and
without the daemon. Whether one is complete is judged by its bytes: MindSpore
loads a .ckpt that was cut between two tensors without a word.`,
		Example: `  ftctl ckpt verify output/checkpoint
  ftctl ckpt show output/checkpoint/rank_0/llama_7b_lora_rank_0-1_100.ckpt
  ftctl ckpt ls output/checkpoint`,
	}
	c.AddCommand(newCkptVerifyCommand(), newCkptShowCommand(), newCkptLsCommand(), newCkptDiffCommand(), newCkptPruneCommand())
	return c
}

// checkpointPaths replaces every directory among the words by the checkpoints
// in it. single says that one checkpoint was named.
func checkpointPaths(c *cobra.Command, words []string, failed *failures) (paths []string, single bool) {
	for _, word := range words {
		if !isCheckpointDirectory(word) {
			paths = append(paths, word)
			single = len(words) == 1
			continue
		}
		below, err := checkpoint.List(c.Context(), word)
		if err == nil && len(below) == 0 {
			err = api.Errorf(api.CodeNotFound, "there is no checkpoint in %s", word).
				WithRemedy("mindformers writes to output/checkpoint/rank_N; see: ls -R %s", word)
		}
		if err != nil {
			failed.add(ckptError(err))
		}
		paths = append(paths, below...)
	}
	return paths, single
}

// isCheckpointDirectory says whether a word names a directory of checkpoints,
// rather than one that is a checkpoint itself.
func isCheckpointDirectory(word string) bool {
	info, err := os.Stat(word)
	return err == nil && info.IsDir() && !checkpoint.IsIteration(word)
}

// ckptError gives a checkpoint that cannot be read a code and a remedy.
func ckptError(err error) error {
	var unreadable *checkpoint.ReadError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return api.Errorf(api.CodeNotFound, "%s", err).WithRemedy("list what is there with: ftctl ckpt ls DIRECTORY")
	case errors.Is(err, fs.ErrPermission):
		return api.Errorf(api.CodeDenied, "%s", err).WithRemedy("run ftctl as the user who trained")
	case errors.As(err, &unreadable):
		return api.Errorf(api.CodeCheckpointBroken, "%s", err)
	}
	return err
}

// maybe writes a number that may be unknown.
func maybe(n *int64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatInt(*n, 10)
}
