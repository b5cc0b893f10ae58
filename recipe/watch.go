package recipe

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"ftd/checkpoint"
	"ftd/launcher"
	"ftd/launcher/watchdog"
	"ftd/logparse"
)

// A look reads /proc, so it is rare; settings below a minute ask for more.
const (
	lookEvery  = 15 * time.Second
	lookAtMost = 50 * time.Millisecond
)

// watch lets the watchdogs look at a training while it is followed, and does
// what they are set to.
type watch struct {
	step     *StepContext
	run      *launcher.Run
	settings watchdog.Settings
	// halt gets the alarm that is to end the training; there is one.
	halt chan Alarm
	// dead is told which process's end is the end of the training.
	dead chan string
	// keeper looks after checkpoints and the disk.
	keeper *keeper

	mu      sync.Mutex
	guard   *watchdog.Guard
	storing bool // the observer is at work on a batch: nothing more is read
	found   []watchdog.Verdict
}

func newWatch(s *StepContext, run *launcher.Run, settings watchdog.Settings, k *keeper) *watch {
	// Only who has launched it saw it begin.
	w := &watch{keeper: k, step: s, run: run, settings: settings, halt: make(chan Alarm, 1),
		dead:  make(chan string, 1),
		guard: watchdog.New(settings, time.Now(), !s.Attempt.Resumed)}
	k.raise = w.raise
	if a, ok := recallHalt(s.Attempt.Dir); ok && s.Attempt.Resumed {
		w.halt <- a // and goes on being ended
	}
	return w
}

// interval is how often the watchdogs look.
func (w *watch) interval() time.Duration {
	shortest := 4 * lookEvery
	for _, s := range w.settings {
		for _, d := range []time.Duration{s.Idle, s.Limit, s.Pause} {
			if d > 0 {
				shortest = min(shortest, d)
			}
		}
	}
	return max(shortest/4, lookAtMost)
}

// until looks until ctx ends, and once more then: the last lines of a log may
// say that it was all for nothing.
func (w *watch) until(ctx context.Context) {
	kept := make(chan struct{})
	go func() { w.keeper.until(ctx); close(kept) }()
	defer func() { <-kept }()
	if w.step.Attempt.Resumed {
		w.recall(ctx)
	}
	tick := time.NewTicker(w.interval())
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			w.act(context.WithoutCancel(ctx))
			return
		case <-tick.C:
			w.look()
			w.act(ctx)
		}
	}
}

// look asks the clocks. While a batch cannot be stored, because the disk is
// full for example, nothing is known of the training and nothing is said.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.storing {
		return
	}
	signs, err := w.run.Signs(w.guard.Log(), w.guard.BeforeSteps())
	if err != nil {
		return // of this program's own trouble the watchdogs do not speak
	}
	w.found = append(w.found, w.guard.Look(signs, time.Now())...)
}

// act tells what was found, and dumps and halts where that is asked for.
func (w *watch) act(ctx context.Context) {
	w.mu.Lock()
	found := w.found
	w.found = nil
	w.mu.Unlock()
	for _, v := range found {
		a := Alarm{Verdict: v, Action: w.settings[v.Watchdog].Action}
		if a.Action != watchdog.Notify {
			var err error
			if a.Dump, err = w.run.Dump(ctx); err != nil {
				w.step.Host.Output(w.step.Step.ID, fmt.Sprintf("no dump could be written: %v", err))
			}
		}
		w.raise(ctx, a)
	}
}

// raise tells of an alarm, and halts the training if that is asked for.
func (w *watch) raise(ctx context.Context, a Alarm) {
	// First what is urgent: storing waits as long as the disk is full.
	if a.Action == watchdog.Stop || a.Action == watchdog.Restart {
		if err := keepHalt(w.step.Attempt.Dir, a); err != nil {
			w.step.Host.Output(w.step.Step.ID, fmt.Sprintf("the next daemon would not know why the training is ended: %v", err))
		}
		select {
		case w.halt <- a:
		default: // it is being ended already
		}
	}
	if err := w.step.Host.Alarm(ctx, w.step.Attempt.ID, a); err != nil {
		w.step.Host.Output(w.step.Step.ID, fmt.Sprintf("the watchdog %s says: %s (this could not be stored: %v)", a.Watchdog, a.Message, err))
	}
}

// observer is o with the watchdogs looking on.
func (w *watch) observer(o launcher.Observer) launcher.Observer { return &watchedObserver{o, w} }

type watchedObserver struct {
	launcher.Observer
	watch *watch
}

// Batch shows the watchdogs what was stored: a batch that was not comes again.
func (o *watchedObserver) Batch(ctx context.Context, b launcher.Batch) error {
	o.watch.setStoring(true)
	defer o.watch.setStoring(false)
	if err := o.Observer.Batch(ctx, b); err != nil {
		return err
	}
	o.watch.workers(b)
	o.watch.mu.Lock()
	defer o.watch.mu.Unlock()
	for i := range b.Records {
		o.watch.found = append(o.watch.found, o.watch.guard.Record(b.Rank, &b.Records[i], b.Read)...)
		o.watch.keeper.stepped(&b.Records[i])
	}
	return nil
}

// Checkpoint shows the keeper what was stored.
func (o *watchedObserver) Checkpoint(ctx context.Context, v checkpoint.Verdict, rank int) error {
	if err := o.Observer.Checkpoint(ctx, v, rank); err != nil {
		return err
	}
	o.watch.keeper.saved()
	return nil
}

// workers looks whether the launcher or its scheduler says that a process has
// failed without which the others only wait: msrun tells of it at once, and
// then waits half a minute for the scheduler to notice; and if the scheduler
// has no port, the workers try for ten. What a log says of a worker is
// believed only if the process is gone.
func (w *watch) workers(b launcher.Batch) {
	if b.Rank >= 0 {
		return
	}
	for i := range b.Records {
		r := &b.Records[i]
		if r.Kind != logparse.KindProblem {
			continue
		}
		says := ""
		if f, ok := w.run.WorkerFailure(r.Problem); ok && !w.run.Works(f.PID) {
			says = nameOf(f) + " " + f.How()
		} else if b.Rank == launcher.SchedulerRank && r.Problem.Signature != nil && r.Problem.Signature.ID == portBusy {
			says = "the scheduler's port is taken"
		}
		if says != "" {
			w.died(says)
		}
	}
}

// died lets the training be ended because of a worker.
func (w *watch) died(says string) {
	select {
	case w.dead <- says:
	default: // it is being ended already
	}
}

// portBusy is the error signature of a scheduler that cannot listen.
const portBusy = "scheduler-port-busy"

func (w *watch) setStoring(storing bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.storing = storing
}

// halted is the problem of a training that a watchdog has ended.
func halted(run *launcher.Run, a Alarm) *Problem {
	p := &Problem{
		Code:      CodeWatchdog,
		Message:   fmt.Sprintf("the watchdog %s ended the training: %s", a.Watchdog, a.Message),
		Remedy:    cmp.Or(a.Remedy, "look at the end of its log"),
		Source:    run.Log(),
		Excerpt:   lastLines(run.Log()),
		permanent: a.Action != watchdog.Restart,
	}
	if a.Watchdog == Disk {
		p.Code, p.Remedy = CodeDiskFull, diskRemedy
	}
	if a.Dump != "" && a.Remedy == "" {
		p.Remedy = "look into " + a.Dump + ": stacks, states of the processes and the end of the log"
	}
	return p
}
