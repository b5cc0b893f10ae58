// Package pybridge keeps one CPython interpreter inside this process and is
// the only place that knows it exists.
//
// [Start] loads the interpreter of an environment and gives it one OS thread
// for life. [Interpreter.Call] runs a function there, [Interpreter.RunScript]
// a script as __main__, [Interpreter.Check] tries imports; one at a time, in
// the order asked for. [Interpreter.Worker] and [Interpreter.WorkerScript] do
// the same in a process of their own: the same binary, started again, which
// may fork, may hold a card, may crash, and is killed when cancelled.
// [Interpreter.Info] answers from Go memory and never waits for Python.
//
// Only JSON crosses the border. A Python exception arrives as a [*PyError],
// a script's SystemExit as an exit code.
//
// A call owns descriptors 1 and 2, the working directory, umask, os.environ,
// sys.argv and sys.path while it runs, and finds and leaves them as they
// were. What Python must never do to a service that is to live for months is
// prevented by the guard in guard.c: it takes no signal from the Go runtime,
// ends no process by exit or a signal to itself, reaps no child that Go
// started. A thread that wanted to exit never runs again; if Python goes with
// it, the interpreter is lost ([StateLost]) and calls run in workers.
//
// The package needs Python's headers and shared library, and is built with
// the tag "python" by scripts/build.sh. Without the tag a twin of the same
// shape is built, whose Start says so; everything else in ftd compiles and
// is tested with that one.
package pybridge
