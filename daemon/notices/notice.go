package notices

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"ftd/api"
)

// Notice is something to tell. Templates are filled in with it, and commands
// and webhooks get it as JSON.
type Notice struct {
	Event   string    `json:"event"` // finished, failed, stopped, watchdog, disk or test
	Time    time.Time `json:"time"`
	Job     api.Job   `json:"job"`
	Message string    `json:"message"` // what happened
	Remedy  string    `json:"remedy,omitempty"`
	// Text is the sentence that the template text makes of it.
	Text string `json:"text"`

	id int64 // of the event
}

// What a target may ask for.
const (
	Finished = "finished" // a job has succeeded
	Failed   = "failed"   // it failed, was interrupted, or is lost
	Stopped  = "stopped"  // a person ended it
	Watchdog = "watchdog" // a watchdog found something
	Disk     = "disk"     // the disk will not hold the checkpoints
	test     = "test"     // somebody pressed the button
)

// notice is what an event means to people, if anything.
func (t *Teller) notice(ctx context.Context, e api.Event) (n Notice, ok bool, err error) {
	n = Notice{Time: e.Time, id: e.ID}
	switch e.Type {
	case api.EventJob:
		if json.Unmarshal(e.Data, &n.Job) != nil || !n.Job.State.Ended() {
			return n, false, nil //nolint:nilerr // an event that cannot be read tells nobody anything
		}
		n.Event, n.Message = ended(n.Job)
		if n.Job.Error != nil {
			n.Message, n.Remedy = n.Job.Error.Message, n.Job.Error.Remedy
		}
	case api.EventWatchdog:
		var a api.Alarm
		if json.Unmarshal(e.Data, &a) != nil {
			return n, false, nil //nolint:nilerr // likewise
		}
		job, err := t.journal.Job(ctx, e.Job)
		var known *api.Error
		if errors.As(err, &known) && known.Code == api.CodeNotFound {
			return n, false, nil // it was removed
		}
		if err != nil {
			return n, false, err
		}
		job.Steps = nil
		n.Job, n.Event, n.Message = job, Watchdog, a.Message
		if a.Watchdog == Disk {
			n.Event = Disk
		}
		n.Remedy = "see ftctl show " + e.Job
	}
	return n, true, nil
}

func ended(j api.Job) (event, message string) {
	switch j.State {
	case api.StateSucceeded:
		return Finished, "it has succeeded"
	case api.StateStopped:
		return Stopped, "it was stopped on request"
	}
	return Failed, "it is " + string(j.State)
}

// sample is what a test tells.
func sample(now time.Time) Notice {
	return Notice{Event: test, Time: now, Message: "this is a test of ftd's notifications",
		Job: api.Job{ID: "01test00000000000000000000", Name: "test", Recipe: "test", State: api.StateSucceeded, Created: now}}
}
