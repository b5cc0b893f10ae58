package recipe

import (
	"context"
	"fmt"
	"time"

	"ftd/launcher"
)

// soon is how quickly a program that trains cannot be through: MindSpore alone
// takes seconds to be imported.
const soon = 30 * time.Second

// untrained is the problem of a training that ended well without a single
// step: a launcher that started nothing, or a data set that is empty. Of a
// command nothing is known, so it is only said.
func untrained(ctx context.Context, s *StepContext, run *launcher.Run) error {
	if environ(run.Spec().Env, resumedVariable) != "" || lastStep(ctx, run) > 0 {
		return nil
	}
	status, err := run.Status()
	if err != nil {
		return err
	}
	took := status.Exit.Ended.Sub(run.Shim().Started).Round(time.Second / 10)
	message := fmt.Sprintf("the training ended with status 0 after %s, and its log holds no step", took)
	if s.text("config") != "" {
		return &Problem{
			Code:    CodeUntrained,
			Message: message,
			Remedy:  "look at its log: is run_mode train or finetune, and is there a whole batch of data?",
			Source:  mainLog(run),
			Excerpt: lastLines(mainLog(run)),
		}
	}
	if took < soon {
		s.Host.Output(s.Step.ID, message+": did it train?")
	}
	return nil
}
