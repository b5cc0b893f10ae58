package cards

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/launcher/devices"
)

// machine makes cards of words: "OK" is a free one, "job" one that a job named
// so holds, "!" a sick one and "?" one that a stranger uses.
func machine(words ...string) (shown []devices.Device, leases []Lease) {
	for id, w := range words {
		d := devices.Device{Logical: id, Card: id, Health: "OK"}
		switch w {
		case "OK":
		case "!":
			d.Health = "Alarm"
		case "?":
			d.Processes = []devices.Process{{PID: 7, Name: "vim"}}
		default:
			leases = append(leases, Lease{Job: w, Name: w, Attempt: "train.1", Cards: []int{id}})
		}
		shown = append(shown, d)
	}
	return shown, leases
}

func TestWhoGetsWhichCards(t *testing.T) {
	want := func(job string, n int, only ...int) Request {
		return Request{Job: job, Name: job, Attempt: "train.1", Count: n, Only: only}
	}
	for _, c := range []struct {
		about  string
		cards  []string
		line   []Request
		got    [][]int
		reason string // of the last in the line
	}{
		{"the first that are free", []string{"a", "OK", "OK"}, []Request{want("b", 1), want("c", 1)}, [][]int{{1}, {2}}, ""},
		{"several for one", []string{"OK", "a", "OK", "OK"}, []Request{want("b", 2), want("c", 1)}, [][]int{{0, 2}, {3}}, ""},
		{"no card for two", []string{"OK"}, []Request{want("b", 1), want("c", 1)}, [][]int{{0}, nil},
			"it needs a card: card 0 is kept for b"},
		{"all are held", []string{"a", "b"}, []Request{want("c", 1)}, [][]int{nil},
			"it needs a card: card 0 is held by the job a (a), card 1 is held by the job b (b)"},
		{"sick and strange", []string{"!", "?"}, []Request{want("c", 1)}, [][]int{nil},
			"it needs a card: card 0 is not healthy (npu-smi says Alarm), card 1 is used by process 7 (vim)"},
		{"a large one is not starved", []string{"a", "OK", "OK", "b"}, []Request{want("large", 4), want("small", 1)}, [][]int{nil, nil},
			"it needs a card: card 0 is held by the job a (a), card 1 is kept for large, card 2 is kept for large, card 3 is held by the job b (b)"},
		{"what cannot be had now keeps nothing", []string{"!", "OK", "OK"}, []Request{want("large", 3), want("small", 1)}, [][]int{nil, {1}}, ""},
		{"a card of one's choice", []string{"OK", "OK"}, []Request{want("b", 1, 1), want("c", 1)}, [][]int{{1}, {0}}, ""},
		{"a choice keeps only what it chose", []string{"OK", "OK", "a"}, []Request{want("b", 2, 1, 2), want("c", 1), want("d", 1)}, [][]int{nil, {0}, nil},
			"it needs a card: card 0 is kept for c, card 1 is kept for b, card 2 is held by the job a (a)"},
		{"many reasons", []string{"a", "b", "c", "d", "e", "f"}, []Request{want("z", 2)}, [][]int{nil},
			"it needs 2 cards, and 0 can be had: card 0 is held by the job a (a), card 1 is held by the job b (b), " +
				"card 2 is held by the job c (c), card 3 is held by the job d (d), 2 more likewise"},
	} {
		t.Run(c.about, func(t *testing.T) {
			shown, leases := machine(c.cards...)
			answers := assign(judge(shown, nil, nil, false, leases), c.line)
			for i, a := range answers {
				require.Equal(t, c.got[i], a.cards, "%d", i)
			}
			require.Equal(t, c.reason, answers[len(answers)-1].reason)
		})
	}
}

func TestHowCardsStand(t *testing.T) {
	shown, leases := machine("OK", "a", "!", "?", "OK")
	leases = append(leases, Lease{Job: "old", Name: "old", Attempt: "train.2", Cards: []int{9}})
	states := func(all []Card) (list []State) {
		for _, c := range all {
			list = append(list, c.State)
		}
		return list
	}
	require.Equal(t, []State{Free, Held, Unhealthy, Occupied, Free, Held}, states(judge(shown, nil, nil, false, leases)))
	require.Equal(t, []State{Free, Held, Unhealthy, Free, Free, Held}, states(judge(shown, nil, nil, true, leases)), "foreign processes are ignored")
	fallen := judge(shown[1:], nil, []int{0, 1, 2, 3, 4}, false, leases)
	require.Equal(t, []State{Unhealthy, Held, Unhealthy, Occupied, Free, Held}, states(fallen), "card 0 was there before")
	only := judge(shown, []int{0, 7}, nil, false, nil)
	require.Equal(t, []State{Free, Unhealthy}, states(only))
	require.Equal(t, "not shown by npu-smi", only[1].Why)
}

func TestTheLine(t *testing.T) {
	line := []Request{{Job: "03"}, {Job: "02", Priority: -1}, {Job: "01"}, {Job: "04", Priority: 5}}
	slices.SortFunc(line, before)
	var jobs []string
	for _, r := range line {
		jobs = append(jobs, r.Job)
	}
	require.Equal(t, []string{"04", "01", "03", "02"}, jobs)
}
