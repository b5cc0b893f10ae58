// Package launcher takes a training from a command to a supervised process
// tree, and keeps it in sight whatever happens to the program that looks.
//
// [Launch] writes a run directory and starts ftd-shim, which starts the
// training. From then on nothing is kept in memory that matters: [Open] adopts
// the same run from its directory, in the next daemon or in a test.
// [Run.Status] says where a run stands from what is on disk and in /proc,
// [Run.Wait] returns when it is over, [Run.Follow] reads its logs and watches
// its checkpoints for an [Observer], [Run.Stop] ends the whole process tree by
// a [Ladder] of signals.
//
// What the training's environment is made of is decided in
// [BuildEnvironment], with a source and a reason for each variable;
// [FindPreload] and [Remedy] know the libraries that must be loaded first.
//
// Sub-packages: rundir (the files), process (identities and trees), shim
// (the program ftd-shim). The shim is built from those and nothing else.
package launcher
