package api

import (
	"encoding/json"
	"time"
)

// Event is something that happened. ID grows by at least one with each event
// and is never used twice in one state directory, so a reader that was cut
// off goes on from the last one it saw.
type Event struct {
	ID      int64           `json:"id"`
	Time    time.Time       `json:"time"`
	Job     string          `json:"job,omitempty"`
	Step    string          `json:"step,omitempty"`
	Attempt string          `json:"attempt,omitempty"`
	Rank    int             `json:"rank"`
	Type    string          `json:"type"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// The types of events and what their data is. Readers ignore types they do
// not know: newer daemons may send more.
const (
	EventJob        = "job"        // Job without steps: the job's state changed
	EventStep       = "step"       // Step without attempts: the step's state changed
	EventAttempt    = "attempt"    // Attempt: an attempt began or ended
	EventProgress   = "progress"   // Progress of a step
	EventPhase      = "phase"      // PhaseChange
	EventPoints     = "points"     // []Point: step records, in file order
	EventCheckpoint = "checkpoint" // Checkpoint: complete, or found broken
	EventProblem    = "problem"    // Error: an error signature seen in a log
	EventOutput     = "output"     // Output: a line a Python step printed
	EventWatchdog   = "watchdog"   // Alarm: a watchdog found something
	EventGap        = "gap"        // Gap: a reader came back after more than 30 days
	EventWaiting    = "waiting"    // Waiting: a training waits for cards, or for others of them
)

// Gap is the data of an [EventGap].
type Gap struct {
	// After is the event that the reader saw last, Oldest the one that comes
	// next: those between them are not kept any more.
	After  int64 `json:"after"`
	Oldest int64 `json:"oldest"`
}

// PhaseChange is the data of an [EventPhase].
type PhaseChange struct {
	Phase Phase     `json:"phase"`
	Since time.Time `json:"since"`
}

// Output is the data of an [EventOutput].
type Output struct {
	Line string `json:"line"`
}

// Alarm is the data of an [EventWatchdog]: what a watchdog found in a training,
// and what was done about it.
type Alarm struct {
	Watchdog string    `json:"watchdog"` // such as "stall"; docs/recipes.md lists them
	Attempt  string    `json:"attempt"`
	Time     time.Time `json:"time"` // when it was found
	// Error is set where the training is useless if this is right.
	Error   bool      `json:"error,omitempty"`
	Since   time.Time `json:"since"` // the last sign of life, or the first bad step
	Message string    `json:"message"`
	Action  string    `json:"action"`         // notify, dump, stop or restart
	Dump    string    `json:"dump,omitempty"` // the bundle that was written
	// Evidence is what it rests on: phase, step, which sign of life was seen
	// last, and how long ago each was.
	Evidence map[string]any `json:"evidence,omitempty"`
}
