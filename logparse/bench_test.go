package logparse_test

import (
	"bytes"
	"os"
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

func BenchmarkStepLines(b *testing.B) {
	text := stepText(20_000)
	b.Run("logparse", func(b *testing.B) {
		p := logparse.NewParser()
		sum := 0.0
		emit := func(r *logparse.Record) { sum += r.Step.Loss }
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			p.Feed(text, emit)
		}
	})
	b.Run("regexp", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if n := regexpSteps(text); n != 20_000 {
				b.Fatal(n)
			}
		}
	})
}

func BenchmarkMixed(b *testing.B) {
	text := mixedText(20_000)
	b.Run("logparse", func(b *testing.B) {
		p := logparse.NewParser()
		emit := func(*logparse.Record) {}
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			p.Feed(text, emit)
		}
	})
	b.Run("regexp", func(b *testing.B) {
		any := signatureRegexp()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			regexpSteps(text)
			for rest := text; len(rest) > 0; {
				line, after, _ := bytes.Cut(rest, []byte("\n"))
				any.Match(line)
				rest = after
			}
		}
	})
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

// signatureRegexp finds the same errors in one expression.
func signatureRegexp() *regexp.Regexp {
	var all []string
	for _, s := range logparse.Signatures().All() {
		switch {
		case s.Pattern != "":
			all = append(all, "(?:"+s.Pattern+")")
		default:
			for _, l := range s.Literals {
				all = append(all, regexp.QuoteMeta(l))
			}
		}
	}
	return regexp.MustCompile(strings.Join(all, "|"))
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
