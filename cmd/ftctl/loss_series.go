package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"ftd/api"
)

// stepNumber is one number of a step, nil where its line had none.
type stepNumber func(p *api.Point) *api.Float

// numbersOfSteps are what --series can be.
func numbersOfSteps() map[string]stepNumber {
	return map[string]stepNumber{
		"loss":        func(p *api.Point) *api.Float { return &p.Loss },
		"lr":          func(p *api.Point) *api.Float { return p.LR },
		"loss_scale":  func(p *api.Point) *api.Float { return p.LossScale },
		"global_norm": func(p *api.Point) *api.Float { return p.GlobalNorm },
		"step_ms":     func(p *api.Point) *api.Float { return &p.StepMS },
	}
}

// lossScale is the one that stays the same for long: only its changes count.
const lossScale = "loss_scale"

// seriesPoint is one line of `loss --series -o json`.
type seriesPoint struct {
	GlobalStep int64     `json:"global_step"`
	Value      api.Float `json:"value"`
}

func checkSeries(o lossOptions) error {
	if o.series == "" {
		return nil
	}
	if _, known := numbersOfSteps()[o.series]; !known {
		return usageError("give one of loss, lr, loss_scale, global_norm, step_ms", "there is no series %q", o.series)
	}
	if o.follow {
		return usageError("leave out -f or --series", "a series cannot be followed")
	}
	return nil
}

// seriesOf picks a number out of the steps that have it.
func seriesOf(name string, points []api.Point) []seriesPoint {
	value := numbersOfSteps()[name]
	series := []seriesPoint{}
	for i := range points {
		v := value(&points[i])
		if v != nil && (name != lossScale || len(series) == 0 || series[len(series)-1].Value != *v) {
			series = append(series, seriesPoint{points[i].GlobalStep, *v})
		}
	}
	return series
}

func writeSeries(w io.Writer, format string, o lossOptions, points []api.Point) error {
	if o.plot {
		value := numbersOfSteps()[o.series]
		drawn := slices.DeleteFunc(slices.Clone(points), func(p api.Point) bool { return value(&p) == nil })
		for i := range drawn {
			drawn[i].Loss = *value(&drawn[i])
		}
		picture := strings.Replace(lossPlot(drawn, terminalWidth(w)), " losses are not", " values are not", 1)
		_, err := fmt.Fprintln(w, picture)
		return err
	}
	series := seriesOf(o.series, points)
	if format == "json" {
		return printJSON(w, series)
	}
	line, head := "%-9s %s\n", []any{"STEP", strings.ToUpper(o.series)}
	if format == "csv" {
		line, head = "%s,%s\n", []any{"global_step", o.series}
	}
	fmt.Fprintf(w, line, head...)
	for _, p := range series {
		value := number(p.Value)
		if finite(p.Value) {
			value = strconv.FormatFloat(float64(p.Value), 'g', -1, 64)
		}
		if _, err := fmt.Fprintf(w, line, strconv.FormatInt(p.GlobalStep, 10), value); err != nil {
			return err
		}
	}
	return nil
}
