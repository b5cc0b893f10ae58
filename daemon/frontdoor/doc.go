// Package frontdoor finds the daemon that fits a Python environment and
// prepares its process: what the command ftd does before it execs it.
//
// The daemon is linked to one minor version of CPython, and LD_LIBRARY_PATH
// and LD_PRELOAD act at the start of a process only. So a small static program
// looks first, says in one sentence what does not fit, and only then starts
// the big one. [Open] does all of it; [StartEnviron] gives the daemon back the
// environment that ftd itself was started in, which is what a training is to
// inherit.
package frontdoor
