package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ftd/api"
	"ftd/daemon/settings"
	"ftd/recipe"
)

// completeJobs completes ids and names of jobs that a verb can do something with,
// from the daemon, silently where there is none: names first, since a person
// knows them.
func completeJobs(c *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	jobs, err := askQuietly(c, func(ctx context.Context, client *api.Client) ([]api.Job, error) {
		return client.Jobs(ctx, api.JobsQuery{Limit: completeFrom})
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names, ids []cobra.Completion
	told := map[string]bool{}
	for _, j := range jobs {
		// The newest job of a name is the one that bears it.
		named := !told[j.Name]
		told[j.Name] = true
		if !suits(c.Name(), j.State) || slices.Contains(given, j.ID) || named && slices.Contains(given, j.Name) {
			continue
		}
		if strings.HasPrefix(j.ID, begun) {
			ids = append(ids, cobra.CompletionWithDesc(j.ID, j.Name+" "+string(j.State)))
		}
		if named && strings.HasPrefix(j.Name, begun) && !strings.ContainsAny(j.Name, " \t\n'\"\\") {
			names = append(names, cobra.CompletionWithDesc(j.Name, string(j.State)))
		}
	}
	return append(names, ids...), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// suits says whether a verb can do anything with a job in a state.
func suits(verb string, s api.State) bool {
	switch verb {
	case "stop":
		return !s.Ended()
	case "rm":
		return s.Ended()
	case "resume":
		return s.Ended() && s != api.StateSucceeded
	}
	return true
}

// completeWithin is how long a person who has pressed Tab is kept waiting, and
// completeFrom how many jobs are offered, the newest.
const (
	completeWithin = time.Second
	completeFrom   = 500
)

// askQuietly asks the daemon for a person who has pressed Tab: not for long, and
// with no word about its release.
func askQuietly[T any](c *cobra.Command, question func(context.Context, *api.Client) (T, error)) (T, error) {
	client := connect(c)
	defer client.Close()
	client.Differs = nil
	ctx, cancel := context.WithTimeout(c.Context(), completeWithin)
	defer cancel()
	return question(ctx, client)
}

// completeJobOrDir completes jobs, and directories where none begins so.
func completeJobOrDir(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	list, directive := completeOneJob(c, args, begun)
	if len(args) == 0 && len(list) == 0 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return list, directive
}

// completeOneJob is completeJobs for verbs that take one.
func completeOneJob(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeJobs(c, args, begun)
}

// completeOf completes a flag with words of the job that is named already.
func completeOf(words func(*api.Job) []string) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		job, err := askQuietly(c, func(ctx context.Context, client *api.Client) (*api.Job, error) { return client.Job(ctx, args[0]) })
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return beginning(words(job), begun), cobra.ShellCompDirectiveNoFileComp
	}
}

func stepsOf(j *api.Job) (ids []string) {
	for i := range j.Steps {
		ids = append(ids, j.Steps[i].ID)
	}
	return ids
}

func attemptsOf(j *api.Job) (ids []string) {
	for i := range j.Steps {
		for k := range j.Steps[i].Attempts {
			ids = append(ids, j.Steps[i].Attempts[k].ID)
		}
	}
	return ids
}

// completeSteps completes the steps of the recipe that is named already.
func completeSteps(_ *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	text, err := recipe.Source(args[0])
	if isRecipeFile(args[0]) {
		text, err = os.ReadFile(args[0])
	}
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	r, err := recipe.Parse(args[0], text)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for _, s := range r.Order() {
		ids = append(ids, s.ID)
	}
	return beginning(ids, begun), cobra.ShellCompDirectiveNoFileComp
}

// completeSettings completes the settings that a running daemon takes, and the
// words or the file that one of them may be.
func completeSettings(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	switch {
	case len(args) == 1 && args[0] == "log_level":
		return beginning(settings.LogLevels(), begun), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	case len(args) == 1 && args[0] == "notify":
		return nil, cobra.ShellCompDirectiveDefault
	case len(args) > 0:
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all, err := askQuietly(c, func(ctx context.Context, client *api.Client) (*api.Settings, error) { return client.Settings(ctx) })
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, s := range all.Settings {
		if s.AtOnce {
			names = append(names, s.Name)
		}
	}
	return beginning(names, begun), cobra.ShellCompDirectiveNoFileComp
}

// completeWords completes a flag that takes one of a few words.
func completeWords(words ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return beginning(words, begun), cobra.ShellCompDirectiveNoFileComp
	}
}

func completeOutput(c *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return beginning(append([]string{"text", "json"}, strings.Fields(c.Annotations[outputs])...), begun), cobra.ShellCompDirectiveNoFileComp
}

func beginning(words []string, begun string) (list []cobra.Completion) {
	for _, w := range words {
		if strings.HasPrefix(w, begun) {
			list = append(list, w)
		}
	}
	return list
}

// complete says how a flag is completed; the flag must be there.
func complete(c *cobra.Command, flag string, with cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, with); err != nil {
		panic(err) // a mistake in this program, and every test finds it
	}
}
