package cards

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ftd/launcher/devices"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// driver is what npu-smi would show.
type driver struct {
	mu    sync.Mutex
	shown []devices.Device
	err   error
}

func (d *driver) set(err error, words ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shown, _ = machine(words...)
	d.err = err
}

func (d *driver) look(context.Context) (devices.Snapshot, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return devices.Snapshot{Devices: append([]devices.Device(nil), d.shown...)}, d.err
}

func running(t *testing.T, c Config, leases ...Lease) *Pool {
	t.Helper()
	c.Every, c.Tell, c.Log = time.Millisecond, time.Nanosecond, zerolog.New(zerolog.NewTestWriter(t))
	p := New(c)
	for _, l := range leases {
		p.Restore(l)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { p.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return p
}

// taking asks in a goroutine of its own; the channel gets the answer.
func taking(ctx context.Context, p *Pool, r Request, told chan<- Waiting) <-chan outcome {
	got := make(chan outcome, 1)
	go func() {
		cards, err := p.Take(ctx, r, func(w Waiting) {
			select {
			case told <- w:
			default:
			}
		})
		got <- outcome{cards, err}
	}()
	return got
}

func TestCardsPassFromOneToTheNext(t *testing.T) {
	d := &driver{}
	d.set(nil, "OK", "OK")
	p := running(t, Config{Look: d.look})
	a := <-taking(t.Context(), p, Request{Job: "a", Name: "first", Attempt: "train.1", Count: 2}, nil)
	require.Equal(t, outcome{[]int{0, 1}, nil}, a)
	again, err := p.Take(t.Context(), Request{Job: "a", Attempt: "train.1", Count: 1}, nil)
	require.NoError(t, err)
	require.Equal(t, []int{0, 1}, again, "what it holds already")

	told := make(chan Waiting, 100)
	b := taking(t.Context(), p, Request{Job: "b", Name: "second", Attempt: "train.1", Count: 1}, told)
	w := <-told
	require.Equal(t, 1, w.Position)
	require.Equal(t, "it needs a card: card 0 is held by the job first (a), card 1 is held by the job first (a)", w.Reason)
	// One with a higher priority goes first.
	toldC := make(chan Waiting, 100)
	c := taking(t.Context(), p, Request{Job: "c", Name: "third", Attempt: "train.1", Count: 2, Priority: 1}, toldC)
	require.Equal(t, 1, (<-toldC).Position)
	require.Equal(t, 2, (<-told).Position)
	n, oldest := p.Line()
	require.Equal(t, 2, n)
	require.Equal(t, w.Since, oldest)
	require.Equal(t, []int{0, 1}, p.HeldBy("a"))
	now, ok := p.WaitingOf("b")
	require.True(t, ok)
	require.Equal(t, 2, now.Position)

	p.Release("a", "train.1")
	require.Equal(t, outcome{[]int{0, 1}, nil}, <-c)
	p.Release("c", "train.1")
	require.Equal(t, outcome{[]int{0}, nil}, <-b)
	require.Equal(t, []int{0}, p.HeldBy("b"))
}

func TestCardsOfStrangersAreWaitedFor(t *testing.T) {
	d := &driver{}
	d.set(nil, "?")
	p := running(t, Config{Look: d.look})
	told := make(chan Waiting, 100)
	got := taking(t.Context(), p, Request{Job: "a", Name: "a", Attempt: "train.1", Count: 1}, told)
	require.Equal(t, "it needs a card: card 0 is used by process 7 (vim)", (<-told).Reason)
	d.set(&devices.Error{Code: devices.CodeHangs, Message: "npu-smi hangs", Remedy: "restart"})
	require.Equal(t, "npu-smi hangs; restart (with the setting cards: off nobody waits for cards)", (<-told).Reason)
	_, err := p.Cards()
	require.ErrorContains(t, err, "npu-smi hangs")
	d.set(nil, "OK")
	require.Equal(t, outcome{[]int{0}, nil}, <-got)
}

func TestARestoredLeaseIsHeld(t *testing.T) {
	d := &driver{}
	d.set(nil, "?", "OK")
	p := running(t, Config{Look: d.look}, Lease{Job: "old", Name: "old", Attempt: "train.2", Cards: []int{0}})
	require.Equal(t, outcome{[]int{1}, nil}, <-taking(t.Context(), p, Request{Job: "new", Attempt: "train.1", Count: 1}, nil))
	require.Equal(t, []int{0}, p.HeldBy("old"))
	cards, err := p.Cards()
	require.NoError(t, err)
	require.Equal(t, "old", cards[0].Job)
}

func TestWhatCanNeverBeHadIsSaidAtOnce(t *testing.T) {
	d := &driver{}
	d.set(nil, "OK", "OK", "OK")
	p := running(t, Config{Look: d.look, Only: []int{0, 2}})
	for _, r := range []Request{{Job: "a", Count: 3}, {Job: "b", Only: []int{1}}} {
		o := <-taking(t.Context(), p, r, nil)
		var never *Error
		require.True(t, errors.As(o.err, &never), "%v", o.err)
	}
	require.Equal(t, outcome{[]int{0, 2}, nil}, <-taking(t.Context(), p, Request{Job: "c", Count: 2}, nil))
}

func TestACardThatFellOffTheBusIsWaitedFor(t *testing.T) {
	d := &driver{}
	d.set(nil, "OK", "OK")
	p := running(t, Config{Look: d.look})
	require.Equal(t, []int{0, 1}, (<-taking(t.Context(), p, Request{Job: "a", Attempt: "1", Count: 2}, nil)).cards)
	d.set(nil, "OK")
	p.Release("a", "1")
	told := make(chan Waiting, 100)
	b := taking(t.Context(), p, Request{Job: "b", Attempt: "1", Count: 2}, told)
	require.Equal(t, "it needs 2 cards, and 1 can be had: card 1 is not shown by npu-smi", (<-told).Reason)
	d.set(nil, "OK", "OK")
	require.Equal(t, outcome{[]int{0, 1}, nil}, <-b)
}

// A reason may change at each look; whoever waits for days is not told each time.
func TestReasonsAreToldNowAndThen(t *testing.T) {
	p := New(Config{Look: func(context.Context) (devices.Snapshot, error) { return devices.Snapshot{}, nil }})
	told := 0
	p.line = []*waiter{{Request: Request{Job: "a", Count: 1}, reason: "one", tell: func(Waiting) { told++ }}}
	tellAll := func() {
		for _, tell := range p.changed() {
			tell()
		}
	}
	tellAll()
	p.line[0].reason = "two"
	tellAll()
	require.Equal(t, 1, told)
	p.line[0].toldAt = time.Now().Add(-2 * p.Tell)
	tellAll()
	require.Equal(t, 2, told)
	p.line = append([]*waiter{{Request: Request{Job: "b", Count: 1}}}, p.line...)
	tellAll()
	require.Equal(t, 3, told, "another position is told at once")
}

func TestWhoeverGivesUpHoldsNothing(t *testing.T) {
	p := running(t, Config{Only: []int{0}})
	require.Equal(t, outcome{[]int{0}, nil}, <-taking(t.Context(), p, Request{Job: "a", Attempt: "1", Count: 1}, nil), "trusted, not looked at")
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	told := make(chan Waiting, 100)
	b := taking(ctx, p, Request{Job: "b", Attempt: "1", Count: 1}, told)
	<-told
	cancel(stop)
	require.ErrorIs(t, (<-b).err, stop)
	p.Release("a", "1")
	require.Equal(t, outcome{[]int{0}, nil}, <-taking(t.Context(), p, Request{Job: "c", Attempt: "1", Count: 1}, nil))
	require.NoError(t, p.AwaitFree(t.Context(), "c"))
}

func TestMemoryThatStaysInUseIsReported(t *testing.T) {
	d := &driver{}
	d.set(nil, "OK")
	left := make(chan string, 1)
	p := running(t, Config{Look: d.look, Linger: 20 * time.Millisecond, Left: func(l Lease, o *devices.Occupied) { left <- l.Job + ": " + o.Error() }})
	<-taking(t.Context(), p, Request{Job: "a", Attempt: "1", Count: 1}, nil)
	d.set(nil, "?")
	p.Release("a", "1")
	// Where strangers are ignored, nobody waits for them to go.
	q := running(t, Config{Look: d.look, Ignore: true})
	require.Equal(t, []int{0}, (<-taking(t.Context(), q, Request{Job: "b", Attempt: "1", Count: 1}, nil)).cards)
	require.NoError(t, q.AwaitFree(t.Context(), "b"))
	require.Equal(t, "a: card 0 is still used by process 7 (vim) (0 of 0 MB)", <-left)
}

// Whatever comes and goes: no card is ever held twice.
func TestNoCardIsHeldTwice(t *testing.T) {
	d := &driver{}
	d.set(nil, "OK", "OK", "OK", "OK")
	p := running(t, Config{Look: d.look})
	var mu sync.Mutex
	users := map[int]string{}
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			name := string(rune('A' + i))
			cards, err := p.Take(t.Context(), Request{Job: name, Name: name, Attempt: "1", Count: 1 + i%4, Priority: i % 3}, nil)
			mu.Lock()
			for _, id := range cards {
				if users[id] != "" || err != nil {
					t.Errorf("card %d: %s and %s, %v", id, users[id], name, err)
				}
				users[id] = name
			}
			mu.Unlock()
			mu.Lock()
			for _, id := range cards {
				delete(users, id)
			}
			mu.Unlock()
			p.Release(name, "1")
		})
	}
	all.Wait()
}
