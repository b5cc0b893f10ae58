// Command bench measures the figures of docs/figures.md and prints one JSON
// object a line; what a person wants to know goes to stderr. The measuring is
// done by Go benchmarks, so each figure can be had alone, and profiled:
//
//	go test ./logparse -run '^$' -bench StepLines -cpuprofile cpu.out
//
// A bar that is missed is said and is no failure: what fails is a figure that
// could not be measured. A peer that is not installed is said too.
//
// It runs in the root of the project, in the environment that scripts/bench.sh
// prepares.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, talk io.Writer) error {
	dir, err := os.MkdirTemp("", "ftd-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	got := results{}
	var failed []error
	for _, m := range measurements {
		fmt.Fprintf(talk, "%s %s\n", m.pkg, m.bench)
		failed = append(failed, m.run(ctx, dir, got))
	}
	encoder := json.NewEncoder(out)
	for _, f := range figures {
		l, err := f.line(got)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if err := encoder.Encode(l); err != nil {
			return err
		}
		fmt.Fprintln(talk, l.sentence())
	}
	return errors.Join(failed...)
}

// run measures, and adds what it saw to the results.
func (m measurement) run(ctx context.Context, dir string, got results) error {
	binary := filepath.Join(dir, filepath.Base(m.pkg)+".test")
	if _, err := os.Stat(binary); err != nil {
		build := exec.CommandContext(ctx, "go", "test", "-c", "-tags", "python", "-o", binary, m.pkg)
		if text, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("cannot build the benchmarks of %s: %w\n%s", m.pkg, err, text)
		}
	}
	for range m.rounds {
		bench := exec.CommandContext(ctx, binary, "-test.run", "^$", "-test.bench", m.bench, "-test.benchtime", m.time, "-test.benchmem")
		bench.Dir = m.pkg
		text, err := bench.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s %s: %w\n%s", m.pkg, m.bench, err, text)
		}
		got.read(string(text))
	}
	return nil
}

// results are metrics of benchmarks, named as figure says.
type results map[string]float64

// read takes the lines of benchmarks, and keeps the best of each metric: other
// work on the machine makes a figure worse, never better.
func (r results) read(text string) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		name, isBenchmark := strings.CutPrefix(line, "Benchmark")
		if !isBenchmark || len(fields) < 4 {
			continue
		}
		name = strings.Fields(name)[0]
		if i := strings.LastIndexByte(name, '-'); i >= 0 { // -GOMAXPROCS
			name = name[:i]
		}
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				break
			}
			best := math.Min
			if strings.HasSuffix(fields[i+1], "/s") {
				best = math.Max
			}
			metric := name + " " + fields[i+1]
			if old, seen := r[metric]; seen {
				value = best(value, old)
			}
			r[metric] = value
		}
	}
}

// line is what is printed of a figure.
type line struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Peer  string  `json:"peer,omitempty"`
	// PeerValue and Ratio are absent where the peer is not installed.
	PeerValue *float64 `json:"peer_value,omitempty"`
	Ratio     *float64 `json:"ratio,omitempty"`
	Bar       string   `json:"bar"`
	// Holds is absent where that cannot be known.
	Holds *bool `json:"holds,omitempty"`
}

func (f figure) line(got results) (line, error) {
	value, measured := got[f.metric]
	if !measured {
		return line{}, fmt.Errorf("%s was not measured", f.name)
	}
	l := line{Name: f.name, Value: short(value * f.scale), Unit: f.unit, Peer: f.peer, Bar: f.bar.String()}
	reached := value * f.scale
	if f.peer != "" {
		l.Bar += " × the peer"
		peer, measured := got[f.beside]
		if !measured {
			return l, nil
		}
		reached = value / peer
		scaled, ratio := short(peer*f.scale), short(reached)
		l.PeerValue, l.Ratio = &scaled, &ratio
	}
	holds := f.bar.holds(reached)
	l.Holds = &holds
	return l, nil
}

// sentence is the line for a person.
func (l line) sentence() string {
	verdict := "no peer"
	if l.Holds != nil {
		verdict = map[bool]string{true: "ok", false: "MISSED"}[*l.Holds]
	}
	text := fmt.Sprintf("%-8s %-24s %9g %s", verdict, l.Name, l.Value, l.Unit)
	switch {
	case l.Ratio != nil:
		text += fmt.Sprintf(", %g × %s (%g)", *l.Ratio, l.Peer, *l.PeerValue)
	case l.Peer != "":
		text += ", " + l.Peer + " is not installed"
	}
	return text + "; bar: " + l.Bar
}

func (b bar) holds(value float64) bool {
	if b.atLeast {
		return value >= b.limit
	}
	return value <= b.limit
}

func (b bar) String() string {
	return fmt.Sprintf("%s %g", map[bool]string{true: "≥", false: "≤"}[b.atLeast], b.limit)
}

// short leaves the digits that mean something.
func short(value float64) float64 {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(value, 'g', 3, 64), 64)
	return rounded
}
