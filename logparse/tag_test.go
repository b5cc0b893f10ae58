package logparse_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What stands before each line of a whole log is nothing that it says.
func TestLogsBehindTags(t *testing.T) {
	stamp := func(format string) func(int, string) string {
		return func(i int, line string) string {
			// containerd leaves out zeros at the end
			return time.Date(2026, 11, 29, 5, 10, i%60, (i%9+1)*1000, time.FixedZone("", 8*3600)).Format(format) + line
		}
	}
	always := func(tag string) func(int, string) string {
		return func(_ int, line string) string { return strings.TrimRight(tag+line, " ") }
	}
	tags := map[string]func(int, string) string{
		"ts":               stamp("Jan _2 15:04:05 "),
		"kubectl":          stamp(time.RFC3339Nano + " "),
		"containerd":       stamp(time.RFC3339Nano + " stdout F "),
		"journald":         stamp("Jan _2 15:04:05 node-01 python[1234]: "),
		"pdsh":             always("node1: "),
		"srun":             always("0: "),
		"Open MPI 4":       always("[1,0]<stdout>:"),
		"Open MPI 5":       always("[prterun-node1-1@1,0]<stdout>: "),
		"kubectl --prefix": always("[pod/ms-worker-0/train] "),
		"Ray":              always("(Worker pid=123, ip=10.0.0.1) "),
		"grep":             always("worker_0.log:"),
		"indented":         always("    "),
		"docker": func(_ int, line string) string {
			text, err := json.Marshal(line + "\n")
			require.NoError(t, err)
			return `{"log":` + string(text) + `,"stream":"stdout","time":"2026-11-29T05:10:11.123456789Z"}`
		},
	}
	for _, sample := range []string{"mf160-llama-dataset-missing", "mf06-llama-lora-ckpt-truncated", "mf170-llama-lora-ok"} {
		log, err := os.ReadFile("../testdata/logs/" + sample + ".log")
		require.NoError(t, err)
		want := saidBy(string(log))
		for name, tag := range tags {
			var b strings.Builder
			for i, line := range strings.Split(strings.TrimSuffix(string(log), "\n"), "\n") {
				b.WriteString(tag(i, line) + "\n")
			}
			require.Equal(t, want, saidBy(b.String()), "%s behind %s", sample, name)
		}
	}
}

// saidBy is what the records of a log are, without where they are.
func saidBy(log string) (said []string) {
	for _, r := range records(log) {
		r.Offset, r.Line, r.Time, r.Problem.When = 0, 0, time.Time{}, time.Time{}
		line, err := json.Marshal(&r)
		if err != nil {
			panic(err)
		}
		said = append(said, string(line))
	}
	return said
}

// A progress bar redraws itself within one line of Docker's files.
func TestDockerLinesHoldSeveral(t *testing.T) {
	got := records(`{"log":"\rloading 10%\repoch: 1 step: 1, loss is 2.5\n","stream":"stderr","time":"2026-11-29T05:10:11Z"}` + "\n" +
		`{"log":"\u001b[32mepoch: 1 step: 2, loss is 2.25\u001b[0m\r\n","stream":"stdout"}` + "\n" +
		`{"log":"{\"log\":\"epoch: 1 step: 3, loss is 2\\n\"}\n"}` + "\n" + `{"log":"epoch: 1 step: 4, loss is 2`)
	require.Len(t, got, 4) // and the phase
	require.EqualValues(t, 4, got[3].Step.Step)
}
