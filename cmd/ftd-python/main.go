// Command ftd-python is the daemon with a CPython inside, the one program of
// ftd that needs cgo. It is installed as libexec/ftd/ftd-cp311 and started by
// the command ftd, which finds libpython for it. The same program is its own
// isolated worker.
package main

import (
	"os"

	"ftd/daemon"
	"ftd/pybridge"
)

// version is set by the build.
var version = "devel"

func main() {
	// Before anything else: a worker is no daemon.
	if pybridge.IsWorker() {
		os.Exit(pybridge.WorkerMain())
	}
	os.Exit(daemon.Main(os.Args[1:], version))
}
