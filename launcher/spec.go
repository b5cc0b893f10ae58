package launcher

import "ftd/launcher/rundir"

// The files of a run directory are declared in package rundir, which the shim
// shares; they are part of this package's vocabulary.
type (
	// Spec is what is to be run.
	Spec = rundir.Spec
	// Shim is who runs it.
	Shim = rundir.Shim
	// Exit is how it ended.
	Exit = rundir.Exit
)

// SpecVersion is the version of spec.json that this program writes.
const SpecVersion = rundir.SpecVersion
