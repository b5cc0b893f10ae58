package main

import (
	"fmt"
	"io"
	"path/filepath"
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
	if len(job.Steps) > 0 {
		fmt.Fprintln(w, p.dim(fmt.Sprintf("  its log: ftctl logs --tail 50 %s   go on where it stopped: ftctl resume %s", job.ID, job.ID)))
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
	writeCheckpoints(w, t.Checkpoints)
	if t.Disk != nil {
		fmt.Fprintf(w, "disk        %s\n", diskText(t.Disk))
	}
	for i := range t.Alarms {
		fmt.Fprintf(w, "watchdog    %s\n", alarmText(&t.Alarms[i]))
	}
}

// newestShown is how many of the checkpoints in a directory are told of.
const newestShown = 5

// writeCheckpoints tells where the verified checkpoints are, those of a directory
// together, and which are broken or gone.
func writeCheckpoints(w io.Writer, all []api.Checkpoint) {
	if len(all) == 0 {
		fmt.Fprintln(w, "checkpoint  none")
	}
	var dirs []string
	verified := map[string][]api.Checkpoint{}
	for i := range all {
		c := &all[i]
		if !c.Complete || c.Gone {
			fmt.Fprintf(w, "checkpoint  %s\n", checkpointText(c))
			continue
		}
		dir := filepath.Dir(c.Path)
		if verified[dir] == nil {
			dirs = append(dirs, dir)
		}
		verified[dir] = append(verified[dir], *c)
	}
	for _, dir := range dirs {
		list := verified[dir]
		if len(list) == 1 {
			fmt.Fprintf(w, "checkpoint  %s\n", checkpointText(&list[0]))
			continue
		}
		fmt.Fprintf(w, "checkpoints %d verified in %s\n", len(list), plain(dir))
		if before := len(list) - newestShown; before > 0 {
			fmt.Fprintf(w, "            … %d before these\n", before)
			list = list[before:]
		}
		for i := range list {
			list[i].Path = filepath.Base(list[i].Path)
			fmt.Fprintf(w, "            %s\n", checkpointText(&list[i]))
		}
	}
}

// diskText is how long the disk will last.
func diskText(d *api.Disk) string {
	switch {
	case d.Warning != "":
		return plain(d.Warning)
	case d.Needed > 0:
		return fmt.Sprintf("%s free, and the checkpoints to come take %s", size(d.Free), size(d.Needed))
	}
	return size(d.Free) + " free"
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
