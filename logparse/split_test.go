package logparse_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

// listing writes records as text that two runs can be compared by.
func listing(parts [][]byte, restart bool) string {
	var out strings.Builder
	emit := func(r *logparse.Record) {
		data, err := json.Marshal(r)
		if err != nil {
			panic(err)
		}
		out.Write(data)
		out.WriteByte('\n')
	}
	p := logparse.NewParser()
	for _, part := range parts {
		p.Feed(part, emit)
		if restart {
			state, err := p.State()
			if err != nil {
				panic(err)
			}
			p = logparse.NewParser()
			if err := p.Restore(state); err != nil {
				panic(err)
			}
		}
	}
	p.Flush(emit)
	fmt.Fprintln(&out, p.Phase(), p.Offset())
	return out.String()
}

// noisy is text in which everything unpleasant happens at once; long is the
// length of its long lines.
func noisy(length int) []byte {
	long := strings.Repeat("x", length)
	return []byte("\x00\x00\x00\x00" + stepLine(1) + "\n" +
		"\x1b[31mcoloured " + stepLine(2) + "\x1b[0m\r\n" +
		"\r 10%|█   |\r 20%|██  |\r" + stepLine(3) + "\r\n" +
		long + "\n" + stepLine(4) + "\n" + long + stepLine(5) + "\n" +
		"\xff\xfe\xfd broken utf-8 \xe2\x96\n" +
		"2026-11-23 12:00:00,000 - mindformers - ERROR - Traceback (most recent call last):\n" +
		"  File \"a.py\", line 1, in <module>\n    x()\nValueError: first\n\n" +
		"During handling of the above exception, another exception occurred:\n\n" +
		"Traceback (most recent call last):\n  File \"b.py\", line 1\n\x1b[1mOSError: b: ValueError: first\x1b[0m\n" +
		"/x/worker_1.log:46:[ERROR] DEVICE(16158,fffe34f491e0,python):2023-12-29-12:03:03.764.629 [m.cc:674] F] Memory not enough: x\n--\n" +
		"Exception ignored in: <function f at 0x7f>\nTraceback (most recent call last):\n  File \"x\"\nTypeError: quiet\n" +
		"[rank0]: Traceback (most recent call last):\n[rank0]:   File \"x\", line 1\n[rank0]: OddError: loud\n" +
		"2026-11-23 12:00:01,000 - mindformers - WARNING - Traceback (most recent call last):\n  File \"x\"\nOSError: caught\n" +
		"[ERROR] ANALYZER(1,7f,p):2023-12-29-12:03:03.764.629 [a.cc:1] F] failed\n- The Traceback of Net Construct Code:\n# 0 In file x\n" +
		"raise terminate training\n- C++ Call Stack:\nraise terminate training\n" +
		"\n\n" + stepLine(6) + "\n" + stepLine(7))
}

func stepLine(n int) string {
	return fmt.Sprintf("2026-11-23 12:00:%02d,000 - mindformers[callback.py:1] - INFO - "+
		"{ Epoch:[  1/  1], step:[%5d/  100], loss:[6.937/6.951], per_step_time: 40ms, lr: 0.0, overflow cond: True, loss_scale: 1073741800.0", n, n)
}

func TestNoisyTextGivesItsRecords(t *testing.T) {
	steps, problems := 0, []string{}
	for _, r := range records(string(noisy(logparse.MaxLine + 1000))) {
		switch r.Kind {
		case logparse.KindStep:
			steps++
		case logparse.KindProblem:
			problems = append(problems, r.Problem.Signature.ID)
		}
	}
	// All but the fifth, which begins beyond the length of a line.
	require.Equal(t, 6, steps)
	require.Equal(t, []string{"python-exception", "device-oom", "python-exception", "training-diverged"}, problems)
}

// Whole logs and the noise are split at every byte of a stretch, at random
// places, and byte by byte; each time also with a new parser after each part.
func TestAnySplitGivesTheSameRecords(t *testing.T) {
	if testing.Short() {
		t.Skip("needs to be run without -short: thousands of parsers on one thread")
	}
	inputs := map[string][]byte{"noise": noisy(10), "noise with long lines": noisy(logparse.MaxLine + 1000)}
	for _, name := range []string{
		"mf06-llama-convert-ok.log", "mf06-llama-lora-ckpt-missing.log", "mf08-llama-lora-dataset-emptydir.log",
		"mf160-msrun2-worker1-killed-launcher.log", "mf160-llama-resumed-ckpt.log", "ms270-torch-import-order-error.log",
	} {
		data, err := os.ReadFile(filepath.Join("../testdata/logs", name))
		require.NoError(t, err)
		inputs[name] = data
	}
	for name, data := range inputs {
		t.Run(name, func(t *testing.T) {
			want := listing([][]byte{data}, false)
			require.NotEmpty(t, want)
			rnd := rand.New(rand.NewSource(int64(len(data))))
			for range 15 {
				var parts [][]byte
				for rest := data; len(rest) > 0; {
					n := min(1+rnd.Intn(1+rnd.Intn(5000)), len(rest))
					parts, rest = append(parts, rest[:n]), rest[n:]
				}
				require.Equal(t, want, listing(parts, false))
				require.Equal(t, want, listing(parts, true))
			}
			step := 1
			if len(data) > 10_000 {
				step = len(data) / 200
			}
			for i := 0; i <= len(data); i += step {
				require.Equal(t, want, listing([][]byte{data[:i], data[i:]}, true), "split at %d", i)
			}
			if len(data) < 40_000 {
				var parts [][]byte
				for i := range data {
					parts = append(parts, data[i:i+1])
				}
				require.Equal(t, want, listing(parts, false))
			}
		})
	}
}

func TestStateIsBounded(t *testing.T) {
	p := logparse.NewParser()
	feed := func(s string) { p.Feed([]byte(s), func(*logparse.Record) {}) }
	feed("Traceback (most recent call last):\n")
	for range 5000 {
		feed("  File \"" + strings.Repeat("f", 2000) + "\", line 1\n")
	}
	feed("ValueError: " + strings.Repeat("v", 10_000) + "\n")
	for i := range 1000 {
		feed(fmt.Sprintf("Traceback (most recent call last):\n  File \"x\"\nError%d: x\n", i))
	}
	feed("Traceback (most recent call last):\n" + strings.Repeat("  File\n", 1000))
	feed(strings.Repeat("y", 10<<20))
	state, err := p.State()
	require.NoError(t, err)
	require.Less(t, len(state), 300<<10)
}

func TestRestoreRefuses(t *testing.T) {
	for _, state := range []string{
		"x", "[]", `{"v":2}`, `{"v":1,"offset":-1}`, `{"v":1,"offset":1,"start":2}`, `{"v":1,"lines":-1}`,
		`{"v":1,"partial":"eA=="}`, `{"v":1,"trace":{"state":7}}`, `{"v":1,"trace":{"state":1,"dropped":-1}}`,
	} {
		p := logparse.NewParser()
		p.Feed([]byte("part"), func(*logparse.Record) {})
		require.Error(t, p.Restore([]byte(state)), state)
		require.EqualValues(t, 4, p.Offset(), "unchanged after an error")
	}
	p := logparse.NewParser()
	require.NoError(t, p.Restore(nil))
	require.Zero(t, p.Offset())
}

// Offsets and line numbers point at the lines that were read.
func TestPositions(t *testing.T) {
	for _, path := range samples(t) {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		p := logparse.NewParser()
		check := func(r *logparse.Record) {
			require.LessOrEqual(t, r.Offset, int64(len(data)))
			require.EqualValues(t, bytes.Count(data[:r.Offset], []byte("\n"))+1, r.Line, "%s: %s", path, r.Kind)
			line, _, _ := bytes.Cut(data[r.Offset:], []byte("\n"))
			switch r.Kind {
			case logparse.KindStep:
				require.Contains(t, string(line), fmt.Sprintf("%d/", r.Step.Step))
			case logparse.KindProblem:
				require.Contains(t, string(line), strings.TrimPrefix(r.Problem.Text, "RuntimeError: Syntax error. "))
			}
		}
		p.Feed(data, check)
		p.Flush(check)
	}
}
