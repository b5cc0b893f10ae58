package environment

import "slices"

// Pip is the pip of the environment at prefix, asking nothing.
func Pip(prefix string, args ...string) []string {
	return append([]string{Python(prefix), "-m", "pip", "--no-input", "--disable-pip-version-check"}, args...)
}

// Mend are the commands that make the differences go away, removals first: the
// OpenCV packages write the same files, and the last one must be the one that
// stays. args are further arguments for pip install.
func Mend(prefix string, differences []Difference, args []string) [][]string {
	var install, remove []string
	for _, d := range differences {
		if d.Install != "" {
			install = append(install, d.Install)
		}
		if d.Remove != "" {
			remove = append(remove, d.Remove)
		}
	}
	var commands [][]string
	if len(remove) > 0 {
		commands = append(commands, Pip(prefix, append([]string{"uninstall", "--yes"}, remove...)...))
	}
	if len(install) > 0 {
		if len(remove) > 0 { // what was removed has taken files of its twin along
			args = append(slices.Clone(args), "--force-reinstall", "--no-deps")
		}
		commands = append(commands, Pip(prefix, slices.Concat([]string{"install"}, args, install)...))
	}
	return commands
}

// Venv makes an environment with the interpreter python.
func Venv(python, prefix string) []string { return []string{python, "-m", "venv", prefix} }

// Conda makes an environment with a Python of its own. Channels of the
// configuration are left out: a channel there that does not answer is why conda
// stays at "solving environment" for ever.
func Conda(conda, prefix, version string, channels []string, offline bool) []string {
	command := []string{conda, "create", "--yes", "--quiet", "--prefix", prefix, "--override-channels"}
	for _, c := range channels {
		command = append(command, "--channel", c)
	}
	if offline {
		command = append(command, "--offline")
	}
	return append(command, "python="+version, "pip")
}
