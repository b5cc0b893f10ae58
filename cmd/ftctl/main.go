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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
