package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"ftd/api"
)

// pointWriter prints points one below the other.
type pointWriter struct {
	format string
	w      io.Writer
	csv    *csv.Writer
	begun  bool
}

func newPointWriter(w io.Writer, format string) *pointWriter {
	return &pointWriter{format: format, w: w, csv: csv.NewWriter(w)}
}

var pointColumns = []string{"attempt", "rank", "time", "epoch", "step", "total", "global_step", "loss", "lr", "step_ms",
	"overflow", "loss_scale", "global_norm"}

func (p *pointWriter) write(v *api.Point) error {
	switch p.format {
	case "json":
		return json.NewEncoder(p.w).Encode(v)
	case "csv":
		if !p.begun {
			p.begun = true
			if err := p.csv.Write(pointColumns); err != nil {
				return err
			}
		}
		return p.csv.Write(pointRecord(v))
	}
	if !p.begun {
		p.begun = true
		fmt.Fprintf(p.w, pointLine, "STEP", "EPOCH", "LOSS", "LR", "S/STEP", "OVERFLOW", "SCALE")
	}
	overflow := "-"
	if v.Overflow != nil {
		overflow = map[bool]string{false: "no", true: "yes"}[*v.Overflow]
	}
	_, err := fmt.Fprintf(p.w, pointLine, strconv.FormatInt(v.GlobalStep, 10), strconv.FormatInt(v.Epoch, 10),
		number(v.Loss), setting(v.LR), number3(v.StepMS/1000), overflow, setting(v.LossScale))
	return err
}

// pointLine has fixed columns, because lines are printed as they come.
const pointLine = "%-9s %-6s %-10s %-11s %-8s %-9s %s\n"

func (p *pointWriter) flush() error {
	p.csv.Flush()
	return p.csv.Error()
}

// pointRecord is a point as a line of CSV: exact values, empty where unknown.
func pointRecord(v *api.Point) []string {
	exact := func(f *api.Float) string {
		if f == nil {
			return ""
		}
		if finite(*f) {
			return strconv.FormatFloat(float64(*f), 'g', -1, 64)
		}
		return number(*f)
	}
	overflow := ""
	if v.Overflow != nil {
		overflow = strconv.FormatBool(*v.Overflow)
	}
	whole := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []string{v.Attempt, strconv.Itoa(v.Rank), v.Time.UTC().Format("2006-01-02T15:04:05.999Z07:00"),
		whole(v.Epoch), whole(v.Step), whole(v.Total), whole(v.GlobalStep),
		exact(&v.Loss), exact(v.LR), exact(&v.StepMS), overflow, exact(v.LossScale), exact(v.GlobalNorm)}
}
