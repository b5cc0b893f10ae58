package cards

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ftd/launcher/devices"
)

// State is how a card stands.
type State string

// The states of a card.
const (
	Free      State = "free"
	Held      State = "held"      // by one of our jobs
	Occupied  State = "occupied"  // by somebody else
	Unhealthy State = "unhealthy" // not to be used
)

// States are all of them.
func States() []State { return []State{Free, Held, Occupied, Unhealthy} }

// Card is a chip and who has it.
type Card struct {
	devices.Device
	State State
	// Why says more of a card that is not free: a part of a sentence.
	Why string
	// Job holds it, "" for none.
	Job string
}

// Lease is the right of one attempt at a training to use cards.
type Lease struct {
	Job, Name, Attempt string
	Cards              []int // logical ids, ascending
}

// Request asks for a lease.
type Request struct {
	Job, Name, Attempt string
	Priority           int
	// Count is how many cards are wanted, whichever they are.
	Count int
	// Only, if not empty, are the very cards that are wanted.
	Only []int
}

// before says whether a comes before b in the line: by priority, and among
// equals by the job's id, which sorts by the time it was submitted. So the
// line is the same after a restart.
func before(a, b Request) int {
	return cmp.Or(cmp.Compare(b.Priority, a.Priority), strings.Compare(a.Job, b.Job), strings.Compare(a.Attempt, b.Attempt))
}

// answer is what a request gets at one moment: the cards, or why not yet.
type answer struct {
	cards  []int
	reason string
}

// assign goes through the line and says what each request gets. A request that
// cannot be met yet, and will be when jobs of ours have ended, keeps the cards
// that are free for itself: without that, small trainings would slip past a
// large one for ever.
func assign(all []Card, line []Request) []answer {
	kept := map[int]string{} // by card: the name of who it is kept for
	answers := make([]answer, len(line))
	for i, r := range line {
		var free, ours int
		var take []int
		var why []string
		for _, c := range all {
			keeper, isKept := kept[c.Logical]
			switch {
			case len(r.Only) > 0 && !slices.Contains(r.Only, c.Logical):
				continue
			case c.State == Free && isKept:
				why = append(why, fmt.Sprintf("card %d is kept for %s", c.Logical, keeper))
				ours++
			case c.State == Free:
				free++
				take = append(take, c.Logical)
			case c.State == Held:
				ours++
				fallthrough
			default:
				why = append(why, fmt.Sprintf("card %d is %s", c.Logical, c.Why))
			}
		}
		want := r.count()
		if free >= want {
			answers[i].cards = take[:want]
			for _, id := range take[:want] {
				kept[id] = r.Name
			}
			continue
		}
		answers[i].reason = reason(want, free, why)
		if free+ours >= want {
			for _, id := range take {
				kept[id] = r.Name
			}
		}
	}
	return answers
}

func (r Request) count() int {
	if len(r.Only) > 0 {
		return len(r.Only)
	}
	return r.Count
}

// mostReasons keeps the sentence short on a machine with many cards.
const mostReasons = 4

func reason(want, free int, why []string) string {
	head := fmt.Sprintf("it needs %d cards, and %d can be had", want, free)
	if want == 1 {
		head = "it needs a card"
	}
	if more := len(why) - mostReasons; more > 0 {
		why = append(why[:mostReasons:mostReasons], fmt.Sprintf("%d more likewise", more))
	}
	return head + ": " + strings.Join(why, ", ")
}

// judge says how each card stands. Those of only, and those that were seen
// before, are unhealthy when they are not shown: something has become of them.
func judge(shown []devices.Device, only, seen []int, ignore bool, leases []Lease) []Card {
	holder := map[int]Lease{}
	ids := slices.Concat(only, seen)
	for _, l := range leases {
		for _, id := range l.Cards {
			holder[id] = l
			ids = append(ids, id)
		}
	}
	var all []Card
	for _, d := range shown {
		if l, held := holder[d.Logical]; held || len(only) == 0 || slices.Contains(only, d.Logical) {
			all = append(all, standing(d, l, held, ignore))
		}
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if slices.ContainsFunc(all, func(c Card) bool { return c.Logical == id }) {
			continue
		}
		c := Card{Device: devices.Device{Logical: id, Physical: -1, Card: -1, Chip: -1}, State: Unhealthy, Why: "not shown by npu-smi"}
		if l, held := holder[id]; held {
			c.State, c.Job, c.Why = Held, l.Job, heldBy(l)
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Card) int { return cmp.Compare(a.Logical, b.Logical) })
	return all
}

func standing(d devices.Device, l Lease, held, ignore bool) Card {
	c := Card{Device: d, State: Free}
	switch use := d.InUse(); {
	case held:
		c.State, c.Job, c.Why = Held, l.Job, heldBy(l)
	case !d.Healthy():
		c.State, c.Why = Unhealthy, fmt.Sprintf("not healthy (npu-smi says %s)", d.Health)
	case use != "" && !ignore:
		c.State, c.Why = Occupied, "used by "+use
	}
	return c
}

func heldBy(l Lease) string { return fmt.Sprintf("held by the job %s (%s)", l.Name, l.Job) }
