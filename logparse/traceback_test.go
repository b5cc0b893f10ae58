package logparse_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

// What MindSpore says around the traceback of a function that a dataset calls.
const (
	inDataset = "RuntimeError: Exception thrown from user defined Python function in dataset. \n\n" +
		"------\n- Python Call Stack: \n------\n"
	datasetEnd = "\n------\n- Dataset Pipeline Error Message: \n------\n" +
		"[ERROR] Execute user Python code failed, check 'Python Call Stack' above.\n\n" +
		"------\n- C++ Call Stack: (For framework developers) \n------\nmap_job.h(57).\n\n\n"
)

func TestChainsOfExceptions(t *testing.T) {
	head := "Traceback (most recent call last):\n"
	tb := head + "  File \"x.py\", line 1, in <module>\n    f()\n"
	during := "\nDuring handling of the above exception, another exception occurred:\n\n"
	cause := "\nThe above exception was the direct cause of the following exception:\n\n"
	for name, c := range map[string]struct {
		log  string
		want []string // the texts
	}{
		"one":               {tb + "OddError: a\n", []string{"OddError: a"}},
		"without a message": {tb + "AssertionError\n", []string{"AssertionError"}},
		"raised again":      {tb + "OddError: a\n" + during + tb + "OddError: Model: a\n", []string{"OddError: a"}},
		"another one":       {tb + "KeyError: 'x'\n" + during + tb + "OddError: no model named so\n", []string{"OddError: no model named so"}},
		"raised from":       {tb + "OddError: the reason\n" + cause + tb + "RuntimeError: something failed\n", []string{"OddError: the reason"}},
		"logged and raised": {"2026-11-23 12:26:22,938 - mindformers - ERROR - " + tb + "OddError: a\n\n" + tb + "OddError: a\n", []string{"OddError: a"}},
		"two faults":        {tb + "OddError: a\n2026-11-23 12:26:22,938 - mindformers - INFO - x\n" + tb + "OddError: b\n", []string{"OddError: a", "OddError: b"}},
		"text below":        {tb + "RuntimeError: \n----\n- Kernel select failed:\n----\nUnknown op [X] on NPU\n", []string{"RuntimeError: Unknown op [X] on NPU"}},
		"group": {"  + Exception Group Traceback (most recent call last):\n  |   File \"x\", line 1\n  | ExceptionGroup: two (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n" +
			"    | Traceback (most recent call last):\n    |   File \"x\", line 2\n    | OddError: inside\n    +------------------------------------\n", []string{"OddError: inside"}},
		"of a rank":    {"[rank0]: Traceback (most recent call last):\n[rank0]:   File \"x\", line 1\n[rank0]: OddError: a\n", []string{"OddError: a"}},
		"of two ranks": {"[1,0]<stderr>:" + head + "[1,1]<stderr>:" + head + "[1,0]<stderr>:  File \"x\"\n[1,1]<stderr>:  File \"x\"\n[1,1]<stderr>:OddError: a\n[1,0]<stderr>:OddError: a\n", []string{"OddError: a"}},
		"of a pod": {"2025-07-09T04:00:00.1Z Traceback (most recent call last):\n2025-07-09T04:00:00.2Z   File \"x\", line 1\n2025-07-09T04:00:00.3Z OddError: a\n",
			[]string{"OddError: a"}},
		"in a dataset's function": {tb + inDataset + "KeyError: " + tb + "KeyError: 'text'\n" + datasetEnd, []string{"KeyError: 'text'"}},
		"in a dataset's worker":   {tb + inDataset + "map operation: [PyFunc] failed. " + tb + "KeyError: 'text'\n" + datasetEnd, []string{"KeyError: 'text'"}},
		"in a dataset's source":   {tb + inDataset + tb + "OddError: first\n" + during + tb + "OddError: loss: nan\n" + datasetEnd, []string{"OddError: loss: nan"}},
		"below a dataset's":       {tb + inDataset + "\n" + datasetEnd + tb + "OddError: b\n", []string{"RuntimeError: Exception thrown from user defined Python function in dataset. ", "OddError: b"}},
		"cut off":                 {"Traceback (most recent call last):\n  File \"x\", line 1\n", nil},
		"syntax":                  {"  File \"x.py\", line 1\n    x = = 1\n        ^\nSyntaxError: invalid syntax\n", []string{"SyntaxError: invalid syntax"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, r := range records(c.log) {
				require.Equal(t, logparse.KindProblem, r.Kind)
				require.Equal(t, logparse.IDException, r.Problem.Signature.ID)
				got = append(got, r.Problem.Text)
			}
			require.Equal(t, c.want, got)
		})
	}
}

// The C++ side logs a fault before Python raises it: one error, and the
// traceback is brought after.
func TestTracebackComesAfterwards(t *testing.T) {
	log := "[ERROR] MD(7075,7fd759935b80,python3.7):2026-11-23-12:26:11.385.198 [d.cc:105] V] MindDataset: dataset files list is empty.\n" +
		strings.Repeat("Traceback (most recent call last):\n  File \"x\"\nRuntimeError: Syntax error. \n----\n[ERROR] MindDataset: dataset files list is empty.\n\n", 2)
	got := records(log)
	require.Len(t, got, 2)
	require.False(t, got[0].Problem.Again)
	require.Empty(t, got[0].Problem.Traceback)
	require.True(t, got[1].Problem.Again)
	require.Equal(t, "Traceback (most recent call last):", got[1].Problem.Traceback[0])

	var s logparse.Summary
	for i := range got {
		s.Add(&got[i])
	}
	require.Len(t, s.Errors, 1)
	require.EqualValues(t, 1, s.ErrorLines[0])
	require.Len(t, s.Errors[0].Traceback, 5)
}

// groupTree is what Python 3.11 prints for a group of exceptions: one with a
// note, raised from another, and a group without a traceback of its own.
const groupTree = `  + Exception Group Traceback (most recent call last):
  |   File "train.py", line 19, in <module>
  |     main()
  | ExceptionGroup: several workers failed (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "train.py", line 4, in inner
    |     {}["a"]
    |     ~~^^^^^
    | KeyError: 'a'
    | note: of rank 3
    |@
    | The above exception was the direct cause of the following exception:
    |@
    | Traceback (most recent call last):
    |   File "train.py", line 7, in inner
    |     raise ValueError("outer says\nmore lines") from e
    | ValueError: outer says
more lines
    +---------------- 2 ----------------
    | ExceptionGroup: inner group (1 sub-exception)
    +-+---------------- 1 ----------------
      | Traceback (most recent call last):
      |   File "train.py", line 10, in <lambda>
      | FileNotFoundError: [Errno 2] No such file or directory: '/nowhere'
      +------------------------------------
`

func TestTreeOfExceptions(t *testing.T) {
	tree := strings.ReplaceAll(groupTree, "|@", "| ")
	lines := strings.Split(strings.TrimSuffix(tree, "\n"), "\n")
	got := records(tree + "2025-07-09 12:00:00,123 - mindformers - INFO - x\n")
	require.Len(t, got, 1)
	require.Equal(t, "KeyError: 'a'", got[0].Problem.Text)
	require.EqualValues(t, 10, got[0].Line)
	require.Equal(t, lines, got[0].Problem.Traceback)

	// What it raises while it is handled ends the program.
	after := "\nDuring handling of the above exception, another exception occurred:\n\n" +
		"Traceback (most recent call last):\n  File \"train.py\", line 30\nOddError: gave up\n"
	got = records(tree + after)
	require.Len(t, got, 1)
	require.Equal(t, "OddError: gave up", got[0].Problem.Text)
	require.Len(t, got[0].Problem.Traceback, len(lines)+6)

	// A known error within it tells more than the first exception.
	got = records(strings.Replace(tree, "FileNotFoundError: ", "RuntimeError: Memory not enough: ", 1))
	require.Len(t, got, 1)
	require.Equal(t, "device-oom", got[0].Problem.Signature.ID)

	// One that is cut off is told as far as it goes, and any split gives the same.
	for end := 0; end < len(tree); end += 37 {
		var single [][]byte
		for i := range end {
			single = append(single, []byte(tree[i:i+1]))
		}
		require.Equal(t, listing([][]byte{[]byte(tree[:end])}, true), listing(single, true))
	}
}

// Of what an exception's text holds the line counts that says most, not the one
// that points at it or the title above it.
func TestTheCodeBesideAnErrorSaysMore(t *testing.T) {
	ascend := "\n\n------\n- Ascend Error Message:\n------\n"
	for name, c := range map[string]struct{ body, id, text string }{
		"collective": {"Ascend collective communication initialization failed." + ascend + "EI0006: [PID: 7] Getting socket times out.", "hccl-connect-timeout", "EI0006: [PID: 7] Getting socket times out."},
		"device":     {"Ascend kernel runtime initialization failed." + ascend + "EL0005: The resources are busy.", "device-busy", "EL0005: The resources are busy."},
		"notify":     {"Sync stream failed" + ascend + "EI0002: times out.\n        EE9999: Inner Error!\n        reason=[fftsplus timeout]", "hccl-timeout", "EI0002: times out."},
		"timeout":    {"Sync stream failed" + ascend + "EE9999: Inner Error!\n        reason=[fftsplus timeout]", "device-task-timeout", "        reason=[fftsplus timeout]"},
		"operator":   {"Build failed" + ascend + "E19999: Inner Error!\n        TraceBack (most recent call last):\n        E80012: op[Foo].", "aicore-compile", "        E80012: op[Foo]."},
		"title": {"\n------\n- Memory not enough:\n------\nDevice(id:0) memory isn't enough and alloc failed, kernel name: Add, alloc size: 9B.", "device-oom",
			"Device(id:0) memory isn't enough and alloc failed, kernel name: Add, alloc size: 9B."},
		"title alone": {"\n------\n- Memory not enough:\n------\n", "device-oom", "- Memory not enough:"},
	} {
		got := records("Traceback (most recent call last):\n  File \"x\", line 1\nRuntimeError: " + c.body + "\n")
		require.Len(t, got, 1, name)
		require.Equal(t, c.id, got[0].Problem.Signature.ID, name)
		require.Equal(t, c.text, got[0].Problem.Text, name)
	}
}
