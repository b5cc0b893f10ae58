package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"ftd/api"
)

type trainOptions struct {
	name   string
	dir    string
	env    []string
	cards  int
	prio   int
	detach bool
	follow followOptions
}

func newTrainCommand() *cobra.Command {
	var o trainOptions
	c := &cobra.Command{
		Use:   "train [FLAGS] -- COMMAND [ARGUMENTS]",
		Short: "Supervise a training command as it is, without a recipe",
		Long: `train hands a command to the daemon, which starts it, reads its log, watches its
checkpoints, and keeps it when the daemon itself is restarted. It runs in the
current directory, in the environment that the daemon was built for.

` + followHelp,
		Example: `  ftctl train -- python run_mindformer.py --config run_llama_7b_lora.yaml --run_mode finetune
  ftctl train --name lora --detach -- python train.py
  ftctl train --cards 8 --priority 10 -- python train_on_eight_cards.py
  ftctl train -e ASCEND_RT_VISIBLE_DEVICES=3 --dir ~/mindformers -- sh finetune.sh`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runTrain(c, o, args) },

		DisableFlagsInUseLine: true, // they stand before the command
	}
	f := c.Flags()
	f.SetInterspersed(false) // the command's own flags are not ours
	f.StringVar(&o.name, "name", "", "name the job")
	f.StringVar(&o.dir, "dir", "", "run it in this `directory` instead of the current one")
	f.StringArrayVarP(&o.env, "env", "e", nil, "add `KEY=VALUE` to its environment, or KEY with its value here; repeatable")
	f.IntVar(&o.cards, "cards", 1, "wait for so many accelerator `cards`, where the daemon hands them out; 0 for none")
	priorityFlag(c, &o.prio)
	startFlag(c)
	f.BoolVarP(&o.detach, "detach", "d", false, "do not follow: print the job's id and return")
	o.follow.addFlags(c)
	return c
}

func runTrain(c *cobra.Command, o trainOptions, command []string) error {
	if command[0] == "" {
		return usageError("name one: ftctl train -- python train.py", "the command is empty; is it a variable of the shell that is not set?")
	}
	dir, err := filepath.Abs(o.dir) // of "": the current directory
	if err != nil {
		return err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return usageError("give one that is there with --dir", "%s is not a directory", dir)
	}
	env, err := environment(o.env)
	if err != nil {
		return err
	}
	s := api.Submit{Command: command, Dir: dir, Name: o.name, Env: env, Priority: o.prio}
	if c.Flags().Changed("cards") {
		s.Cards = &o.cards
	}
	return submit(c, s, o.detach, o.follow)
}

// environment reads -e KEY=VALUE and -e KEY, which passes the caller's value.
func environment(words []string) (map[string]string, error) {
	given := make([]string, 0, len(words))
	for _, w := range words {
		if !strings.Contains(w, "=") {
			value, ok := os.LookupEnv(w)
			if !ok {
				return nil, usageError("write: -e "+w+"=VALUE", "%s is not in the environment", w)
			}
			w += "=" + value
		}
		given = append(given, w)
	}
	return assignments("-e", given)
}
