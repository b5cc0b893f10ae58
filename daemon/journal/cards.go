package journal

import (
	"context"
	"strconv"
	"strings"
)

// Lease says which cards an attempt that has not ended holds.
type Lease struct {
	Job, Name, Attempt string
	Cards              []int
}

// SetCards stores the cards that an attempt was given. It holds them until it
// has ended.
func (j *Journal) SetCards(ctx context.Context, job, attempt string, cards []int) error {
	words := make([]string, len(cards))
	for i, n := range cards {
		words[i] = strconv.Itoa(n)
	}
	return j.write(ctx, durable, func(t *tx) error {
		if err := t.must("attempt "+attempt, `UPDATE attempts SET cards = ? WHERE job = ? AND id = ?`,
			strings.Join(words, ","), job, attempt); err != nil {
			return err
		}
		return t.attemptEvent(job, attempt)
	})
}

// Leases lists the cards that are held.
func (j *Journal) Leases(ctx context.Context) ([]Lease, error) {
	rows, err := j.reader.QueryContext(ctx, `SELECT job, name, attempts.id, cards FROM attempts JOIN jobs ON jobs.id = job
		WHERE attempts.state IN `+active+` AND jobs.state IN `+active+` AND cards != ''`)
	if err != nil {
		return nil, describe(err)
	}
	return collect(rows, func() (Lease, error) {
		var l Lease
		var cards string
		err := rows.Scan(&l.Job, &l.Name, &l.Attempt, &cards)
		if err == nil {
			l.Cards, err = cardList(cards)
		}
		return l, err
	})
}

// cardList reads a column cards.
func cardList(text string) (list []int, err error) {
	if text == "" {
		return nil, nil
	}
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(word)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}
