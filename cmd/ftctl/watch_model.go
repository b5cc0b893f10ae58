package main

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"ftd/api"
)

// watch is the state of the full-screen view, as bubbletea wants it: Update
// changes it, View (watch_screen.go) draws it, one after the other.
type watch struct {
	ctx    context.Context //nolint:containedctx // bubbletea's commands take none
	client *api.Client
	p      palette
	now    time.Time
	width  int
	height int

	jobs   []api.Job // the newest first
	chosen int       // in jobs
	shown  *api.Job  // nil while the list is on the screen
	feed   *feed     // of the job that is shown
	plot   int       // of watchPlots
	away   bool      // the daemon did not answer the last time
	err    error     // it answered that something is wrong
	failed error
}

func newWatch(ctx context.Context, client *api.Client, p palette) *watch {
	// Asked every half second, it must not wait for a daemon that starts.
	client.Wait = 0
	return &watch{ctx: ctx, client: client, p: p, now: time.Now()}
}

// standing is what the daemon answered when it was asked how things stand.
type standing struct {
	jobs []api.Job
	job  *api.Job
	err  error
	now  time.Time
}

// Init begins to ask.
func (w *watch) Init() tea.Cmd { return w.ask() }

// ask asks the daemon once, in the background.
func (w *watch) ask() tea.Cmd {
	id := ""
	if w.shown != nil {
		id = w.shown.ID
	}
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(w.ctx, 10*watchEvery)
		defer cancel()
		var s standing
		s.jobs, s.err = w.client.Jobs(ctx, api.JobsQuery{Limit: watchJobs})
		if s.err == nil && id != "" {
			s.job, s.err = w.client.Job(ctx, id)
		}
		s.now = time.Now()
		return s
	}
}

// again is the moment to ask again.
type again struct{}

// Update takes a key, a size, or an answer in.
func (w *watch) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		w.width, w.height = m.Width, m.Height
	case tea.KeyPressMsg:
		return w, w.key(m.String())
	case standing:
		w.take(m)
		if w.feedFailed() != nil {
			return w, tea.Quit
		}
		return w, tea.Tick(watchEvery, func(time.Time) tea.Msg { return again{} })
	case again:
		w.now = time.Now()
		return w, w.ask()
	}
	return w, nil
}

func (w *watch) take(s standing) {
	w.now, w.away, w.err = s.now, isAway(s.err) || errors.Is(s.err, context.DeadlineExceeded), nil
	if s.err != nil {
		if !w.away && w.ctx.Err() == nil {
			w.err = s.err
		}
		return
	}
	was := w.chosenID()
	w.jobs = s.jobs
	for i := range w.jobs {
		if w.jobs[i].ID == was {
			w.chosen = i
		}
	}
	w.chosen = max(min(w.chosen, len(w.jobs)-1), 0)
	if s.job != nil && w.shown != nil && s.job.ID == w.shown.ID {
		if w.shown.Over() && !s.job.Over() {
			w.open(s.job) // it was resumed: the feed had ended
		}
		w.shown = s.job
	}
}

func (w *watch) chosenID() string {
	if w.chosen < len(w.jobs) {
		return w.jobs[w.chosen].ID
	}
	return ""
}

func (w *watch) key(key string) tea.Cmd {
	switch key {
	case "ctrl+c":
		return tea.Interrupt
	case "q":
		return tea.Quit
	case "ctrl+z":
		return tea.Suspend
	case "esc", "backspace", "left":
		w.leave()
	case "enter", "right":
		w.openChosen()
	case "up", "k":
		w.choose(-1)
	case "down", "j":
		w.choose(1)
	case "tab":
		w.plot = (w.plot + 1) % len(watchPlots())
	}
	return nil
}

// choose goes to the job before or after; where one is shown, to its view.
func (w *watch) choose(by int) {
	w.chosen = max(min(w.chosen+by, len(w.jobs)-1), 0)
	if w.shown != nil && w.shown.ID != w.chosenID() {
		w.openChosen()
	}
}

func (w *watch) openChosen() {
	if w.chosen < len(w.jobs) {
		w.open(&w.jobs[w.chosen])
	}
}

// open shows a job: what is known of it now, and soon all.
func (w *watch) open(job *api.Job) {
	w.close()
	own := *job
	w.shown = &own
	for i := range w.jobs {
		if w.jobs[i].ID == job.ID {
			w.chosen = i
		}
	}
	w.feed = newFeed(w.ctx, w.client, job.ID)
}

// leave goes back to the list.
func (w *watch) leave() {
	w.close()
	w.shown = nil
}

// close ends what follows the job that was shown.
func (w *watch) close() {
	if w.feed != nil {
		w.feed.close()
		w.failed = w.feed.broken()
		w.feed = nil
	}
}

// feedFailed is a mistake of ours in what runs beside the screen: it ends the
// view in order, so that the terminal is as it was.
func (w *watch) feedFailed() error {
	if w.feed != nil {
		return w.feed.broken()
	}
	return w.failed
}
