package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ftd/api"
	"ftd/daemon/cards"
	"ftd/launcher/devices"
	"ftd/recipe"
)

var _ recipe.Cards = (*host)(nil)

// Codes of what may be wrong with cards.
const (
	codeCardsTooFew  = "cards-too-few"
	codeCardOccupied = "card-occupied"
)

// restoreCards takes up what attempts hold that have not ended. The caller
// holds mu.
func (e *Engine) restoreCards(ctx context.Context) error {
	if e.cards == nil {
		return nil
	}
	leases, err := e.Journal.Leases(ctx)
	for _, l := range leases {
		e.cards.Restore(cards.Lease(l))
		e.onCards[l.Job] = true
	}
	return err
}

// TakeCards waits for cards, and remembers who got them.
func (h *host) TakeCards(ctx context.Context, attempt string, want recipe.CardRequest) ([]int, error) {
	if h.cards == nil {
		return nil, nil
	}
	if h.stop != nil { // it was to be stopped, and nothing runs yet
		h.stop()
		return nil, recipe.ErrStop
	}
	h.useCards(h.job, true)
	h.follow(h.job, true) // while it waits, nothing depends on this process
	defer h.follow(h.job, false)
	step := stepOf(attempt)
	ids, err := h.cards.Take(ctx, cards.Request{
		Job: h.job, Name: h.name, Attempt: attempt, Priority: h.priority, Count: want.Count, Only: want.Only,
	}, func(w cards.Waiting) {
		h.log.Info().Str("attempt", attempt).Int("position", w.Position).Str("why", w.Reason).Msg("waiting for cards")
		h.emit(api.Event{Job: h.job, Step: step, Attempt: attempt, Type: api.EventWaiting}, waitingFor(w))
		h.chatter.progress(h.job, step, api.Progress{Note: fmt.Sprintf("waiting for cards, %s in line: %s", ordinal(w.Position), w.Reason)})
	})
	var never *cards.Error
	switch {
	case errors.As(err, &never):
		return nil, &recipe.Problem{Code: codeCardsTooFew, Message: never.Message, Remedy: never.Remedy}
	case err != nil:
		return nil, err
	}
	err = h.keepTrying(ctx, func(ctx context.Context) error { return h.Journal.SetCards(ctx, h.job, attempt, ids) })
	if err != nil {
		h.cards.Release(h.job, attempt)
		return nil, err
	}
	h.chatter.progress(h.job, step, api.Progress{})
	return ids, nil
}

// AwaitCards implements [recipe.Cards]. A shutdown does not wait for it.
func (h *host) AwaitCards(ctx context.Context, _ string) error {
	if h.cards == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)()
	return h.cards.AwaitFree(ctx, h.job)
}

// giveBack ends what an attempt holds.
func (h *host) giveBack(attempt string) {
	if h.cards != nil {
		h.cards.Release(h.job, attempt)
		h.useCards(h.job, false)
	}
}

// cardsLeft tells of cards that did not become free after their training.
func (e *Engine) cardsLeft(l cards.Lease, left *devices.Occupied) {
	e.emit(api.Event{Job: l.Job, Step: stepOf(l.Attempt), Attempt: l.Attempt, Type: api.EventProblem},
		api.Errorf(codeCardOccupied, "after the training, %v", left).
			WithRemedy("end what still uses it; if there is no process, reset the card (npu-smi set -t reset -i CARD -c CHIP) or restart the machine"))
}

// emit stores an event that nothing depends on.
func (e *Engine) emit(event api.Event, data any) {
	var err error
	if event.Data, err = json.Marshal(data); err == nil {
		err = e.Journal.Emit(e.ctx, event)
	}
	if err != nil && e.ctx.Err() == nil {
		e.Log.Warn().Err(err).Str("job", event.Job).Msg("an event could not be stored")
	}
}

func waitingFor(w cards.Waiting) *api.Waiting {
	return &api.Waiting{For: api.WaitForCards, Position: w.Position, Cards: w.Cards, Since: w.Since, Reason: w.Reason}
}

// addQueue says what a job waits for and which cards it holds.
func (e *Engine) addQueue(job *api.Job) {
	if job.State.Ended() {
		return
	}
	job.Waiting = e.queue.waiting(job.ID)
	if e.cards == nil {
		return
	}
	job.Cards = e.cards.HeldBy(job.ID)
	if w, ok := e.cards.WaitingOf(job.ID); ok {
		job.Waiting = waitingFor(w)
	}
}

// Cards lists the accelerator cards that may be handed out, as they stood a
// moment ago; none where cards are not handed out.
func (e *Engine) Cards() ([]api.Card, error) {
	list := []api.Card{}
	if e.cards == nil {
		return list, nil
	}
	all, err := e.cards.Cards()
	var known *devices.Error
	if errors.As(err, &known) {
		return nil, api.Errorf(known.Code, "%s", known.Message).WithRemedy("%s", known.Remedy)
	}
	for _, c := range all {
		list = append(list, cardOf(c))
	}
	return list, err
}

func cardOf(c cards.Card) api.Card {
	const megabyte = 1 << 20
	card := api.Card{
		ID: c.Logical, NPU: c.Card, Chip: c.Chip, Name: c.Name, State: string(c.State), Why: c.Why, Job: c.Job, Health: c.Health,
		MemoryUsed: c.Memory.Used * megabyte, MemoryTotal: c.Memory.Total * megabyte,
	}
	for to, from := range map[**api.Float]*float64{&card.Power: c.Power, &card.Temperature: c.Temperature} {
		if from != nil {
			*to = api.Float(*from).Ptr()
		}
	}
	return card
}

// Line is how a line of those who wait stands.
type Line struct {
	Length int
	// Oldest is since when the one who waits longest does; zero for nobody.
	Oldest time.Time
}

// Queues are the lines, by what is waited for.
func (e *Engine) Queues() map[string]Line {
	slot := Line{}
	for _, j := range e.queue.list() {
		slot.Length++
		if slot.Oldest.IsZero() || j.since.Before(slot.Oldest) {
			slot.Oldest = j.since
		}
	}
	lines := map[string]Line{api.WaitForSlot: slot}
	if e.cards != nil {
		n, oldest := e.cards.Line()
		lines[api.WaitForCards] = Line{n, oldest}
	}
	return lines
}

// CardStates counts cards by state; nil where cards are not handed out.
func (e *Engine) CardStates() map[string]int {
	if e.cards == nil {
		return nil
	}
	counts := map[string]int{}
	for _, s := range cards.States() {
		counts[string(s)] = 0
	}
	all, _ := e.cards.Cards() // what is not known is not counted
	for _, c := range all {
		counts[string(c.State)]++
	}
	return counts
}

// ordinal is a place in a line as a person says it.
func ordinal(n int) string {
	suffix := "th"
	if n%100/10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprint(n, suffix)
}
