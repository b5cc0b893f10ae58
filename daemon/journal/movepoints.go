package journal

import (
	"database/sql"

	"ftd/api"
)

// movedTogether is how many points of the table points become one chunk.
const movedTogether = 500

// movePoints makes chunks of the table points, which version 1 had: a row for
// each point. A number that is not finite is the text that JSON has for it
// there.
func movePoints(t *tx) error {
	rows, err := t.QueryContext(t.ctx, `SELECT file, offset, time, epoch, epochs, step, total, global_step, loss, lr, step_ms, overflow, loss_scale, global_norm
		FROM points ORDER BY file, offset`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var file int64
	var gathered chunk
	flush := func() error {
		if gathered.points == 0 {
			return nil
		}
		_, err := t.exec(`INSERT INTO chunks (file, first, last, data) VALUES (?, ?, ?, ?)`, file, gathered.first, gathered.last, gathered.data)
		gathered = chunk{}
		return err
	}
	for rows.Next() {
		var of int64
		p, err := scanPoint(rows, &of)
		if err != nil {
			return err
		}
		if of != file || gathered.points == movedTogether {
			if err := flush(); err != nil {
				return err
			}
			file = of
		}
		gathered = gathered.with(&p)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := flush(); err != nil {
		return err
	}
	_, err = t.exec(`DROP TABLE points`)
	return err
}

func scanPoint(r row, file *int64) (api.Point, error) {
	var p api.Point
	var at int64
	var loss, lr, stepMS, scale, norm number
	var overflow sql.NullBool
	err := r.Scan(file, &p.Offset, &at, &p.Epoch, &p.Epochs, &p.Step, &p.Total, &p.GlobalStep, &loss, &lr, &stepMS, &overflow, &scale, &norm)
	p.Time, p.Loss, p.StepMS = moment(at), loss.must(), stepMS.must()
	p.LR, p.LossScale, p.GlobalNorm = lr.f, scale.f, norm.f
	if overflow.Valid {
		p.Overflow = &overflow.Bool
	}
	return p, err
}
