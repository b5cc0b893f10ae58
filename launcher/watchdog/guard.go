package watchdog

import (
	"time"

	"ftd/logparse"
)

// asleep is how long the time between two looks may be. After a longer one the
// asking program itself did not run, and has no right to say what moved when.
const asleep = time.Minute

// Guard watches one attempt at a training. It is used by one goroutine at a
// time.
type Guard struct {
	settings Settings
	clocks   clocks
	ranks    map[int]*numbers
	places   map[int]*places // by rank, or by log
	last     time.Time       // the last look
	// told are the watchdogs whose verdict still stands: each is told once,
	// and again only if it had become better in between.
	told map[key]bool
}

// key is a watchdog, for one rank where it judges one.
type key struct {
	name Name
	rank int
}

// New returns the guard of a training. begin is set when it watches from the
// start, and not set when it is to watch one that runs already.
func New(settings Settings, now time.Time, begin bool) *Guard {
	g := &Guard{settings: settings, ranks: map[int]*numbers{}, places: map[int]*places{}, told: map[key]bool{}, last: now}
	g.clocks.reset(now)
	g.clocks.began = begin
	return g
}

// BeforeSteps reports whether no step was seen yet, so that the compile caches
// are worth a look.
func (g *Guard) BeforeSteps() bool { return g.clocks.stepAt.IsZero() }

// Recall is told what the log of a training that runs already held before it
// was taken over, in the order of the file, and Recalled that this was all. Of
// it only the phase and the usual step time count: all clocks begin now.
func (g *Guard) Recall(rank int, r *logparse.Record) {
	g.clocks.pure = false // when a line was read is not known any more
	g.clocks.record(rank, r, g.repeats(rank, r), g.last)
}

// Remembers is how many of the newest lines of steps Recall has a use for, if
// several ranks tell of each.
func (g *Guard) Remembers() int {
	return (max(g.settings[Stall].Warmup, recentGaps) + 1) * recentPlaces
}

// Recalled ends the recalling.
func (g *Guard) Recalled(now time.Time) {
	g.clocks.awake(now)
	clear(g.places) // what is told next may be what was recalled last
}

// repeats reports whether a record is a step that another rank told of before.
func (g *Guard) repeats(rank int, r *logparse.Record) bool {
	if r.Kind != logparse.KindStep || r.Step.NoLoss { // the stages of a pipeline but the last
		return false
	}
	p := g.places[rank]
	if p == nil {
		p = &places{}
		g.places[rank] = p
	}
	return p.again(&r.Step)
}

// Record takes into account what the log of a rank says; at is when it was read.
func (g *Guard) Record(rank int, r *logparse.Record, at time.Time) []Verdict {
	n := g.ranks[rank]
	if n == nil {
		n = newNumbers(g.settings)
		g.ranks[rank] = n
	}
	repeats := g.repeats(rank, r)
	g.clocks.record(rank, r, repeats, at)
	var verdicts []Verdict
	if n.weights.add(r, at) && g.report(key{Weights, rank}, true) {
		verdicts = append(verdicts, n.weights.verdict())
	}
	if r.Kind == logparse.KindStep && !r.Step.NoLoss && !repeats {
		n.step(&r.Step, at)
		for _, name := range []Name{NonFinite, Overflow, LossScale, Flat, Spike} {
			bad := n.bad(name) && (name != Flat || g.allConstant())
			if g.report(key{name, rank}, bad) {
				verdicts = append(verdicts, n.verdict(name))
			}
		}
	}
	for i := range verdicts {
		e := &verdicts[i].Evidence
		e.Rank, e.Phase, e.Step = rank, g.clocks.phase, g.clocks.step
	}
	return verdicts
}

// allConstant: in a pipeline only the last stage knows the loss, and the others
// print a constant. So a loss is flat only if no rank's changes.
func (g *Guard) allConstant() bool {
	for _, n := range g.ranks {
		if n.flat.Steps() && !n.constant() {
			return false
		}
	}
	return true
}

// Look judges by the clocks. Call it every few seconds.
func (g *Guard) Look(s Signs, now time.Time) []Verdict {
	if now.Sub(g.last) > asleep {
		g.clocks.awake(now)
	}
	g.last = now
	g.clocks.look(s, now)
	var verdicts []Verdict
	for _, name := range []Name{Startup, Compile, FirstStep, Stall, Silence} {
		v := g.clocks.judge(name, g.settings[name], now)
		if g.report(key{name: name}, v != nil) {
			verdicts = append(verdicts, *v)
		}
	}
	return verdicts
}

// Log is how many bytes the logs held at the last look.
func (g *Guard) Log() int64 { return g.clocks.signs.Log }

// Action is what a verdict of that watchdog leads to.
func (g *Guard) Action(name Name) Action { return g.settings[name].Action }

// report notes whether a watchdog finds something now, and returns whether
// that is to be told.
func (g *Guard) report(k key, bad bool) bool {
	if !bad {
		delete(g.told, k)
		return false
	}
	if g.told[k] || g.settings[k.name].Action == Off {
		return false
	}
	g.told[k] = true
	return true
}
