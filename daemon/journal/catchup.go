package journal

import (
	"context"
	"encoding/json"

	"ftd/api"
)

// behind is a log file that may have points which only events tell of.
type behind struct {
	source
	place
	tail
}

// catchUp is for the start: the points that a crash kept from being settled
// are taken from their events.
func (j *Journal) catchUp(ctx context.Context) error {
	return j.write(ctx, ordered, func(t *tx) error {
		// Of an older file all was stored when the next one was opened.
		rows, err := t.QueryContext(t.ctx, `SELECT max(f.id), f.job, f.attempt, f.rank, f.told,
				coalesce((SELECT max(last) FROM chunks WHERE chunks.file = f.id), -1)
			FROM files f JOIN attempts a ON a.job = f.job AND a.id = f.attempt
			WHERE a.state IN `+active+` GROUP BY f.job, f.attempt, f.rank`)
		if err != nil {
			return err
		}
		files, err := collect(rows, func() (b behind, err error) {
			return b, rows.Scan(&b.row, &b.job, &b.attempt, &b.rank, &b.told, &b.newest)
		})
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := t.catchUp(f); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) catchUp(f behind) error {
	rows, err := t.QueryContext(t.ctx, `SELECT id, data FROM (`+byJob+`) WHERE attempt = ?4 AND rank = ?5 AND type = ?6`,
		f.job, f.told, -1, f.attempt, f.rank, api.EventPoints)
	if err != nil {
		return err
	}
	told, err := collect(rows, func() (points []api.Point, err error) {
		var data []byte
		if err := rows.Scan(&f.told, &data); err != nil {
			return nil, err
		}
		return points, json.Unmarshal(data, &points)
	})
	if err != nil || len(told) == 0 {
		return err
	}
	for _, points := range told {
		f.tail, _ = f.add(&Batch{Points: points})
	}
	if _, err := t.exec(`UPDATE files SET told = ? WHERE id = ?`, f.told, f.row); err != nil || f.points.points == 0 {
		return err
	}
	_, err = t.exec(`INSERT INTO chunks (file, first, last, data) VALUES (?, ?, ?, ?)`, f.row, f.points.first, f.points.last, f.points.data)
	return err
}
