package main

import (
	"fmt"
	"strings"
	"time"

	"ftd/api"
)

// A view shows a followed job to a person as it goes. follow calls its
// methods from one goroutine.
type view interface {
	// show tells the news, and how things stand.
	show(m *model, told []news, now time.Time)
	// tick lets clocks go on where nothing happened.
	tick(m *model, now time.Time)
	// talk says a sentence of ftctl's own.
	talk(sentence string)
	// close leaves the terminal as it was.
	close()
}

// compileComfort is said beside the clock of the compile phase: most people
// who wait for it for the first time think that the training hangs.
const compileComfort = "nothing is wrong: the first compile takes minutes on a card"

// trainingLine is the one line on how a training stands.
func trainingLine(t *api.Training) string {
	if t.Last == nil {
		return string(t.Phase)
	}
	parts := []string{"step " + stepCount(t), "loss " + number(t.Last.Loss)}
	if t.StepsDone > 1 || t.StepsTotal == 1 { // the first step holds the compile
		parts = append(parts, speed(t)...)
	}
	parts = append(parts, fmt.Sprintf("overflow %d", t.OverflowSteps))
	if t.NonFinite > 0 {
		parts = append(parts, fmt.Sprintf("not finite %d", t.NonFinite))
	}
	return strings.Join(parts, "  ")
}

// speed is how fast a training goes, and what that means for its end.
func speed(t *api.Training) []string {
	var parts []string
	if t.StepSeconds > 0 {
		parts = append(parts, number3(t.StepSeconds)+" s/step")
	}
	if t.SamplesPerSec > 0 {
		parts = append(parts, fmt.Sprintf("%.1f samples/s", float64(t.SamplesPerSec)))
	}
	if t.SecondsLeft != nil && (t.StepsTotal == 0 || t.StepsDone < t.StepsTotal) {
		parts = append(parts, "left "+left(float64(*t.SecondsLeft)))
	}
	return parts
}

func stepCount(t *api.Training) string {
	if t.StepsTotal > 0 {
		return fmt.Sprintf("%d/%d", t.StepsDone, t.StepsTotal)
	}
	return fmt.Sprint(t.StepsDone)
}

// number3 is number with three decimals, for values that are compared in
// passing and must not jump between notations.
func number3(f api.Float) string { return fmt.Sprintf("%.3f", float64(f)) }

// progressText is how far a step says it is: "12/20 writing tensors".
func progressText(p *api.Progress) string {
	var parts []string
	switch {
	case p.Total > 0:
		parts = append(parts, fmt.Sprintf("%d/%d", p.Done, p.Total))
	case p.Done > 0:
		parts = append(parts, fmt.Sprint(p.Done))
	}
	if p.Note != "" {
		parts = append(parts, plain(p.Note))
	}
	return strings.Join(parts, " ")
}

// stepMaker says who made what a step that succeeded leaves, where several could:
// ftd, or which file of mindformers.
func stepMaker(s *api.Step) string {
	if maker := s.Outputs["made_by"]; maker != "" && s.State == api.StateSucceeded {
		return ", by " + plain(maker)
	}
	return ""
}

// stepTook is how long a step has been, or was, at work.
func stepTook(s *api.Step, now time.Time) string { return took(between(s.Started, s.Ended, now)) }

// checkpointText names a checkpoint: what a person would look for it by.
func checkpointText(c *api.Checkpoint) string {
	if c.Gone && c.Complete {
		why := c.Reason
		if why == "" {
			why = "the training or somebody has deleted it"
		}
		return fmt.Sprintf("%s (step %d) is gone: %s", plain(c.Path), c.Step, plain(why))
	}
	if !c.Complete {
		return fmt.Sprintf("%s is not complete: %s", plain(c.Path), plain(c.Reason))
	}
	about := fmt.Sprintf("%d tensors, %s, verified", c.Tensors, size(c.Bytes))
	if c.Step > 0 {
		about = fmt.Sprintf("step %d, %s", c.Step, about)
	}
	return fmt.Sprintf("%s (%s)", plain(c.Path), about)
}
