package main

import (
	"fmt"
	"io"
	"time"

	"ftd/api"
)

// writeEnding tells how a job ended: the loss as a picture, what came out of
// it, or what went wrong and what to do about it.
func writeEnding(w io.Writer, job *api.Job, points []api.Point, columns int, p palette) {
	if picture := lossPlot(points, min(columns, 100)); picture != "" {
		fmt.Fprintf(w, "\n%s\n\n", picture)
	}
	if t := job.Training; t != nil {
		writeTraining(w, t)
	}
	took := took(between(job.Started, job.Ended, time.Time{}))
	if job.State == api.StateSucceeded {
		fmt.Fprintf(w, "%s in %s; all it wrote is in %s\n", p.green("job "+job.ID+" succeeded"), took, plain(job.Dir))
		return
	}
	if job.Started == nil || job.Ended == nil {
		fmt.Fprintln(w, p.red("job "+job.ID+" is "+string(job.State)))
	} else {
		fmt.Fprintf(w, "%s after %s; all it wrote is in %s\n", p.red("job "+job.ID+" "+ended(job.State)), took, plain(job.Dir))
	}
	if job.Error != nil {
		writeError(w, job.Error, p)
	}
}

// writeTraining tells what a training came to.
func writeTraining(w io.Writer, t *api.Training) {
	if t.Last != nil {
		fmt.Fprintf(w, "steps       %s, last loss %s\n", stepCount(t), number(t.Last.Loss))
	}
	fmt.Fprintf(w, "overflow    %d steps\n", t.OverflowSteps)
	if t.NonFinite > 0 {
		fmt.Fprintf(w, "not finite  %d losses\n", t.NonFinite)
	}
	for i := range t.Checkpoints {
		fmt.Fprintf(w, "checkpoint  %s\n", checkpointText(&t.Checkpoints[i]))
	}
	if len(t.Checkpoints) == 0 {
		fmt.Fprintln(w, "checkpoint  none")
	}
	for i := range t.Alarms {
		fmt.Fprintf(w, "watchdog    %s\n", alarmText(&t.Alarms[i]))
	}
}

// alarmText is what a watchdog found, and what was done about it.
func alarmText(a *api.Alarm) string {
	text := plain(a.Watchdog) + ": " + plain(a.Message)
	switch a.Action {
	case "stop":
		text += "; it ends the training"
	case "restart":
		text += "; it starts the training again"
	}
	if a.Dump != "" {
		text += "; see " + plain(a.Dump)
	}
	return text
}

// ended is the state as the verb of a sentence.
func ended(s api.State) string {
	switch s {
	case api.StateFailed:
		return "failed"
	case api.StateSucceeded:
		return "succeeded"
	}
	return "was " + string(s) // stopped, interrupted, lost
}
