package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"ftd/api"
)

// followLoss prints the points there are, and then each one as it comes.
func followLoss(c *cobra.Command, client *api.Client, o lossOptions, id string) error {
	ctx := c.Context()
	job, err := client.Job(ctx, id)
	if err != nil {
		return err
	}
	var all series
	show, err := newLossView(c, o)
	if err != nil {
		return err
	}
	add := func(p api.Point) error {
		if !all.add(p) {
			return nil
		}
		return show.point(&p, all.points)
	}
	// The job was read before its points: events after it are complete, and
	// the series leaves out what both hold.
	for p, err := range client.Points(ctx, job.ID, api.PointsQuery{}) {
		if err != nil {
			return err
		}
		if err := add(p); err != nil {
			return err
		}
	}
	if err := show.pause(all.points); err != nil || job.Over() {
		return err
	}
	lasting := patient(client)
	defer lasting.Close()
	away := once{f: func() { say(c, awayText) }}
	for e, err := range patientEvents(ctx, lasting, api.EventsQuery{After: job.Event, Job: job.ID, Follow: true}, away.call) {
		if err != nil {
			return err
		}
		away.done = false
		switch e.Type {
		case api.EventPoints:
			points, _ := data[[]api.Point](e)
			for _, p := range points {
				if err := add(p); err != nil {
					return err
				}
			}
			if err := show.pause(all.points); err != nil {
				return err
			}
		case api.EventJob:
			if j, ok := data[api.Job](e); ok && j.Over() {
				return nil
			}
		}
	}
	return ctx.Err()
}

// A lossView is where points go as they come.
type lossView interface {
	point(p *api.Point, all []api.Point) error
	// pause is called when there is nothing further at the moment.
	pause(all []api.Point) error
}

func newLossView(c *cobra.Command, o lossOptions) (lossView, error) {
	w := c.OutOrStdout()
	if !o.plot {
		return &lossLines{newPointWriter(w, output(c))}, nil
	}
	if !isTerminal(w) {
		return nil, usageError("leave out -f for one picture", "a picture can only be followed on a terminal")
	}
	return &lossPicture{w: w, width: func() int { return terminalWidth(w) }}, nil
}

// lossLines prints each point once.
type lossLines struct{ *pointWriter }

func (l *lossLines) point(p *api.Point, _ []api.Point) error { return l.write(p) }

func (l *lossLines) pause([]api.Point) error { return l.flush() }

// lossPicture draws the picture again over the last one.
type lossPicture struct {
	w     io.Writer
	width func() int
	rows  int // that the last picture takes
}

func (l *lossPicture) point(*api.Point, []api.Point) error { return nil }

func (l *lossPicture) pause(all []api.Point) error {
	picture := lossPlot(all, l.width())
	if picture == "" {
		return nil
	}
	last := all[len(all)-1]
	picture += fmt.Sprintf("\nstep %d  loss %s", last.GlobalStep, number(last.Loss))
	var up string
	if l.rows > 0 {
		up = fmt.Sprintf("\x1b[%dA\r\x1b[J", l.rows)
	}
	l.rows = strings.Count(picture, "\n") + 1
	_, err := fmt.Fprintln(l.w, up+picture)
	return err
}
