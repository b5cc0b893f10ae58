// Package rundir holds the files of a run directory, the only thing that a
// daemon and the shim of a training have in common:
//
//	before.json which checkpoints were there already; written by the daemon
//	spec.json   what is to be run; written by the daemon before anything starts
//	shim.json   who runs it; written by the shim once the training has started
//	rank_0.log  what it printed, append only
//	ended.json  how the command itself ended, while what it has left is being
//	            ended; written by the shim if there is room
//	exit.json   how it ended; written by the shim, into space reserved before
//	shim.log    what went wrong in the shim itself, usually empty
//	stacks/     where Python processes write their stacks when asked
//	dump-N.tar.gz  what was to be seen of the processes at some moment
//
// Every file but the logs appears complete or not at all. A reader accepts
// what older versions wrote: a run may be older than the daemon that adopts it.
package rundir
