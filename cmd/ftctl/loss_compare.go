package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/guptarohit/asciigraph"
	"github.com/spf13/cobra"

	"ftd/api"
)

// compared is one of the trainings that are put side by side.
type compared struct {
	Job    string      `json:"job"`
	Name   string      `json:"name"`
	Points []api.Point `json:"points"`
}

// compareLoss prints or draws several trainings, or draws one for a file.
func compareLoss(c *cobra.Command, client *api.Client, o lossOptions, ids []string) error {
	if o.series == "" {
		o.series = "loss"
	}
	all := make([]compared, len(ids))
	for i, id := range ids {
		job, err := client.Job(c.Context(), id)
		if err != nil {
			return err
		}
		points, err := shownPoints(c, client, job.ID)
		if err != nil {
			return err
		}
		if points == nil {
			points = []api.Point{}
		}
		all[i] = compared{job.ID, job.Name, points}
	}
	w := c.OutOrStdout()
	switch {
	case o.svg != "" || o.png != "":
		return chartLoss(c, o, all)
	case wantJSON(c):
		return printJSON(w, all)
	case o.plot:
		picture := comparePlot(all, o.series, terminalWidth(w), newPalette(w, noColor(c)).on)
		if picture == "" {
			return nothingToDraw(o.series, all)
		}
		_, err := fmt.Fprintln(w, picture)
		return err
	}
	return writeCompared(w, output(c), o.series, all)
}

func nothingToDraw(series string, all []compared) error {
	return api.Errorf(api.CodeConflict, "there are not two finite values of %s to draw yet", series).
		WithRemedy("see what was logged so far: ftctl loss %s", all[0].Job)
}

// chartLoss writes the picture files that were asked for.
func chartLoss(c *cobra.Command, o lossOptions, all []compared) error {
	ch := newChart(o.series, all)
	if !slices.ContainsFunc(ch.curves, func(c chartLine) bool { return c.drawable() }) {
		return nothingToDraw(o.series, all)
	}
	for _, file := range []struct {
		path  string
		write func(io.Writer, *chart) error
	}{{o.svg, writeSVG}, {o.png, writePNG}} {
		if file.path == "" {
			continue
		}
		var picture bytes.Buffer
		if err := file.write(&picture, ch); err != nil {
			return err
		}
		if file.path == "-" {
			if _, err := picture.WriteTo(c.OutOrStdout()); err != nil {
				return err
			}
			continue
		}
		if err := renameio.WriteFile(file.path, picture.Bytes(), 0o644); err != nil {
			var at *fs.PathError // of a temporary file, which nobody has asked for
			if errors.As(err, &at) {
				err = at.Err
			}
			return api.Errorf(api.CodeBadRequest, "%s cannot be written: %s", file.path, err).
				WithRemedy("give a file in a directory that is there and that you may write to")
		}
		say(c, "%s is written", file.path)
	}
	return nil
}

func newChart(series string, all []compared) *chart {
	ch := &chart{title: series}
	for i := range all {
		ch.curves = append(ch.curves, newChartLine(label(all, i), series, all[i].Points))
	}
	if len(all) == 1 {
		ch.title = strings.Join([]string{series, all[0].Name, all[0].Job}, "  ·  ")
		ch.curves[0].name = series
	}
	return ch
}

// label is what a training is called beside others: its name, unless another
// has the same.
func label(all []compared, i int) string {
	for k := range all {
		if k != i && all[k].Name == all[i].Name {
			return all[i].Name + " " + shortID(all[i].Job, shortIDs([]api.Job{{ID: all[i].Job}, {ID: all[k].Job}}))
		}
	}
	if all[i].Name == "" {
		return all[i].Job
	}
	return all[i].Name
}

// comparePlot draws several trainings for a terminal. They share the axis of
// steps: the mean of the steps that fall into a column is drawn.
func comparePlot(all []compared, series string, columns int, colours bool) string {
	value := numbersOfSteps()[series]
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for _, a := range all {
		if n := len(a.Points); n > 0 {
			first, last = min(first, a.Points[0].GlobalStep), max(last, a.Points[n-1].GlobalStep)
		}
	}
	width := max(columns-14, 10)
	var lines [][]float64
	var names []string
	drawn := 0
	for i, a := range all {
		sums, counts, gaps, reached := make([]float64, width), make([]float64, width), make([]bool, width), -1
		for k := range a.Points {
			v := value(&a.Points[k])
			if v == nil {
				continue
			}
			at := int((a.Points[k].GlobalStep - first) * int64(width-1) / max(last-first, 1))
			reached = at
			if finite(*v) {
				sums[at], counts[at] = sums[at]+float64(*v), counts[at]+1
				drawn++
			} else if counts[at] == 0 {
				gaps[at] = true
			}
		}
		lines = append(lines, columnsOf(sums, counts, gaps, reached))
		names = append(names, label(all, i))
	}
	if drawn < 2 {
		return ""
	}
	options := []asciigraph.Option{asciigraph.Height(plotHeight + 4),
		asciigraph.YAxisValueFormatter(func(v float64) string { return number(api.Float(v)) })}
	if colours {
		options = append(options, asciigraph.SeriesColors(asciigraph.DodgerBlue, asciigraph.Orange, asciigraph.Green, asciigraph.Magenta, asciigraph.Gray),
			asciigraph.SeriesLegends(names...))
	} else {
		options = append(options, asciigraph.SeriesChars(lineStyles(len(all))...))
		for i := range names {
			names[i] = string(marksOfLines()[i%len(marksOfLines())]) + " " + names[i]
		}
	}
	picture := asciigraph.PlotMany(lines, options...)
	if !colours {
		picture += "\n          " + strings.Join(names, "   ")
	}
	return picture + "\n" + stepAxis(first, last, 10, columns)
}

// marksOfLines tell lines apart where there are no colours.
func marksOfLines() []rune { return []rune("*o+x#@") }

func lineStyles(n int) []asciigraph.CharSet {
	var styles []asciigraph.CharSet
	for i := range n {
		styles = append(styles, asciigraph.CreateCharSet(string(marksOfLines()[i%len(marksOfLines())])))
	}
	return styles
}

// columnsOf is the mean of each column. One that no step fell into goes on as
// the one before it; one whose steps have no finite number is a gap, and so is
// what comes after the last step.
func columnsOf(sums, counts []float64, gaps []bool, reached int) []float64 {
	for i := range sums {
		switch {
		case counts[i] > 0:
			sums[i] /= counts[i]
		case i > 0 && i < reached && !gaps[i]:
			sums[i] = sums[i-1]
		default:
			sums[i] = math.NaN()
		}
	}
	return sums
}

// writeCompared prints a table with a row for each step that one has.
func writeCompared(w io.Writer, format, series string, all []compared) error {
	value := numbersOfSteps()[series]
	rows := map[int64][]string{}
	for i, a := range all {
		for k := range a.Points {
			p := &a.Points[k]
			row := rows[p.GlobalStep]
			if row == nil {
				row = make([]string, len(all))
				rows[p.GlobalStep] = row
			}
			if v := value(p); v != nil && finite(*v) {
				row[i] = strconv.FormatFloat(float64(*v), 'g', -1, 64)
			} else if v != nil {
				row[i] = number(*v)
			}
		}
	}
	steps := make([]int64, 0, len(rows))
	for step := range rows {
		steps = append(steps, step)
	}
	slices.Sort(steps)
	head := make([]string, len(all))
	for i := range all {
		head[i] = label(all, i)
	}
	if format == "csv" {
		return writeComparedCSV(w, head, steps, rows)
	}
	table := [][]string{append([]string{"STEP"}, head...)}
	for _, step := range steps {
		table = append(table, append([]string{strconv.FormatInt(step, 10)}, rows[step]...))
	}
	writeTable(w, table)
	return nil
}

func writeComparedCSV(w io.Writer, head []string, steps []int64, rows map[int64][]string) error {
	out := csv.NewWriter(w)
	_ = out.Write(append([]string{"global_step"}, head...)) // Error tells
	for _, step := range steps {
		_ = out.Write(append([]string{strconv.FormatInt(step, 10)}, rows[step]...))
	}
	out.Flush()
	return out.Error()
}
