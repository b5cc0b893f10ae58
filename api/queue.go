package api

import (
	"context"
	"net/http"
	"time"
)

// What a job waits for; see [Waiting].
const (
	WaitForSlot  = "slot"  // for another job to end
	WaitForCards = "cards" // for accelerator cards: a training is about to begin
)

// Waiting says what a job waits for before it can go on.
type Waiting struct {
	For string `json:"for"` // [WaitForSlot] or [WaitForCards]
	// Position is the job's place in that line; 1 comes next.
	Position int `json:"position"`
	// Cards is how many cards it waits for.
	Cards int       `json:"cards,omitempty"`
	Since time.Time `json:"since"`
	// Reason says in words why it cannot go on.
	Reason string `json:"reason"`
}

// CardList is the answer of GET /v1/cards: the accelerator cards that the
// daemon may hand out, as they stood a moment ago.
type CardList struct {
	Cards []Card `json:"cards"`
}

// Cards lists the accelerator cards that the daemon may hand out; none where
// it does not. What hinders it from looking at them is the error.
func (c *Client) Cards(ctx context.Context) ([]Card, error) {
	list, err := fetch[CardList](ctx, c, http.MethodGet, "/v1/cards", nil, nil)
	if err != nil {
		return nil, err
	}
	return list.Cards, nil
}

// Card is one accelerator chip.
type Card struct {
	// ID is what ASCEND_RT_VISIBLE_DEVICES takes; NPU and Chip are how npu-smi
	// names it, -1 where npu-smi does not show it.
	ID   int    `json:"id"`
	NPU  int    `json:"npu"`
	Chip int    `json:"chip"`
	Name string `json:"name,omitempty"` // such as 910B3
	// State is free, held (by a job), occupied (by a process that is not ours)
	// or unhealthy.
	State string `json:"state"`
	// Why says more of a card that is not free.
	Why    string `json:"why,omitempty"`
	Job    string `json:"job,omitempty"`    // that holds it
	Health string `json:"health,omitempty"` // npu-smi's word
	// Power is in watts, Temperature in degrees Celsius.
	Power       *Float `json:"power,omitempty"`
	Temperature *Float `json:"temperature,omitempty"`
	// MemoryUsed and MemoryTotal are in bytes.
	MemoryUsed  int64 `json:"memory_used_bytes,omitempty"`
	MemoryTotal int64 `json:"memory_total_bytes,omitempty"`
}

// MaxPriority bounds the priority of a job in both directions.
const MaxPriority = 1000
