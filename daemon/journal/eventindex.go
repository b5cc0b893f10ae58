package journal

// The events of a job are found by the table job_events. It is no index of
// SQLite, which would be changed with every event: with a hundred trainings
// that is a page for each of them fifteen times a second, and most of what a
// commit writes. Instead it is brought up to date about once a second, and the
// events since are looked through.

// byJob selects the events of job ?1 after ?2, at most ?3, in their order.
const byJob = `SELECT event AS id, time, e.job, step, attempt, rank, type, data
		FROM job_events i CROSS JOIN events e ON e.id = i.event WHERE i.job = ?1 AND event > ?2
	UNION ALL
	SELECT ` + eventColumns + `
		FROM events WHERE id > max(?2, (SELECT event FROM indexed)) AND job = ?1
	ORDER BY id LIMIT ?3`

// indexEvents brings job_events up to date.
func (t *tx) indexEvents() error {
	if _, err := t.exec(`INSERT INTO job_events SELECT job, id FROM events WHERE id > (SELECT event FROM indexed) ORDER BY job, id`); err != nil {
		return err
	}
	_, err := t.exec(`UPDATE indexed SET event = (SELECT seq FROM sqlite_sequence WHERE name = 'events')`)
	return err
}
