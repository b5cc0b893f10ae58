package recipe

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"ftd/recipe/environment"
)

// mender makes one environment what it must be.
type mender struct {
	*StepContext
	kind   envKind
	prefix string
	runs   int
}

// create makes the environment, which is half made until [mender.mend] has ended
// well. One that was left so is ours, and begun anew; a directory of somebody
// else's is not touched.
func (m *mender) create(ctx context.Context) error {
	if entries, err := os.ReadDir(m.prefix); err == nil && len(entries) > 0 && !environment.Ours(m.prefix) {
		return &Problem{
			Code: CodeInvalid, Message: fmt.Sprintf("%s is there, is not a Python environment, and was not made by ftd", m.prefix),
			Remedy: "give the prefix of an environment, or of a directory that is not there yet",
		}
	}
	if err := os.RemoveAll(m.prefix); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(m.prefix), 0o755); err != nil {
		return err
	}
	command, err := m.creation()
	if err != nil {
		return err
	}
	if err := environment.Begin(m.prefix); err != nil {
		return err
	}
	m.Host.Output(m.Step.ID, "creating "+m.prefix)
	return m.execute(ctx, command)
}

// creation is the command that creates the environment.
func (m *mender) creation() ([]string, error) {
	python, tool := m.text("python"), m.text("tool")
	interpreter := interpreterFor(python)
	conda, condaErr := exec.LookPath("conda")
	offline, _ := m.With["offline"].(bool)
	switch {
	case tool != "conda" && interpreter != "":
		return environment.Venv(interpreter, m.prefix), nil
	case tool != "venv" && condaErr == nil && python != "":
		return environment.Conda(conda, m.prefix, python, m.texts("channels"), offline), nil
	}
	return nil, &Problem{
		Code:    CodeCommandNotFound,
		Message: fmt.Sprintf("nothing here can make an environment with Python %s: neither python%s nor conda is in PATH", python, python),
		Remedy:  "install one of them, give the path of an interpreter at python:, or name an environment at prefix:",
	}
}

// mend compares, does what is allowed, and compares again.
func (m *mender) mend(ctx context.Context) (environment.Facts, error) {
	facts, differences, err := m.compare(ctx)
	if err != nil || len(differences) == 0 {
		return facts, err
	}
	commands := append(environment.Mend(m.prefix, m.withoutCheckout(differences), m.texts("pip_args")), m.installation(differences)...)
	if change, _ := m.With["change"].(bool); !change && !environment.Ours(m.prefix) {
		return facts, m.differs(differences, commands)
	}
	if environment.Ours(m.prefix) {
		if err := environment.Begin(m.prefix); err != nil {
			return facts, err
		}
	}
	for _, command := range commands {
		if err := m.execute(ctx, command); err != nil {
			return facts, err
		}
	}
	facts, differences, err = m.compare(ctx)
	if err == nil && len(differences) > 0 {
		err = m.differs(differences, nil)
	}
	return facts, err
}

func (m *mender) compare(ctx context.Context) (environment.Facts, []environment.Difference, error) {
	facts, err := environment.Inspect(ctx, m.prefix)
	if err != nil {
		return facts, nil, &Problem{Code: CodeInvalid, Message: err.Error(), Remedy: "repair the environment, or let ftd create another one"}
	}
	want, err := m.kind.want(m.StepContext, facts)
	if err != nil {
		return facts, nil, err
	}
	return facts, want.Differences(facts), nil
}

func (m *mender) differs(differences []environment.Difference, commands [][]string) error {
	p := &Problem{
		Code:    CodeEnvironment,
		Message: fmt.Sprintf("the environment %s is not what the step %s needs: %s", m.prefix, m.Step.ID, whats(differences)),
		Remedy:  "name another environment, or let ftd create one (leave prefix: out)",
	}
	if len(commands) > 0 {
		var lines []string
		for _, c := range commands {
			lines = append(lines, strings.Join(c, " "))
		}
		p.Remedy = "ftd did not create it, so it changes nothing: run " + strings.Join(lines, " && ") + ", or set change: true"
	}
	return p
}

// installs says whether the checkout itself is among what is missing.
func (m *mender) installs(differences []environment.Difference) bool {
	return len(m.withoutCheckout(differences)) < len(differences)
}

func (m *mender) withoutCheckout(differences []environment.Difference) (others []environment.Difference) {
	name := checkoutName(m.text("checkout"))
	for _, d := range differences {
		if name == "" || d.Install != name {
			others = append(others, d)
		}
	}
	return others
}

// installation are the commands that install the checkout.
func (m *mender) installation(differences []environment.Difference) (commands [][]string) {
	checkout := m.text("checkout")
	if checkout == "" || !m.installs(differences) {
		return nil
	}
	args := append([]string{"install"}, m.texts("pip_args")...)
	if requirements := filepath.Join(checkout, "requirements.txt"); exists(requirements) {
		commands = append(commands, environment.Pip(m.prefix, append(args, "--requirement", requirements)...))
	}
	if m.text("install") == "setup.py" {
		return append(commands, []string{environment.Python(m.prefix), "setup.py", "install"})
	}
	return append(commands, environment.Pip(m.prefix, append(args, "--no-deps", checkout)...))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// execute runs one command; setup.py wants to be in its checkout.
func (m *mender) execute(ctx context.Context, command []string) error {
	dir := m.Attempt.Dir
	if len(command) > 1 && command[1] == "setup.py" {
		dir = m.text("checkout")
	}
	m.runs++
	m.Host.Output(m.Step.ID, strings.Join(command, " "))
	// The pip of Python 3.7 unpacks all packages in the temporary directory
	// before it installs the first, gigabytes of them, and /tmp is often small.
	tmp := filepath.Join(m.Attempt.Dir, "tmp")
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	p := subprocess{name: fmt.Sprintf("env-%d", m.runs), command: command, dir: dir, env: map[string]string{"TMPDIR": tmp}, plain: true}
	return p.succeeded(ctx, m.StepContext, strings.Join(command[:min(4, len(command))], " "))
}
