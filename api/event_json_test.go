package api

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An event is the same text, whichever way it was encoded.
func TestEventAppend(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 987650000, time.UTC)
	for _, e := range []Event{
		{},
		{ID: 17, Time: at, Job: "01k0", Step: "train", Attempt: "train.1", Rank: 7, Type: EventPoints, Data: json.RawMessage(`[{"step":1}]`)},
		{ID: -1, Time: at, Job: `a"b<c>`, Step: "训练\xff", Attempt: "a b\n", Rank: -1, Type: "\u2028&", Data: json.RawMessage(`null`)},
	} {
		want, err := json.Marshal(e)
		require.NoError(t, err)
		got, err := e.Append([]byte("before"))
		require.NoError(t, err)
		require.Equal(t, "before"+string(want), string(got))
	}
	_, err := (&Event{Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}).Append(nil)
	require.Error(t, err)
}
