//go:build python

package pybridge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/pybridge"
)

// benchModule writes a module for benchmarks; see module.
func benchModule(b *testing.B, source string) pybridge.Request {
	dir := b.TempDir()
	name := strings.ToLower(b.Name())
	require.NoError(b, os.WriteFile(filepath.Join(dir, name+".py"), []byte(source), 0o600))
	_, err := python.Call(b.Context(), pybridge.Request{
		Module: "importlib", Function: "import_module", Args: json.RawMessage(`["` + name + `"]`),
		Surroundings: pybridge.Surroundings{Path: []string{dir}},
	})
	// The module itself is no JSON; it is imported all the same.
	require.ErrorContains(b, err, "cannot be written as JSON")
	return pybridge.Request{Module: name, Function: "f"}
}

// BenchmarkCall calls an empty function. Its peer is a hand-off to a locked
// thread and nothing else. They take turns: how long a thread takes to wake up
// differs by a factor of five from one minute to the next.
func BenchmarkCall(b *testing.B) {
	r := benchModule(b, "def f(): pass")
	in, out := make(chan int), make(chan int)
	go func() {
		runtime.LockOSThread()
		for n := range in {
			out <- n
		}
		close(out)
	}()
	var calls, handOffs []time.Duration
	for b.Loop() {
		began := time.Now()
		_, err := python.Call(context.Background(), r)
		called := time.Now()
		require.NoError(b, err)
		calls = append(calls, called.Sub(began))
		began = time.Now()
		in <- 1
		<-out
		handOffs = append(handOffs, time.Since(began))
	}
	close(in)
	<-out
	b.ReportMetric(median(calls), "p50-us")
	b.ReportMetric(median(handOffs), "hand-off-p50-us")
}

// median is in microseconds.
func median(took []time.Duration) float64 {
	slices.Sort(took)
	return float64(took[len(took)/2].Nanoseconds()) / 1000
}

// BenchmarkGrowth is what a million calls leave behind.
func BenchmarkGrowth(b *testing.B) {
	r := benchModule(b, "def f(): pass")
	growth(b, 1_000_000, func() {
		_, err := python.Call(context.Background(), r)
		require.NoError(b, err)
	})
}

// BenchmarkRaisesGrowth is the same of calls that raise an exception.
func BenchmarkRaisesGrowth(b *testing.B) {
	r := benchModule(b, "def f():\n    try:\n        raise KeyError(1)\n    except KeyError as e:\n        raise ValueError('no') from e")
	growth(b, 100_000, func() {
		_, err := python.Call(context.Background(), r)
		require.ErrorContains(b, err, "no")
	})
}

// growth calls so often, or as often as fits into a minute.
func growth(b *testing.B, most int, call func()) {
	for range most / 20 { // what is allocated once
		call()
	}
	memory := func() int {
		debug.FreeOSMemory()
		n, err := resident()
		require.NoError(b, err)
		return n
	}
	before := memory()
	calls := 0
	for began := time.Now(); calls < most && time.Since(began) < time.Minute; calls++ {
		call()
	}
	b.ReportMetric(float64(memory()-before)/(1<<20), "grown-MB")
	b.ReportMetric(float64(calls), "calls")
	b.ReportMetric(0, "ns/op")
}

func megabyte() json.RawMessage {
	var text bytes.Buffer
	text.WriteString(`[[`)
	for i := 0; text.Len() < 1<<20; i++ {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(`{"instruction":"Write a line about number ` + strconv.Itoa(i) + `","loss":0.125,"ok":true}`)
	}
	text.WriteString(`]]`)
	return text.Bytes()
}

func BenchmarkMegabyte(b *testing.B) {
	r := benchModule(b, "def f(x): return x")
	r.Args = megabyte()
	for b.Loop() {
		_, err := python.Call(context.Background(), r)
		require.NoError(b, err)
	}
}

// BenchmarkMegabyteInPython is its peer: Python's own loads and dumps.
func BenchmarkMegabyteInPython(b *testing.B) {
	r := benchModule(b, "import json\ntext = ''\ndef f(x):\n    global text\n    text = json.dumps(x)\ndef g():\n    json.dumps(json.loads(text))")
	r.Args = megabyte()
	_, err := python.Call(context.Background(), r)
	require.NoError(b, err)
	r.Function, r.Args = "g", nil
	for b.Loop() {
		_, err := python.Call(context.Background(), r)
		require.NoError(b, err)
	}
}
