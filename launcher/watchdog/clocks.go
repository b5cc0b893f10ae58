package watchdog

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ftd/logparse"
)

const (
	// working is the share of one processor from which on processes count as
	// at work: threads that only wait for something use less.
	working = 0.05
	// recentGaps is how many of the newest times between steps are kept: the
	// longest of them is the usual one at its worst.
	recentGaps = 32
	// pauseFactor is how many times the longest pause ever another one may take.
	pauseFactor = 1.5
)

// clocks know when what was seen last.
type clocks struct {
	began bool // the guard was there from the start
	start time.Time
	phase logparse.Phase
	known bool // a phase or a step was seen: the log is a training's

	log, cpu, cache time.Time // when each moved last
	signs           Signs     // at the last look
	looked          time.Time
	seen            bool // signs are known

	stepAt time.Time // the last step, zero before the first
	backAt time.Time // the end of the last save or evaluation
	saveAt time.Time // a checkpoint grew
	step   int64
	steps  int             // that were seen, of the rank that is followed
	rank   int             // whose steps they are: of the first that printed one
	pure   bool            // nothing but steps since the last one
	gaps   []time.Duration // between steps with nothing else in between
	paused time.Duration   // the longest of all that were seen
}

func (c *clocks) reset(now time.Time) {
	*c = clocks{start: now, log: now, cpu: now, cache: now}
}

// awake begins all measuring anew after the program slept.
func (c *clocks) awake(now time.Time) {
	c.start, c.log, c.cpu, c.cache = now, now, now, now
	c.seen, c.pure = false, false
	if !c.stepAt.IsZero() {
		c.stepAt = now
	}
}

// record takes a record into account; repeats says that it is a step which
// another rank told of before.
func (c *clocks) record(rank int, r *logparse.Record, repeats bool, at time.Time) {
	c.log = at
	switch r.Kind {
	case logparse.KindPhase:
		c.known = true
		// Ranks that are late still compile when the first one trains.
		if !c.stepAt.IsZero() && (r.Phase == logparse.PhaseStarting || r.Phase == logparse.PhaseLoading || r.Phase == logparse.PhaseCompiling) {
			return
		}
		c.phase, c.pure = r.Phase, false
		if r.Phase == logparse.PhaseTraining {
			c.backAt = at
		}
	case logparse.KindStep:
		c.known, c.phase = true, logparse.PhaseTraining
		if !repeats {
			c.addStep(rank, &r.Step, at)
		}
	}
}

func (c *clocks) addStep(rank int, s *logparse.Step, at time.Time) {
	if c.steps == 0 {
		c.rank = rank
	}
	if rank == c.rank {
		gap := at.Sub(c.stepAt)
		if c.stepAt.IsZero() || !c.pure {
			gap = 0
		}
		// What is read late comes all at once: then the line's own time says
		// more. It is that of one step, but the lines may be further apart.
		told := time.Duration(s.StepMS * float64(time.Millisecond))
		if n := s.GlobalStep() - c.step; c.steps > 0 && n > 1 && n < maxSteps && s.Format != logparse.FormatF0 && s.Format != logparse.FormatF1 {
			told *= time.Duration(n)
		}
		if c.steps++; c.steps > 1 { // the first one holds the compile
			c.gaps, c.paused = append(c.gaps, max(gap, told)), max(c.paused, gap)
			if len(c.gaps) > recentGaps {
				c.gaps = c.gaps[1:]
			}
		}
		c.step, c.pure = s.GlobalStep(), true
	}
	c.stepAt = at
}

func (c *clocks) look(s Signs, now time.Time) {
	if s.LogOnly {
		c.log, c.cpu = now, now // who writes, works
		c.signs, c.seen = Signs{Log: s.Log}, false
		return
	}
	if c.seen {
		if s.Log != c.signs.Log {
			c.log = now
		}
		if s.Cache != 0 && s.Cache != c.signs.Cache {
			c.cache = now
		}
		if s.Saves != 0 && s.Saves != c.signs.Saves {
			c.saveAt = now
		}
		spent, passed := s.CPU-c.signs.CPU, now.Sub(c.looked)
		// Less than before: a process has ended, and that is life too.
		if spent < 0 || spent.Seconds() >= working*passed.Seconds() && spent > 0 {
			c.cpu = now
		}
	}
	c.signs, c.looked, c.seen = s, now, true
}

// judge returns the verdict of one watchdog, nil if all is well.
func (c *clocks) judge(name Name, set Setting, now time.Time) *Verdict {
	steps := !c.stepAt.IsZero()
	before := c.began && !steps
	files := later(c.log, c.cache)
	switch name {
	case Startup:
		if before && c.phase != logparse.PhaseCompiling {
			return c.quiet(name, set, files, now, "it does not start")
		}
	case Compile:
		if !steps && c.phase == logparse.PhaseCompiling {
			return c.quiet(name, set, files, now, "the compile does not get on")
		}
	case FirstStep:
		if before && c.known && now.Sub(c.start) > set.Limit {
			return c.verdict(name, c.start, now, fmt.Sprintf("there is no step %s after the start", rough(now.Sub(c.start))))
		}
	case Stall:
		return c.stall(set, now)
	case Silence:
		// A compile says nothing for as long as it takes.
		if c.phase != logparse.PhaseCompiling && now.Sub(c.log) > set.Limit {
			return c.verdict(name, c.log, now, fmt.Sprintf("the log says nothing for %s", rough(now.Sub(c.log))))
		}
	}
	return nil
}

// quiet judges a phase that prints little: nothing may move for Idle, and
// nothing but processor time for Limit, for a loop without end uses that too.
func (c *clocks) quiet(name Name, set Setting, files, now time.Time, what string) *Verdict {
	if life := later(files, c.cpu); now.Sub(life) > set.Idle {
		return c.verdict(name, life, now, fmt.Sprintf("%s: nothing moves for %s", what, rough(now.Sub(life))))
	}
	if now.Sub(files) > set.Limit {
		return c.verdict(name, files, now, fmt.Sprintf("%s: it only uses processor time for %s", what, rough(now.Sub(files))))
	}
	return nil
}

func (c *clocks) stall(set Setting, now time.Time) *Verdict {
	if c.steps <= set.Warmup {
		return nil
	}
	since, limit := later(c.stepAt, c.backAt), set.Limit
	if now.Sub(since) <= set.Pause { // not every version says that it saves
		since = later(since, c.saveAt)
	}
	if c.phase != logparse.PhaseTraining { // saving, evaluating, exiting
		since, limit = later(since, c.log), set.Pause
	}
	usual := slices.Max(c.gaps)
	limit = max(limit, time.Duration(set.Factor*float64(usual)))
	// A model that is evaluated every thousand steps need not say so. A pause
	// that was seen before may come again, but never a long one for all times.
	limit = max(limit, min(time.Duration(pauseFactor*float64(c.paused)), set.Pause))
	if now.Sub(since) <= limit {
		return nil
	}
	what := fmt.Sprintf("no step for %s, where one takes %s at most", rough(now.Sub(since)), rough(usual))
	if c.phase != logparse.PhaseTraining {
		what = fmt.Sprintf("it is %s for %s without a word", c.phase, rough(now.Sub(since)))
	}
	return c.verdict(Stall, since, now, what)
}

// verdict adds to what is wrong which sign of life was seen last.
func (c *clocks) verdict(name Name, since, now time.Time, what string) *Verdict {
	e := Evidence{
		Rank: c.rank, Phase: c.phase, Step: c.step, Stuck: c.signs.Stuck, Suspended: c.signs.Suspended,
		LogSeconds: now.Sub(c.log).Seconds(), CPUSeconds: now.Sub(c.cpu).Seconds(),
	}
	e.Moved = "log"
	last := c.log
	if c.cpu.After(last) {
		e.Moved, last = "cpu", c.cpu
	}
	if c.stepAt.IsZero() {
		e.CacheSeconds = now.Sub(c.cache).Seconds()
		if c.cache.After(last) {
			e.Moved = "cache"
		}
	}
	more := []string{fmt.Sprintf("the log grew %s ago", rough(now.Sub(c.log))), fmt.Sprintf("processes worked %s ago", rough(now.Sub(c.cpu)))}
	if c.stepAt.IsZero() {
		more = append(more, fmt.Sprintf("the compile caches changed %s ago", rough(now.Sub(c.cache))))
	}
	if e.Stuck > 0 {
		more = append(more, fmt.Sprintf("%d processes hang in a driver or a filesystem", e.Stuck))
	}
	if e.Suspended > 0 {
		more = append(more, fmt.Sprintf("%d processes are suspended by a signal", e.Suspended))
	}
	return &Verdict{Watchdog: name, Since: since, Message: what + " (" + strings.Join(more, ", ") + ")", Evidence: e}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// rough is a duration as a person would say it.
func rough(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	case d >= time.Second:
		return d.Round(time.Second).String()
	}
	return d.Round(time.Millisecond).String()
}
