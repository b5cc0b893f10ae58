package checkpoint

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func loss(f float64) *float64 { return &f }

// kept lists the steps that a plan keeps.
func kept(decisions []Decision) (steps []int64) {
	for _, d := range decisions {
		if d.Keep {
			steps = append(steps, d.Step)
		}
	}
	return steps
}

func TestRetention(t *testing.T) {
	all := []Candidate{}
	for i, l := range []float64{5, 4, 1, 3, 2, math.NaN()} {
		all = append(all, Candidate{Step: int64(i+1) * 100, Verified: true, Ours: true, Loss: loss(l)})
	}
	with := func(change func(c []Candidate)) []Candidate {
		c := append([]Candidate{}, all...)
		change(c)
		return c
	}
	tests := []struct {
		name string
		rule Retention
		all  []Candidate
		want []int64
	}{
		{"no rule keeps all", Retention{}, all, []int64{600, 500, 400, 300, 200, 100}},
		{"newest", Retention{Newest: 2}, all, []int64{600, 500}},
		{"more than there are", Retention{Newest: 20}, all, []int64{600, 500, 400, 300, 200, 100}},
		{"best, never NaN; the newest stays", Retention{Best: 2}, all, []int64{600, 500, 300}},
		{"every", Retention{Every: 300}, all, []int64{600, 300}},
		{"together", Retention{Newest: 2, Best: 1, Every: 400}, all, []int64{600, 500, 400, 300}},
		{"the newest is broken: it may still be written", Retention{Newest: 1},
			with(func(c []Candidate) { c[5].Verified = false }), []int64{600, 500}},
		{"a broken one in the middle goes, and does not count", Retention{Newest: 2},
			with(func(c []Candidate) { c[4].Verified = false }), []int64{600, 400}},
		{"a broken one is not kept for its step", Retention{Every: 100},
			with(func(c []Candidate) { c[1].Verified = false }), []int64{600, 500, 400, 300, 100}},
		{"none is verified: none goes", Retention{Newest: 1},
			with(func(c []Candidate) {
				for i := range c {
					c[i].Verified = false
				}
			}), []int64{600, 500, 400, 300, 200, 100}},
		{"not ours is not touched", Retention{Newest: 1},
			with(func(c []Candidate) { c[0].Ours = false; c[1].Ours, c[1].Verified = false, false }), []int64{600, 200, 100}},
		{"the newest verified is not ours: it still counts", Retention{Newest: 1},
			with(func(c []Candidate) { c[5].Ours = false }), []int64{600}},
		{"no loss known", Retention{Best: 3},
			with(func(c []Candidate) {
				for i := range c {
					c[i].Loss = nil
				}
			}), []int64{600}},
		{"nothing there", Retention{Newest: 1}, nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			plan := test.rule.Plan(test.all)
			require.Equal(t, test.want, kept(plan))
			for _, d := range plan {
				require.NotEmpty(t, d.Why)
			}
		})
	}
}

// Whatever the rules and whatever there is: the newest verified one stays, what
// is not ours stays, and nothing goes unless a newer one is verified.
func TestRetentionNeverDeletesTheLast(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		r := Retention{Newest: rng.IntN(4), Best: rng.IntN(4), Every: rng.Int64N(5)}
		var all []Candidate
		for range rng.IntN(8) {
			all = append(all, Candidate{Step: rng.Int64N(10), Verified: rng.IntN(2) == 0, Ours: rng.IntN(3) > 0, Loss: loss(rng.Float64())})
		}
		newest := int64(-1)
		for _, c := range all {
			if c.Verified {
				newest = max(newest, c.Step)
			}
		}
		stays := newest < 0
		for _, d := range r.Plan(all) {
			if d.Verified && d.Step == newest && d.Keep {
				stays = true
			}
			if !d.Keep {
				require.True(t, d.Ours)
				require.LessOrEqual(t, d.Step, newest)
			}
		}
		require.True(t, stays, "%+v of %+v", r, all)
	}
}
