package journal

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// oddNumbers are those that a log may hold and a database may spoil.
var oddNumbers = []float64{0, math.Copysign(0, -1), 1e-5, 6.908, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1), math.NaN()}

func TestAChunkGivesItsPointsBack(t *testing.T) {
	var c chunk
	var put []api.Point
	for i, n := range oddNumbers {
		yes := i%2 == 0
		p := api.Point{Offset: int64(i * i * 1000), Time: time.Unix(1e9-int64(i), int64(i)).UTC(), Epoch: int64(i), Epochs: 9,
			Step: int64(100 - i), Total: math.MaxInt64, GlobalStep: int64(-i), Loss: api.Float(n), StepMS: api.Float(-n)}
		if i > 2 {
			p.LR, p.Overflow = api.Float(n).Ptr(), &yes
		}
		if i > 4 {
			p.LossScale, p.GlobalNorm = api.Float(n).Ptr(), api.Float(1).Ptr()
		}
		put = append(put, p)
		c = c.with(&p)
		got, err := decodeChunk(c.data)
		require.NoError(t, err)
		require.Equal(t, asJSON(t, put), asJSON(t, got))
	}
	require.Equal(t, put[0].Offset, c.first)
	require.Equal(t, put[len(put)-1].Offset, c.last)
	for cut := range c.data {
		got, err := decodeChunk(c.data[:cut])
		if err == nil { // between two points
			require.Less(t, len(got), len(put))
		}
	}
	_, err := decodeChunk(append([]byte{chunkVersion + 1}, c.data[1:]...))
	require.Error(t, err, "of a newer version")
}

func FuzzChunk(f *testing.F) {
	var c chunk
	for _, n := range oddNumbers {
		c = c.with(&api.Point{Offset: 5, Loss: api.Float(n), LR: api.Float(n).Ptr()})
	}
	f.Add(c.data)
	f.Fuzz(func(t *testing.T, data []byte) {
		points, err := decodeChunk(data)
		if err != nil {
			return
		}
		var c chunk
		for i := range points {
			c = c.with(&points[i])
		}
		if len(points) == 0 {
			return
		}
		again, err := decodeChunk(c.data)
		require.NoError(t, err)
		require.Equal(t, asJSON(t, points), asJSON(t, again))
	})
}
