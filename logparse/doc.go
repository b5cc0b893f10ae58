// Package logparse reads what MindSpore and mindformers print while they
// train, and says it as typed records: steps with loss and overflow, phases,
// checkpoints, the end, and known errors with their cause and remedy.
//
// Start with [SummarizeFile] for a finished log, with [Parser] for a stream,
// and with [Tailer] for a file that still grows:
//
//	p := logparse.NewParser()
//	p.Feed(chunk, func(r *logparse.Record) {
//		if r.Kind == logparse.KindStep {
//			fmt.Println(r.Step.GlobalStep(), r.Step.Loss)
//		}
//	})
//	p.Flush(emit) // the stream ended: a last line without a newline counts
//
// One Parser reads one file, which is one rank: no prefix of any version
// names the rank, only the file does.
//
// # What it understands
//
// The step lines of mindformers 0.2 to 2.0 and master in both of its record
// formats (standard output and info.log), MindSpore's LossMonitor and
// TimeMonitor, MindSpore's own Python and C++ records, CANN codes, Python
// tracebacks, and the lines of other logs that msrun reprints in the manner of
// grep; all of them also behind what launchers, containers and ts put before a
// line. Nothing depends on a line number of the program that logged, nor on
// the name of its logger: both differ between builds of one version. Fields
// that a newer version adds to a step line are passed over.
//
// # How it works
//
// The parser walks over bytes; there are no regular expressions on its way
// but those of error signatures, and these run only on lines that hold one of
// the signature's literals, found for all signatures at once by an
// Aho-Corasick automaton. A step line costs no allocation. The input may be
// split anywhere, and [Parser.State] saves all that is needed to go on
// reading in another process: the records are the same in every case.
// Memory is bounded: a line is cut at [MaxLine], a traceback is kept to its
// first and last lines. So is time: holes of a file are passed over.
// [Read] and [ReadFile] read lines of steps ahead on all processors, and emit
// what a Parser would, in the same order and from one goroutine at a time.
//
// # Errors
//
// The error table is data, see [Signatures]. A record is searched for
// signatures when it is an error or has no level at all: what a program
// says at level INFO or WARNING is no error, whatever words it uses. One
// fault gives one [Problem], though logs tell it many times: when the C++ side
// logs it, when Python raises it, wraps it, logs the traceback and dies of it.
package logparse
