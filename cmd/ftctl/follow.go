package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"ftd/api"
)

// summaryEvery is how often the daemon is asked for its summary of a training.
const summaryEvery = time.Second

// drawEvery is how often clocks are looked at, and whether the terminal has
// another width.
const drawEvery = 200 * time.Millisecond

// follower watches one job to its end.
type follower struct {
	client *api.Client
	view   view
	now    func() time.Time
}

// follow shows the job until it has ended and returns it as it then is. When
// ctx ends before, it detaches: the job goes on.
func (f *follower) follow(ctx context.Context, job api.Job) (*api.Job, error) {
	defer f.view.close()
	m := newModel(job)
	f.view.show(m, m.standing(), f.now())

	// The reader is ended and waited for before follow returns.
	reading, stop := context.WithCancel(ctx)
	events := make(chan happening)
	var failure error // of the reader, once done is closed
	done := make(chan struct{})
	go func() {
		defer close(done)
		failure = f.read(reading, job, events)
	}()
	defer func() {
		stop()
		<-done
	}()

	clocks := time.NewTicker(drawEvery)
	defer clocks.Stop()

	var asked, due time.Time
	for !m.job.Over() {
		select {
		case e := <-events:
			if e.away {
				f.view.talk(awayText)
				continue
			}
			if e.Type == api.EventPoints {
				// Once now and once later: what a log says of a step after its
				// line, such as the samples per second, is no event.
				due = f.now().Add(summaryEvery)
				if f.now().Sub(asked) >= summaryEvery {
					asked = f.now()
					f.refresh(ctx, m)
				}
			}
			f.view.show(m, m.apply(e.Event), f.now())
		case <-clocks.C:
			if !due.IsZero() && f.now().After(due) {
				due = time.Time{}
				f.refresh(ctx, m)
			}
			f.view.tick(m, f.now())
		case <-done:
			return nil, failure
		}
	}
	return untilBack(ctx, nil, func() (*api.Job, error) { return f.client.Job(ctx, job.ID) })
}

// happening is an event, or that the daemon is away.
type happening struct {
	api.Event
	away bool
}

// refresh fetches what the daemon alone knows of a training, such as samples
// per second. It only makes the view richer, so a failure is not told: the
// event stream will.
func (f *follower) refresh(ctx context.Context, m *model) {
	ctx, cancel := context.WithTimeout(ctx, summaryEvery)
	defer cancel()
	if job, err := f.client.Job(ctx, m.job.ID); err == nil {
		m.refresh(*job)
	}
}

// read passes the job's events on until ctx ends or the daemon refuses. That
// the daemon is away is told once for each time.
func (f *follower) read(ctx context.Context, job api.Job, events chan<- happening) error {
	pass := func(h happening) {
		select {
		case events <- h:
		case <-ctx.Done():
		}
	}
	away := once{f: func() { pass(happening{away: true}) }}
	for e, err := range patientEvents(ctx, f.client, api.EventsQuery{After: job.Event, Job: job.ID, Follow: true}, away.call) {
		if err != nil {
			return err
		}
		away.done = false
		pass(happening{Event: e})
	}
	return ctx.Err()
}

// followOptions say how a job is followed; run, train and wait share them.
type followOptions struct {
	quiet bool
}

func (o *followOptions) addFlags(c *cobra.Command) {
	c.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "show nothing but what went wrong; the exit status tells the end")
}

const followHelp = `On a terminal finished steps stay as lines, and one live line shows the step at
work; elsewhere there is a plain line for each change. Ctrl-C detaches: the job
goes on. A second Ctrl-C ends ftctl at once, and leaves the job alone too.

The exit status is 0 only if the job succeeded, 7 if it ended in another way,
130 after Ctrl-C. With -o json stdout holds one object, the job as it ended.`

// followToEnd follows a job and prints its ending; it is what run, train and
// wait do once there is a job.
func followToEnd(c *cobra.Command, client *api.Client, job *api.Job, o followOptions) error {
	ctx := c.Context()
	client = patient(client)
	defer client.Close()
	f := follower{client: client, view: newView(c, o), now: time.Now}
	ended, err := f.follow(ctx, *job)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return &detachedError{job.ID}
	}
	if err != nil {
		return err
	}
	if wantJSON(c) {
		if err := printJSON(c.OutOrStdout(), ended); err != nil {
			return err
		}
	} else if err := showEnding(c, client, ended, o); err != nil {
		return err
	}
	if ended.State != api.StateSucceeded {
		return &jobError{*ended}
	}
	return nil
}

// showEnding prints how a job ended, with the picture of its loss.
func showEnding(c *cobra.Command, client *api.Client, job *api.Job, o followOptions) error {
	w := c.OutOrStdout()
	if o.quiet {
		// Of a failure the sentence is told all the same: it is what a person
		// looks for in the mail of cron.
		if job.Error != nil && job.State != api.StateSucceeded {
			writeError(c.ErrOrStderr(), job.Error, newPalette(c.ErrOrStderr(), noColor(c)))
		}
		return nil
	}
	var points []api.Point
	if job.Training != nil {
		var err error
		points, err = untilBack(c.Context(), nil, func() ([]api.Point, error) { return fetchPoints(c.Context(), client, job.ID) })
		if err != nil {
			return err
		}
	}
	writeEnding(w, job, points, terminalWidth(w), newPalette(w, noColor(c)))
	return nil
}

// detachedError is Ctrl-C while a job was followed. It is nobody's mistake:
// people get the sentence without the word error.
type detachedError struct{ job string }

func (e *detachedError) Error() string { return e.Unwrap().Error() }

func (e *detachedError) Unwrap() error {
	return api.Errorf(codeInterrupted, "detached: job %s goes on", e.job).
		WithRemedy("follow it again with `ftctl wait %s`, stop it with `ftctl stop %s`", e.job, e.job)
}

// newView picks how a job is shown. With -o json stdout is kept for the data,
// and a person at the terminal sees the job on stderr.
func newView(c *cobra.Command, o followOptions) view {
	w := c.OutOrStdout()
	if wantJSON(c) {
		w = c.ErrOrStderr()
	}
	switch {
	case o.quiet, wantJSON(c) && !isTerminal(w):
		return &linesView{w: io.Discard}
	case isTerminal(w):
		return &screenView{w: w, width: func() int { return terminalWidth(w) }, p: newPalette(w, noColor(c))}
	}
	return &linesView{w: w}
}
