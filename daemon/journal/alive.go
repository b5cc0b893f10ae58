package journal

import "context"

// Alive returns once the journal has begun and ended a transaction: writers
// are not stuck, and the disk answers. It changes nothing.
func (j *Journal) Alive(ctx context.Context) error {
	return j.write(ctx, ordered, func(*tx) error { return nil })
}

// ForgetCalls is for a daemon that ends while code of a step does not return:
// the calls under way are no crashes.
func (j *Journal) ForgetCalls(ctx context.Context) error {
	return j.write(ctx, durable, func(t *tx) error {
		_, err := t.exec(`DELETE FROM calls`)
		return err
	})
}
