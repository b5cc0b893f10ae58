package launcher

import (
	"path/filepath"

	"ftd/launcher/rundir"
)

// RunVars are the variables that a run in the directory dir gets beside the
// environment that [BuildEnvironment] made.
func RunVars(dir, run, token string) []Var {
	return []Var{
		{Name: rundir.RunVariable, Value: run, Source: SourceFTD, Why: "names the run, for scripts and people"},
		{Name: rundir.TokenVariable, Value: token, Source: SourceFTD, Why: "all processes of the run inherit it: by it they are found and stopped, wherever they went"},
		{Name: StacksVariable, Value: filepath.Join(dir, stacksDir), Source: SourceFTD, Why: "where Python processes write their stacks when ftd asks for them (SIGUSR1)"},
		{Name: ExitVariable, Value: filepath.Join(dir, exitRequestFile), Source: SourceFTD, Why: "the file in which ftd asks the training to save and end"},
	}
}
