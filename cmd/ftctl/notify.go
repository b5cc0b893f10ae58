package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"ftd/api"
)

func newNotifyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "notify",
		Short: "Notifications when jobs end and watchdogs find something",
		Long: `Whom the daemon tells, and of what, is in the file that the setting notify names;
docs/operate.md shows one.`,
		Example: `  ftctl notify test`,
	}
	c.AddCommand(newNotifyTestCommand())
	return c
}

func newNotifyTestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "test [NAME]",
		Short: "Tell all who are notified that this is a test, and show what came of it",
		Long: `test tells every target, or the one of that name, that this is a test: one try
each, from the daemon. The exit status is 1 if it did not reach all of them.
-o json prints an array of {"name", "target", "error"}.`,
		Example: `  ftctl notify test
  ftctl notify test chat`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runNotifyTest(c, args) },
	}
}

func runNotifyTest(c *cobra.Command, args []string) error {
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	client := connect(c)
	defer client.Close()
	results, err := client.TestNotify(c.Context(), name)
	if err != nil {
		return err
	}
	if wantJSON(c) {
		err = printJSON(c.OutOrStdout(), results)
	} else {
		rows := [][]string{{"NAME", "TARGET", "RESULT"}}
		for _, r := range results {
			result := "told"
			if r.Error != "" {
				result = r.Error
			}
			rows = append(rows, []string{r.Name, r.Target, result})
		}
		writeTable(c.OutOrStdout(), rows)
	}
	if err != nil {
		return err
	}
	return unreached(results)
}

// unreached is the error of a test that did not reach everybody.
func unreached(results []api.NoticeTest) error {
	n := 0
	for _, r := range results {
		if r.Error != "" {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return api.Errorf("notify-failed", "%s", fmt.Sprintf("%d of %d were not reached", n, len(results))).
		WithRemedy("correct the file that the setting notify names (ftctl config shows it), then: ftctl reload")
}
