//go:build python

package pybridge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

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

// BenchmarkHandOff is the peer of BenchmarkCall: a locked thread and nothing
// else.
func BenchmarkHandOff(b *testing.B) {
	in, out := make(chan int), make(chan int)
	go func() {
		runtime.LockOSThread()
		for n := range in {
			out <- n
		}
		close(out)
	}()
	for b.Loop() {
		in <- 1
		<-out
	}
	close(in)
	<-out
}

func BenchmarkCall(b *testing.B) {
	r := benchModule(b, "def f(): pass")
	for b.Loop() {
		_, err := python.Call(context.Background(), r)
		require.NoError(b, err)
	}
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
