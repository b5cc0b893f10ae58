package settings

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"ftd/api"
)

// Print writes the effective settings with the origin of each, the way
// `ftd config` does: format is "text" or "json" (an array of [Value]).
func (s *Settings) Print(w io.Writer, format string) error {
	switch format {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(s.values)
	case "text", "":
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(tw, "SETTING\tVALUE\tFROM")
		for _, v := range s.values {
			fmt.Fprintf(tw, "%s\t%v\t%s\n", v.Name, v.Value, v.Origin)
		}
		return tw.Flush()
	}
	return api.Errorf(api.CodeSettings, "-o %s: there is no such form", format).WithRemedy("write: -o text or -o json")
}
