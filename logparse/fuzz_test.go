package logparse_test

import (
	"testing"

	"ftd/logparse"
)

// FuzzParser looks for input that panics, or that gives other records when it
// is split or when the parser is replaced by its restored state.
func FuzzParser(f *testing.F) {
	f.Add([]byte(stepLine(1)+"\r\n"+stepLine(2)), uint16(30))
	f.Add([]byte("Traceback (most recent call last):\n  x\nE: y\n\nThe above exception was the direct cause\nTraceback (most recent call last):\nF\n"), uint16(50))
	f.Add([]byte("   20.0% |██| 25.09 samples/s/p  -1 day, 0:00:06 }\nepoch: 1 step: 2, loss is nan\nEpoch 1 finished. Time: 1s\n"), uint16(3))
	f.Add([]byte("\x1b[1m\x00[ERROR] ME(1:2,x):2026-11-23-12:22:25.237.62 [a:1] Killed\nworker_1.log:1:x\n"), uint16(9))
	f.Fuzz(func(t *testing.T, data []byte, at uint16) {
		i := min(int(at), len(data))
		want := listing([][]byte{data}, false)
		if got := listing([][]byte{data[:i], data[i:]}, true); got != want {
			t.Fatalf("split at %d:\n%s\nwhole:\n%s", i, got, want)
		}
	})
}

// FuzzRestore looks for a state that is accepted and then breaks the parser.
func FuzzRestore(f *testing.F) {
	p := logparse.NewParser()
	p.Feed([]byte("Traceback (most recent call last):\n  File\nValueError: x\nRuntimeE"), func(*logparse.Record) {})
	state, err := p.State()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(state)
	f.Add([]byte(`{"v":1,"trace":{"state":2,"link":1,"exception":{"id":"static-tls","text":"x"}}}`))
	f.Add([]byte(`{"v":1,"in_line":true,"partial":"AAAA","offset":9,"phase":"odd"}`))
	f.Fuzz(func(t *testing.T, state []byte) {
		p := logparse.NewParser()
		if p.Restore(state) != nil {
			return
		}
		emit := func(*logparse.Record) {}
		p.Feed([]byte("\n"+stepLine(1)+"\nTraceback (most recent call last):\nX: y\n"), emit)
		p.Flush(emit)
		again, err := p.State()
		if err != nil {
			t.Fatal(err)
		}
		if err := logparse.NewParser().Restore(again); err != nil {
			t.Fatal(err)
		}
	})
}
