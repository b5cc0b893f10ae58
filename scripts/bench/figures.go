package main

// measurement is a set of benchmarks that are run together, the best of a few
// rounds: a peer is measured in the same minutes as what it is compared with.
type measurement struct {
	pkg    string // of the benchmarks
	bench  string // the pattern that selects them
	time   string // -benchtime
	rounds int
}

var measurements = []measurement{
	{"./logparse", "^BenchmarkStepLines$", "1x", 2},
	{"./logparse", "^BenchmarkMixed$", "1x", 3},
	{"./cmd", "^BenchmarkParse$", "1x", 5},
	{"./checkpoint", "^BenchmarkVerify$", "5x", 2},
	{"./pybridge", "^BenchmarkCall$", "50000x", 1},
	{"./pybridge", "^BenchmarkMegabyte(InPython)?$", "20x", 3},
	{"./pybridge", "^Benchmark(Raises)?Growth$", "1x", 1},
	{"./pybridge", "^BenchmarkConvert$", "5x", 2},
	{"./recipe", "^BenchmarkAlpaca$", "1x", 2},
	{"./cmd", "^BenchmarkPs$", "20x", 2},
	{"./cmd", "^BenchmarkHundredRuns$", "1x", 1},
	{"./cmd", "^BenchmarkSupervision$", "1x", 1},
	{"./cmd", "^BenchmarkEnds$", "1x", 1},
	{"./cmd", "^BenchmarkClient$", "1x", 1},
	{"./cmd", "^BenchmarkSocket$", "1x", 2},
	{"./cmd", "^BenchmarkStreams$", "1x", 2},
	{"./cmd", "^BenchmarkManyJobs$", "1x", 1},
}

// figure is one line of the answer: a metric of a benchmark, maybe beside that
// of a peer, and the bar of the design. A metric is the benchmark's name
// without "Benchmark", a blank, and what it is printed as.
type figure struct {
	name   string
	metric string
	unit   string  // of the figure
	scale  float64 // from the metric to the figure
	peer   string  // in words, "" where the bar is absolute
	beside string  // the peer's metric
	bar    bar
}

// bar is what a figure must reach: the ratio where there is a peer, else the
// value.
type bar struct {
	atLeast bool // or at most
	limit   float64
}

func atLeast(limit float64) bar { return bar{true, limit} }
func atMost(limit float64) bar  { return bar{false, limit} }

const million = 1.0 / 1_000_000

var figures = []figure{
	{"step-lines-regexp", "StepLines/logparse MB/s", "MB/s", 1, "Go regexp", "StepLines/regexp MB/s", atLeast(6)},
	{"step-lines-mtail", "StepLines/logparse MB/s", "MB/s", 1, "mtail", "StepLines/mtail MB/s", atLeast(25)},
	{"step-lines-allocations", "StepLines/logparse allocs/line", "a line", 1, "", "", atMost(0)},
	{"mixed-log", "Mixed/logparse MB/s", "MB/s", 1, "Go regexp", "Mixed/regexp MB/s", atLeast(5)},
	{"parse-summary", "Parse/ftctl ns/op", "ms", million, "grep -c", "Parse/grep ns/op", atMost(3)},
	{"checkpoint-structure", "Verify/structure ns/op", "ms", million, "", "", atMost(50)},
	{"checkpoint-memory", "Verify/structure B/op", "MB", 1.0 / (1 << 20), "", "", atMost(16)},
	{"checkpoint-deep", "Verify/deep MB/s", "GB/s", 1e-3, "", "", atLeast(1)},
	{"python-call", "Call p50-us", "us", 1, "hand-off to a locked thread", "Call hand-off-p50-us", atMost(3)},
	{"python-megabyte", "Megabyte ns/op", "ms", million, "loads + dumps in Python", "MegabyteInPython ns/op", atMost(2.5)},
	{"python-calls", "Growth calls", "calls", 1, "", "", atLeast(1_000_000)},
	{"python-growth", "Growth grown-MB", "MB", 1, "", "", atMost(2)},
	{"python-raises", "RaisesGrowth calls", "calls", 1, "", "", atLeast(100_000)},
	{"python-raises-growth", "RaisesGrowth grown-MB", "MB", 1, "", "", atMost(2)},
	{"python-convert", "Convert/warm ns/op", "ms", million, "the same in a fresh python", "Convert/fresh ns/op", atMost(1)},
	{"alpaca-mindrecord", "Alpaca/ftd rows/cpu-s", "rows/s", 1, "row by row, as the original script", "Alpaca/peer rows/cpu-s", atLeast(10)},
	{"runs-latency", "HundredRuns late-p99-ms", "ms", 1, "", "", atMost(100)},
	{"runs-cpu", "HundredRuns cpu-%", "% of a core", 1, "", "", atMost(15)},
	{"runs-adopted", "HundredRuns adopted-ms", "ms", 1, "", "", atMost(1000)},
	{"runs-lost", "HundredRuns lost-lines", "lines", 1, "", "", atMost(0)},
	{"supervision-cpu", "Supervision cpu-%", "% of its CPU", 1, "", "", atMost(1)},
	{"crash-seen", "Ends crash-seen-ms", "ms", 1, "", "", atMost(1000)},
	{"stop-late", "Ends stop-late-ms", "ms", 1, "", "", atMost(1000)},
	{"ps", "Ps ns/op", "ms", million, "", "", atMost(20)},
	{"client-size", "Client MB", "MB", 1, "", "", atMost(15)},
	{"socket-latency", "Socket p99-us", "us", 1, "bare net/http", "Socket bare-p99-us", atMost(3)},
	{"streams-latency", "Streams late-p99-ms", "ms", 1, "without those that never read", "Streams without-p99-ms", atMost(1.5)},
	{"many-jobs", "ManyJobs jobs", "jobs", 1, "", "", atLeast(2000)},
	{"many-steps", "ManyJobs steps", "steps", 1, "", "", atLeast(1_000_000)},
	{"many-growth", "ManyJobs grown-MB", "MB", 1, "", "", atMost(10)},
	{"shim-memory", "Supervision shim-MB", "MB", 1, "", "", atMost(12)},
	{"daemon-memory", "Supervision daemon-MB", "MB", 1, "", "", atMost(40)},
}
