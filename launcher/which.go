package launcher

import (
	"os"

	"ftd/launcher/shim"
)

// Which returns the program that a command means in an environment, by the
// rules that the shim starts it by. The working directory is this process's.
func Which(command string, env Environment) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	spec := Spec{Command: []string{command}, Dir: dir, Env: env.Environ()}
	path, err := shim.LookPath(spec)
	if err != nil {
		report := shim.Explain(spec, err)
		return "", startError(report.Reason, report.Message)
	}
	return path, nil
}
