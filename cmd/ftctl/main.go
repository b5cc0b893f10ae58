// Command ftctl is how people and scripts talk to ftd: it submits jobs to the
// daemon, follows them, and looks at logs, checkpoints and recipes.
//
// Each verb is one file with a constructor (newPsCommand) and a function that
// does it (runPs); main.go puts them together, exit.go maps every failure to
// an exit status, report.go prints it. Following a job is in three parts:
// model.go turns events into what is known, screen.go and lines.go show it on
// a terminal and elsewhere, follow.go drives them.
//
// stdout is data, stderr is talk: whatever a script reads is on stdout, and
// with -o json it is a contract (docs/ftctl.md).
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the build.
var version = "devel"

func main() {
	// The first Ctrl-C cancels, which detaches a follower and ends anything
	// else; once that is under way the second one ends the program at once.
	ctx, stop := signal.NotifyContext(context.Background(), ending()...)
	context.AfterFunc(ctx, stop)
	os.Exit(execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// ending are the signals that ask for an end: Ctrl-C, kill, and a terminal that
// goes away. One that is ignored, as nohup has it, stays so.
func ending() (signals []os.Signal) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signals = append(signals, s)
		}
	}
	return append(signals, syscall.SIGTERM) // of no signals, Notify would mean all
}
