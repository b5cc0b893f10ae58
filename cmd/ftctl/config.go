package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"ftd/api"
)

func newConfigCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Print the daemon's settings; set values in a mindformers config",
		Long: `config looks after settings: by itself it prints those of the daemon that runs,
and where each came from; with patch it sets those of a training, which are in a
mindformers YAML, and needs no daemon.

The daemon's settings marked with * can be changed with config set, or in the
settings file followed by ftctl reload. The others take effect with ftctl
restart; those that wait for it, and what was wrong with the file the last time it
was read, are said on stderr.`,
		Example: `  ftctl config
  ftctl config set log_level debug
  ftctl config patch run_llama_7b_lora.yaml runner_config.epochs=1 --write`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{outputs: "wide name"},
		RunE: func(c *cobra.Command, _ []string) error {
			client := connect(c)
			defer client.Close()
			all, err := client.Settings(c.Context())
			if err != nil {
				return err
			}
			warnOfSettings(c.ErrOrStderr(), all)
			return printSettings(c, all)
		},
	}
	c.AddCommand(newConfigPatchCommand(), &cobra.Command{
		Use:   "set SETTING VALUE",
		Short: "Change a setting of the running daemon",
		Long: `set changes log_level, slots, restart_above or notify until the daemon reads its
settings again (ftctl reload), which it also does when it restarts.`,
		Example: `  ftctl config set log_level debug
  ftctl config set slots 2`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeSettings,
		RunE: func(c *cobra.Command, args []string) error {
			client := connect(c)
			defer client.Close()
			all, err := client.SetSetting(c.Context(), args[0], args[1])
			if err != nil || !wantJSON(c) {
				return err
			}
			return printJSON(c.OutOrStdout(), all)
		},
	})
	return c
}

func printSettings(c *cobra.Command, all *api.Settings) error {
	switch output(c) {
	case "json":
		return printJSON(c.OutOrStdout(), all)
	case "name":
		for i := range all.Settings {
			fmt.Fprintln(c.OutOrStdout(), all.Settings[i].Name)
		}
	default:
		writeSettings(c.OutOrStdout(), all, output(c) == "wide")
	}
	return nil
}

// warnOfSettings says what of the settings file is not in effect.
func warnOfSettings(w io.Writer, all *api.Settings) {
	if all.Failed != nil {
		fmt.Fprintf(w, "these are the settings of before; the last reading failed: %v\n", all.Failed)
	}
	if all.Metrics != nil {
		fmt.Fprintf(w, "no metrics are served: %v\n", all.Metrics)
	}
	if len(all.Waiting) > 0 {
		fmt.Fprintf(w, "waiting for ftctl restart: %s\n", strings.Join(all.Waiting, ", "))
	}
}

// writeSettings prints the table of settings; wide also what they mean.
func writeSettings(w io.Writer, all *api.Settings, wide bool) {
	rows := [][]string{{"SETTING", "VALUE", "FROM"}}
	if wide {
		rows[0] = append(rows[0], "MEANING")
	}
	for _, s := range all.Settings {
		name := s.Name
		if s.AtOnce {
			name += " *"
		}
		rows = append(rows, []string{name, fmt.Sprint(s.Value), s.Origin})
		if wide {
			rows[len(rows)-1] = append(rows[len(rows)-1], s.Doc)
		}
	}
	writeTable(w, rows)
}
