package logparse_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

// stepText is n step lines of the 1.6.0 format, as real ones as can be.
func stepText(n int) []byte {
	data, err := os.ReadFile("../testdata/logs/mf160-llama-full-ok-branch.log")
	if err != nil {
		panic(err)
	}
	var lines [][]byte
	for _, line := range bytes.SplitAfter(data, []byte("\n")) {
		if bytes.Contains(line, []byte("step:[")) {
			lines = append(lines, line)
		}
	}
	var out bytes.Buffer
	for i := range n {
		out.Write(lines[i%len(lines)])
	}
	return out.Bytes()
}

// mixedText has one step line among twenty; the others are what logs hold
// most: dumped configurations, records of all levels, stacks.
func mixedText(n int) []byte {
	data, err := os.ReadFile("../testdata/logs/mf160-llama-full-ok-branch.log")
	if err != nil {
		panic(err)
	}
	compile, err := os.ReadFile("../testdata/logs/mf160-llama-compile-error-batchmatmul.log")
	if err != nil {
		panic(err)
	}
	var steps, others [][]byte
	for _, line := range bytes.SplitAfter(append(data, compile...), []byte("\n")) {
		switch {
		case bytes.Contains(line, []byte("step:[")):
			steps = append(steps, line)
		case bytes.Contains(line, []byte("samples/s/p")), bytes.Contains(line, []byte("Traceback")):
		default:
			others = append(others, line)
		}
	}
	var out bytes.Buffer
	for i := range n {
		if i%20 == 0 {
			out.Write(steps[i/20%len(steps)])
		} else {
			out.Write(others[i%len(others)])
		}
	}
	return out.Bytes()
}

func TestStepLinesAllocateNothing(t *testing.T) {
	text := stepText(1000)
	p := logparse.NewParser()
	steps := 0
	emit := func(r *logparse.Record) {
		if r.Kind == logparse.KindStep {
			steps++
		}
	}
	p.Feed(text, emit)
	require.Equal(t, 1000, steps)
	require.Zero(t, testing.AllocsPerRun(20, func() { p.Feed(text, emit) }))
	// The same in pieces that split lines.
	require.Zero(t, testing.AllocsPerRun(20, func() {
		for i := 0; i < len(text); i += 1000 {
			p.Feed(text[i:min(i+1000, len(text))], emit)
		}
	}))
}

// benchBytes is how much text the benchmarks read: far more than any cache.
const benchBytes = 300 << 20

// enough repeats a text until there is benchBytes of it.
func enough(text []byte) []byte {
	return bytes.Repeat(text, benchBytes/len(text)+1)
}

// BenchmarkStepLines reads all fields of step lines, beside peers that read the
// same fields of the same text: a regular expression, and mtail as a process.
func BenchmarkStepLines(b *testing.B) {
	text := enough(stepText(20_000))
	lines := bytes.Count(text, []byte("\n"))
	b.Run("logparse", func(b *testing.B) {
		p := logparse.NewParser()
		steps := 0
		emit := func(r *logparse.Record) {
			if r.Kind == logparse.KindStep {
				steps++
			}
		}
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			steps = 0
			p.Feed(text, emit)
		}
		require.Equal(b, lines, steps)
		allocs := testing.AllocsPerRun(3, func() { p.Feed(text, emit) })
		b.ReportMetric(allocs/float64(lines), "allocs/line")
	})
	b.Run("regexp", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			require.Equal(b, lines, regexpSteps(text))
		}
	})
	b.Run("mtail", func(b *testing.B) {
		mtail, err := exec.LookPath("mtail")
		if err != nil {
			b.Skip("mtail is not installed")
		}
		log := filepath.Join(b.TempDir(), "steps.log")
		require.NoError(b, os.WriteFile(log, text, 0o600))
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			out, err := exec.Command(mtail, "--one_shot", "--progs", "testdata/steps.mtail", "--logs", log, "--port", "0").Output()
			require.NoError(b, err)
			var metrics struct {
				Steps []struct {
					LabelValues []struct{ Value struct{ Value int } }
				} `json:"steps"`
			}
			require.NoError(b, json.Unmarshal(out, &metrics))
			require.Equal(b, lines, metrics.Steps[0].LabelValues[0].Value.Value)
		}
	})
}

// BenchmarkMixed has one step line among twenty, and looks for every error of
// the table. Its peer is too slow for the whole text and reads a part of it.
func BenchmarkMixed(b *testing.B) {
	part := mixedText(20_000)
	b.Run("logparse", func(b *testing.B) {
		text := enough(part)
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			logparse.NewParser().Feed(text, func(*logparse.Record) {})
		}
	})
	b.Run("regexp", func(b *testing.B) {
		errors := newErrorRegexp()
		b.SetBytes(int64(len(part)))
		for b.Loop() {
			regexpSteps(part)
			require.NotEmpty(b, errors.find(part))
		}
	})
}

// The peer of BenchmarkMixed finds what the parser finds.
func TestThePeerFindsTheSameErrors(t *testing.T) {
	if testing.Short() {
		t.Skip("needs to be run without -short: a slow expression on one thread")
	}
	text := mixedText(20_000)
	found := map[string]bool{}
	emit := func(r *logparse.Record) {
		if r.Kind == logparse.KindProblem {
			found[r.Problem.Signature.ID] = true
		}
	}
	p := logparse.NewParser()
	p.Feed(text, emit)
	p.Flush(emit)
	require.NotEmpty(t, found)
	require.Equal(t, found, newErrorRegexp().find(text))
}

func BenchmarkSummary(b *testing.B) {
	text := stepText(20_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		var s logparse.Summary
		p := logparse.NewParser()
		p.Feed(text, s.Add)
	}
}

// errorRegexp finds the errors of the table with regular expressions: one that
// knows whether a line shows any, and those of the rows to tell which.
type errorRegexp struct {
	any  *regexp.Regexp
	rows []*regexp.Regexp
	ids  []string
}

func newErrorRegexp() errorRegexp {
	var e errorRegexp
	var all []string
	for _, s := range logparse.Signatures().All() {
		pattern := s.Pattern
		if pattern == "" {
			var literals []string
			for _, l := range s.Literals {
				literals = append(literals, regexp.QuoteMeta(l))
			}
			pattern = strings.Join(literals, "|")
		}
		if pattern != "" {
			all = append(all, "(?:"+pattern+")")
			e.rows, e.ids = append(e.rows, regexp.MustCompile(pattern)), append(e.ids, s.ID)
		}
	}
	e.any = regexp.MustCompile(strings.Join(all, "|"))
	return e
}

// find returns the ids of the errors in a text. Like the parser it leaves out
// what a record of a harmless level says.
func (e errorRegexp) find(text []byte) map[string]bool {
	found := map[string]bool{}
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		if head := stdoutRE.FindSubmatch(line); head != nil {
			if level := string(head[5]); level != "ERROR" && level != "CRITICAL" {
				continue
			}
			line = head[6]
		}
		if !e.any.Match(line) {
			continue
		}
		for i, row := range e.rows {
			if row.Match(line) {
				found[e.ids[i]] = true
				break
			}
		}
	}
	return found
}

const number = `[-+]?(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|nan|inf|NaN|Inf)`

var (
	stdoutRE = regexp.MustCompile(`^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) - (mindformers[^\[\s]*)(?:\[([^\]:]+):(\d+)\])? - (DEBUG|INFO|WARNING|ERROR|CRITICAL) - (.*)$`)
	stepRE   = regexp.MustCompile(`^(?:\{ )?(?:Epoch:\[\s*(\d+)/\s*(\d+)\], )?step:\[\s*(\d+)/\s*(\d+)\], loss:(?:\s*(` + number + `)|\[\s*(` + number + `)/\s*(` + number + `)\])` +
		`, (?:per_step_time: (\d+)ms|time:\s*(` + number + `) ms)(?:, lr: ?(\[?` + number + `\]?))?(?:, overflow cond: (\S+|\[ *\S+\]), loss_scale: (\S+?))?` +
		`(?:, global_norm: (None|\[?\s*` + number + `\s*\]?))?(?:, train_throughput_per_npu: (` + number + `)T)?(?: \})?$`)
)

// regexpSteps does with regular expressions what the parser does for steps:
// it finds them and reads their numbers.
func regexpSteps(text []byte) (n int) {
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		head := stdoutRE.FindSubmatch(line)
		if head == nil {
			continue
		}
		m := stepRE.FindSubmatch(head[6])
		if m == nil {
			continue
		}
		var s logparse.Step
		s.Epoch, _ = strconv.ParseInt(string(m[1]), 10, 64)
		s.Epochs, _ = strconv.ParseInt(string(m[2]), 10, 64)
		s.Step, _ = strconv.ParseInt(string(m[3]), 10, 64)
		s.Total, _ = strconv.ParseInt(string(m[4]), 10, 64)
		for _, f := range []struct {
			to   *float64
			text []byte
		}{{&s.Loss, m[6]}, {&s.MeanLoss.Value, m[7]}, {&s.StepMS, m[8]}, {&s.LR.Value, m[10]}, {&s.LossScale.Value, m[12]},
			{&s.GlobalNorm.Value, bytes.Trim(m[13], "[]")}, {&s.Throughput.Value, m[14]}} {
			*f.to, _ = strconv.ParseFloat(string(f.text), 64)
		}
		n++
	}
	return n
}
