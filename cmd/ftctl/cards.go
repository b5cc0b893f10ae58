package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ftd/api"
)

func newCardsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cards",
		Short: "List the accelerator cards, and who uses them",
		Long: `cards lists the accelerator cards that the daemon hands out to trainings, as they
stood a moment ago: free, held by a job, occupied by a process that is not ours,
or unhealthy. CARD is the number for ASCEND_RT_VISIBLE_DEVICES; NPU and CHIP are
those of npu-smi. The list is empty where the daemon hands out no cards (the
settings cards and npu_smi).`,
		Example: `  ftctl cards
  ftctl cards -o name
  ftctl cards -o json | jq -r '.[] | select(.state == "free") | .id'`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{outputs: "wide name"},
		RunE: func(c *cobra.Command, _ []string) error {
			client := connect(c)
			defer client.Close()
			list, err := client.Cards(c.Context())
			if err != nil {
				return err
			}
			switch output(c) {
			case "json":
				return printJSON(c.OutOrStdout(), list)
			case "name":
				for _, card := range list {
					fmt.Fprintln(c.OutOrStdout(), card.ID)
				}
			default:
				writeCards(c.OutOrStdout(), list, output(c) == "wide")
			}
			return nil
		},
	}
}

// writeCards prints the table of cards; wide also which job holds one.
func writeCards(w io.Writer, list []api.Card, wide bool) {
	rows := [][]string{{"CARD", "NPU", "CHIP", "NAME", "STATE", "HEALTH", "POWER", "TEMP", "MEMORY", "WHY"}}
	if wide {
		rows[0] = append(rows[0], "JOB")
	}
	for _, c := range list {
		memory := ""
		if c.MemoryTotal > 0 {
			memory = fmt.Sprintf("%s/%s", size(c.MemoryUsed), size(c.MemoryTotal))
		}
		rows = append(rows, []string{strconv.Itoa(c.ID), shown(c.NPU), shown(c.Chip), c.Name, c.State, c.Health,
			measured(c.Power, "W"), measured(c.Temperature, "°C"), memory, c.Why})
		if wide {
			rows[len(rows)-1] = append(rows[len(rows)-1], c.Job)
		}
	}
	writeTable(w, rows)
}

// shown is a number that npu-smi may not show.
func shown(n int) string {
	if n < 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func measured(f *api.Float, unit string) string {
	if f == nil {
		return ""
	}
	return fmt.Sprintf("%.0f %s", float64(*f), unit)
}

// numbers lists numbers as ASCEND_RT_VISIBLE_DEVICES has them.
func numbers(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ",")
}
