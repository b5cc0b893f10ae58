package main

import (
	"bufio"
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"ftd/api"
)

// watchLines is how much of the log's end is kept: more than a screen shows.
const watchLines = 200

// feed collects what one job's view shows and asking every half second would
// be too slow or too much for: its points and the end of its log.
type feed struct {
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex
	series series
	file   string // that the last line came from
	lines  []string
	err    error
}

func newFeed(ctx context.Context, client *api.Client, job string) *feed {
	ctx, cancel := context.WithCancel(ctx)
	f := &feed{cancel: cancel}
	lasting := &api.Client{Socket: client.Socket, Version: client.Version, Wait: 2 * time.Second}
	f.begin(func() { defer lasting.Close(); f.follow(ctx, func() error { return f.readPoints(ctx, lasting, job) }) })
	f.begin(func() { f.follow(ctx, func() error { return f.readLog(ctx, lasting, job) }) })
	return f
}

// begin runs work; a panic in it is kept, for the screen to end in order.
func (f *feed) begin(work func()) {
	f.work.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.err = api.Errorf(api.CodeInternal, "ftctl made a mistake: %v\n%s", v, debug.Stack()).
					WithRemedy("please report it; the job goes on, see: ftctl ps")
			}
		}()
		work()
	})
}

// follow reads to the end, and again after a daemon that was killed.
func (f *feed) follow(ctx context.Context, read func() error) {
	for {
		if err := read(); err == nil || ctx.Err() != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(watchEvery):
		}
	}
}

func (f *feed) readPoints(ctx context.Context, client *api.Client, id string) error {
	job, err := client.Job(ctx, id)
	if err != nil {
		return err
	}
	var points []api.Point
	for p, err := range client.Points(ctx, job.ID, api.PointsQuery{}) {
		if err != nil {
			return err
		}
		points = append(points, p)
	}
	f.mu.Lock()
	f.series = series{}
	f.mu.Unlock()
	f.add(points)
	if job.Over() {
		return nil
	}
	for e, err := range client.Events(ctx, api.EventsQuery{After: job.Event, Job: job.ID, Follow: true}) {
		if err != nil {
			return err
		}
		switch e.Type {
		case api.EventPoints:
			points, _ := data[[]api.Point](e)
			f.add(points)
		case api.EventJob:
			if j, ok := data[api.Job](e); ok && j.Over() {
				return nil
			}
		}
	}
	return ctx.Err()
}

func (f *feed) add(points []api.Point) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range points {
		f.series.add(p)
	}
}

func (f *feed) readLog(ctx context.Context, client *api.Client, job string) error {
	text, err := openPatientLog(ctx, client, job, api.LogsQuery{Follow: true, Tail: watchLines}, nil)
	if err != nil {
		return err
	}
	defer text.Close()
	f.mu.Lock()
	f.file, f.lines = "", nil
	f.mu.Unlock()
	lines := bufio.NewReader(text)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			f.line(strings.TrimSuffix(line, "\n"))
		}
		if err != nil {
			if state, again := client.Job(ctx, job); again == nil && state.Over() {
				return nil
			}
			return fmt.Errorf("the log broke off: %w", err)
		}
	}
}

func (f *feed) line(line string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if name, ok := fileMark(line); ok {
		f.file = name
		return
	}
	if f.lines = append(f.lines, line); len(f.lines) > 2*watchLines {
		f.lines = append([]string(nil), f.lines[len(f.lines)-watchLines:]...)
	}
}

// tail is the end of the log, at most n lines, and the file it is from.
func (f *feed) tail(n int) (file string, lines []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file, append(lines, f.lines[max(len(f.lines)-max(n, 0), 0):]...)
}

// points calls use with all points; use must not keep them.
func (f *feed) points(use func([]api.Point)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	use(f.series.points)
}

func (f *feed) broken() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// close ends the reading and waits for it.
func (f *feed) close() {
	f.cancel()
	f.work.Wait()
}
