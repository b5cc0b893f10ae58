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
)

// PhaseChange is the data of an [EventPhase].
type PhaseChange struct {
	Phase Phase     `json:"phase"`
	Since time.Time `json:"since"`
}

// Output is the data of an [EventOutput].
type Output struct {
	Line string `json:"line"`
}
