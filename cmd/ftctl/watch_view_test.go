package main

import (
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/require"

	"ftd/api"
)

func quit() tea.Msg { return tea.Quit() }

// lockedText collects text from several goroutines.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) add(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(s)
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.add(string(p))
	return len(p), nil
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// busy is a view of a job of which everything is known.
func busy(columns, rows int) *watch {
	job := trainedJob()
	job.Cards = []int{0, 1}
	t := job.Training
	t.CompileBegan, t.CompileEnded = at(6*time.Second), at(15*time.Second)
	t.Checkpoints[0].Seen = *at(30 * time.Second)
	t.Disk = &api.Disk{Free: 1 << 30, Needed: 1 << 20, Enough: true, Saves: -1}
	t.Alarms = []api.Alarm{{Watchdog: "stall", Time: *at(50 * time.Second), Message: "no step for 35 s", Action: "notify"}}
	t.OverflowSteps = 2
	job.Steps[2].Attempts[0].Started = at(3 * time.Second)
	f := &feed{cancel: func() {}, file: "train.1/rank_0.log", lines: []string{"a line", "\x1b[31mred\x1b[0m with\ta tab", "最后一行 of the log"}}
	for i, p := range losses(falling(42)...) {
		p.Overflow = ptr(i == 5 || i == 30)
		p.LR = api.Float(1e-5 * float64(i+1)).Ptr()
		f.series.add(p)
	}
	return &watch{now: *at(time.Minute), width: columns, height: rows, shown: &job, jobs: []api.Job{job}, feed: f}
}

func TestScreenOfWatch(t *testing.T) {
	golden(t, "watch-busy.txt", strings.Join(busy(100, 45).screen(), "\n")+"\n")
}

func TestScreenOfWatchSmall(t *testing.T) {
	golden(t, "watch-small.txt", strings.Join(busy(60, 16).screen(), "\n")+"\n")
}

func TestScreenOfWatchsList(t *testing.T) {
	w := &watch{now: *at(3 * time.Minute), width: 90, height: 6, jobs: jobList(), chosen: 1}
	golden(t, "watch-list.txt", strings.Join(w.screen(), "\n")+"\n")
}

// Whatever the size, no line is wider and the screen no higher.
func TestWatchFitsEveryTerminal(t *testing.T) {
	for columns := 1; columns < 130; columns += 3 {
		for rows := 1; rows < 60; rows += 2 {
			for plot := range watchPlots() {
				w := busy(columns, rows)
				w.plot = plot
				lines := w.screen()
				require.Len(t, lines, rows)
				for _, line := range lines {
					require.LessOrEqual(t, runewidth.StringWidth(line), columns, "%d×%d: %q", columns, rows, line)
				}
			}
		}
	}
}
