package recipe

import (
	"fmt"
	"os"
	"path/filepath"
)

// elsewhere lets a step use another Python environment than the daemon's:
// trainings and keys take it from the settings, Python calls from s.other.
func (r *runner) elsewhere(s *StepContext, text string) error {
	prefix, err := expand(text, r.value)
	if err != nil || prefix == "" || prefix == r.settings.Env {
		return err
	}
	prefix = absolute(prefix, r.job.Base)
	interpreter := filepath.Join(prefix, "bin", "python")
	if _, err := os.Stat(interpreter); err != nil && !r.preview {
		return &Problem{
			Code:    CodeInvalid,
			Message: fmt.Sprintf("the environment %s of the step %s has no bin/python", prefix, s.Step.ID),
			Remedy:  "give the directory of a venv or conda environment, or let a step `env` make one",
			Source:  r.job.Recipe.at[s.Step.path+".environment"].source(),
		}
	}
	s.Settings.Env, s.Settings.Python, s.elsewhere = prefix, interpreter, true
	return nil
}
