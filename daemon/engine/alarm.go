package engine

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"ftd/api"
	"ftd/recipe"
)

// Alarm stores what a watchdog found, and counts it for the metrics.
func (h *host) Alarm(ctx context.Context, attempt string, a recipe.Alarm) error {
	ctx = context.WithoutCancel(ctx)
	evidence, err := evidenceOf(a)
	if err != nil {
		return err
	}
	data, err := json.Marshal(api.Alarm{
		Watchdog: string(a.Watchdog), Attempt: attempt, Time: time.Now().UTC(), Error: a.Error, Since: a.Since.UTC(),
		Message: a.Message, Action: string(a.Action), Dump: a.Dump, Evidence: evidence,
	})
	if err != nil {
		return err
	}
	h.log.Warn().Str("attempt", attempt).Str("watchdog", string(a.Watchdog)).Str("action", string(a.Action)).Str("dump", a.Dump).Msg(a.Message)
	h.live.alarm(h.job, attempt, string(a.Watchdog))
	return h.keepTrying(ctx, func(ctx context.Context) error {
		return h.Journal.Emit(ctx, api.Event{Job: h.job, Step: stepOf(attempt), Attempt: attempt, Rank: a.Evidence.Rank, Type: api.EventWatchdog, Data: data})
	})
}

// evidenceOf is the evidence as the API has it.
func evidenceOf(a recipe.Alarm) (evidence map[string]any, err error) {
	data, err := json.Marshal(a.Evidence)
	if err == nil {
		err = json.Unmarshal(data, &evidence)
	}
	return evidence, err
}

// stepOf is the step of an attempt, which is named STEP.NUMBER; a step's name
// may hold dots.
func stepOf(attempt string) string { return attempt[:max(strings.LastIndexByte(attempt, '.'), 0)] }
