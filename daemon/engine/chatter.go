package engine

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"ftd/api"
	"ftd/api/secret"
	"ftd/daemon/journal"
)

// What steps say while they run may come faster than anybody reads. It is
// told a few times a second: of progress the newest, of output the first
// lines; all of the output is in the step's log anyway.
const (
	tellEvery = 100 * time.Millisecond
	tellLines = 200
)

// chatter turns progress and output of steps into events.
type chatter struct {
	journal *journal.Journal
	log     zerolog.Logger
	wake    chan struct{}
	telling sync.Mutex // held while events are stored, so that they stay in order

	mu      sync.Mutex
	newest  map[stepName]api.Progress // of steps that run
	changed map[stepName]bool         // since the last time it was told
	lines   []api.Event
}

type stepName struct{ job, step string }

func newChatter(j *journal.Journal, log zerolog.Logger) *chatter {
	return &chatter{journal: j, log: log, wake: make(chan struct{}, 1),
		newest: map[stepName]api.Progress{}, changed: map[stepName]bool{}}
}

func (c *chatter) progress(job, step string, p api.Progress) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.newest[stepName{job, step}] = p
	c.changed[stepName{job, step}] = true
	c.stir()
}

func (c *chatter) output(job, step, line string) {
	data, err := json.Marshal(api.Output{Line: secret.Addresses(line)})
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lines) < tellLines {
		c.lines = append(c.lines, api.Event{Job: job, Step: step, Type: api.EventOutput, Data: data})
	}
	c.stir()
}

func (c *chatter) stir() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *chatter) progressOf(job, step string) *api.Progress {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.newest[stepName{job, step}]
	if !ok {
		return nil
	}
	return &p
}

func (c *chatter) forget(job, step string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.newest, stepName{job, step})
	delete(c.changed, stepName{job, step})
}

// run tells what is said until ctx ends.
func (c *chatter) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		c.flush(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(tellEvery):
		}
	}
}

// flush stores what was said and not told yet. What cannot be stored is
// dropped: it is no more than talk.
func (c *chatter) flush(ctx context.Context) {
	c.telling.Lock()
	defer c.telling.Unlock()
	events := c.take()
	if len(events) == 0 {
		return
	}
	if err := c.journal.Emit(ctx, events...); err != nil && ctx.Err() == nil {
		c.log.Warn().Err(err).Int("events", len(events)).Msg("progress and output could not be told")
	}
}

func (c *chatter) take() []api.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	events := c.lines
	c.lines = nil
	for name := range c.changed {
		if data, err := json.Marshal(c.newest[name]); err == nil {
			events = append(events, api.Event{Job: name.job, Step: name.step, Type: api.EventProgress, Data: data})
		}
	}
	clear(c.changed)
	return events
}
