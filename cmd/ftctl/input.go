package main

import (
	"bufio"
	"context"
	"io"
)

// readInput reads all of standard input, or gives up when ctx ends.
func readInput(ctx context.Context, in io.Reader) ([]byte, error) {
	return whileWaiting(ctx, func() ([]byte, error) { return io.ReadAll(in) })
}

// readLine reads a line that a person types, or gives up when ctx ends.
func readLine(ctx context.Context, in io.Reader) (string, error) {
	return whileWaiting(ctx, func() (string, error) { return bufio.NewReader(in).ReadString('\n') })
}

// whileWaiting gives up when ctx ends: a read from a terminal cannot be
// interrupted, and Ctrl-C must work all the same.
func whileWaiting[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		read T
		err  error
	}
	done := make(chan result, 1)
	go func() {
		v, err := read()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.read, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
