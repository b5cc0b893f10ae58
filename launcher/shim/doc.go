// Package shim is the program ftd-shim: the parent of one training, and the
// only process that a training depends on.
//
// "ftd-shim RUNDIR" starts itself again in a session of its own, waits until
// that process, the holder, has started the command of RUNDIR/spec.json or
// knows why it cannot, says so on standard output and ends. So the holder is
// nobody's child: daemons may be killed, upgraded and restarted, and nobody
// needs to wait for it.
//
// The holder does as little as possible, for weeks: it collects the processes
// that end, and when all have ended it writes exit.json and ends itself. As a
// subreaper it inherits every orphan of the training, so "no children left"
// means that the whole tree is gone.
//
//	SIGTERM, SIGINT, SIGQUIT   passed on to all processes of the training, which
//	                           are killed if they are still there after a grace
//	SIGHUP                     ignored
package shim
