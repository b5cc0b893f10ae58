package api

import (
	"encoding/json"
	"math"
	"math/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Points are the same text, whichever way they were encoded.
func TestAppendPoints(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	float := func() Float {
		return []Float{0, 2.5, 1e-5, 65536, -3e38, Float(rnd.NormFloat64()), Float(math.NaN()), Float(math.Inf(1)), Float(math.Inf(-1))}[rnd.Intn(9)]
	}
	maybe := func() *Float {
		if rnd.Intn(2) == 0 {
			return nil
		}
		return float().Ptr()
	}
	whole := func() int64 { return []int64{0, 1, -1, rnd.Int63()}[rnd.Intn(4)] }
	points := []Point{}
	for n := range 500 {
		p := Point{Attempt: []string{"train.1", `a"b<c>`, "训练.2\xff"}[n%3], Rank: rnd.Intn(3), Time: time.Unix(rnd.Int63n(1<<33), rnd.Int63n(1e9)).UTC(),
			Epoch: whole(), Epochs: whole(), Step: whole(), Total: whole(), GlobalStep: whole(), Loss: float(), LR: maybe(), StepMS: float(),
			LossScale: maybe(), GlobalNorm: maybe(), Repeated: n%2 == 0, Offset: whole()}
		if truth := n%5 == 0; n%4 > 0 {
			p.Overflow = &truth
		}
		points = append(points, p)
	}
	type plain Point // as encoding/json writes it
	for _, some := range [][]Point{{}, {{}}, points} {
		all := []plain{}
		for _, p := range some {
			all = append(all, plain(p))
		}
		want, err := json.Marshal(all)
		require.NoError(t, err)
		got, err := AppendPoints(nil, some)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
		got, err = json.Marshal(some)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	}
	_, err := AppendPoints(nil, []Point{{Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}})
	require.Error(t, err)
}
