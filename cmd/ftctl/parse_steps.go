package main

import (
	"encoding/csv"
	"fmt"
	"strconv"

	"ftd/api"
	"ftd/logparse"
)

// stepTable prints the steps of all files as one table.
type stepTable struct {
	*logReader
	csv *csv.Writer
}

var stepColumns = []string{"line", "time", "epoch", "step", "total", "global_step", "loss", "mean_loss", "lr", "step_ms",
	"overflow", "loss_scale", "global_norm"}

func newStepTable(p *logReader) *stepTable { return &stepTable{p, csv.NewWriter(p.w)} }

func (v *stepTable) begin() { v.row("file", stepColumns) }
func (v *stepTable) end()   { v.csv.Flush() }

// row writes a line of the table; the file's name only where there are several.
func (v *stepTable) row(file string, fields []string) {
	if v.several {
		fields = append([]string{file}, fields...)
	}
	_ = v.csv.Write(fields) // it keeps its error, and so does the writer below it
}

func (v *stepTable) file(path string) error {
	defer v.csv.Flush()
	return v.read(path, func(r *logparse.Record) {
		if r.Kind == logparse.KindStep {
			v.row(path, stepFields(r))
		}
	})
}

// stepFields is a step as a line of CSV: exact values, empty where the log has
// none.
func stepFields(r *logparse.Record) []string {
	s := &r.Step
	whole := func(n int64, known bool) string {
		if !known {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	exact := func(n logparse.Number) string {
		switch {
		case !n.Known:
			return ""
		case finite(api.Float(n.Value)):
			return strconv.FormatFloat(n.Value, 'g', -1, 64)
		}
		return number(api.Float(n.Value))
	}
	at := ""
	if !r.Time.IsZero() {
		at = r.Time.Format("2006-01-02T15:04:05.000")
	}
	overflow := map[logparse.Tristate]string{logparse.False: "false", logparse.True: "true"}[s.Overflow]
	return []string{whole(r.Line, true), at, whole(s.Epoch, s.Format != logparse.FormatF6), whole(s.Step, true),
		whole(s.Total, s.Total > 0), whole(s.GlobalStep(), true),
		exact(logparse.Number{Value: s.Loss, Known: !s.NoLoss}), exact(s.MeanLoss), exact(s.LR),
		exact(logparse.Number{Value: s.StepMS, Known: s.StepMS > 0}), overflow, exact(s.LossScale), exact(s.GlobalNorm)}
}

// lossPictures draws the loss of each file.
type lossPictures struct{ *logReader }

func (v *lossPictures) file(path string) error {
	curve := newCurve()
	if err := v.read(path, curve.add); err != nil {
		return err
	}
	if v.several {
		fmt.Fprintf(v.w, "%s\n", plain(path))
	}
	picture := lossPlot(curve.points, terminalWidth(v.c.OutOrStdout()))
	if picture == "" {
		picture = "no two finite losses to draw"
	}
	_, err := fmt.Fprintln(v.w, picture)
	return err
}

// curvePoints bounds how many points of a curve are kept: more than any
// terminal has columns.
const curvePoints = 8192

// curve keeps the losses of a log of any length: when there are too many, of
// each pair the second goes.
type curve struct {
	points []api.Point
	every  int64
	seen   int64
}

func newCurve() *curve { return &curve{every: 1} }

func (k *curve) add(r *logparse.Record) {
	if r.Kind != logparse.KindStep || r.Step.NoLoss {
		return
	}
	p := api.Point{GlobalStep: r.Step.GlobalStep(), Loss: api.Float(r.Step.Loss)}
	if k.seen%k.every == 0 {
		if len(k.points) == curvePoints {
			for i := range curvePoints / 2 {
				k.points[i] = k.points[2*i]
			}
			k.points = k.points[:curvePoints/2]
			k.every *= 2
		}
		if k.seen%k.every == 0 {
			k.points = append(k.points, p)
		}
	}
	k.seen++
}
