package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

const printed = `goos: linux
BenchmarkStepLines/logparse-2   1   187935680 ns/op   1500.00 MB/s   0 allocs/line
BenchmarkStepLines/regexp-2     1   8704195788 ns/op    50.00 MB/s
BenchmarkStepLines/mtail-2      --- SKIP: BenchmarkStepLines/mtail-2
PASS
BenchmarkStepLines/logparse-2   1   287935680 ns/op   1000.00 MB/s   0 allocs/line
`

func TestTheBestOfTheRoundsCounts(t *testing.T) {
	got := results{}
	got.read(printed)
	require.Equal(t, results{
		"StepLines/logparse ns/op": 187935680, "StepLines/logparse MB/s": 1500, "StepLines/logparse allocs/line": 0,
		"StepLines/regexp ns/op": 8704195788, "StepLines/regexp MB/s": 50,
	}, got)
}

func TestLines(t *testing.T) {
	got := results{}
	got.read(printed)
	f := figure{name: "step-lines", metric: "StepLines/logparse MB/s", unit: "MB/s", scale: 1, bar: atLeast(6)}
	text := func(f figure) string {
		l, err := f.line(got)
		require.NoError(t, err)
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		require.NoError(t, encoder.Encode(l))
		return out.String()
	}
	require.JSONEq(t, `{"name": "step-lines", "value": 1500, "unit": "MB/s", "bar": "≥ 6", "holds": true}`, text(f))

	f.peer, f.beside = "Go regexp", "StepLines/regexp MB/s"
	require.JSONEq(t, `{"name": "step-lines", "value": 1500, "unit": "MB/s", "peer": "Go regexp", "peer_value": 50,
		"ratio": 30, "bar": "≥ 6 × the peer", "holds": true}`, text(f))
	f.bar = atLeast(31)
	require.Contains(t, text(f), `"holds":false`)
	f.bar = atMost(29)
	require.Contains(t, text(f), `"holds":false`)

	// Without a peer nobody knows whether the bar holds.
	f.peer, f.beside = "mtail", "StepLines/mtail MB/s"
	require.JSONEq(t, `{"name": "step-lines", "value": 1500, "unit": "MB/s", "peer": "mtail", "bar": "≤ 29 × the peer"}`, text(f))

	f.metric = "Missing ns/op"
	_, err := f.line(got)
	require.ErrorContains(t, err, "step-lines was not measured")
}

// Each name is printed once; a peer has words and a benchmark.
func TestTheTable(t *testing.T) {
	names := map[string]bool{}
	for _, f := range figures {
		require.False(t, names[f.name], f.name)
		names[f.name] = true
		require.Equal(t, f.peer == "", f.beside == "", f.name)
	}
}
