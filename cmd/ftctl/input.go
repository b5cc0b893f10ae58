package main

import (
	"context"
	"io"
)

// readInput reads all of standard input, or gives up when ctx ends: a read
// from a terminal cannot be interrupted, and Ctrl-C must work all the same.
func readInput(ctx context.Context, in io.Reader) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := io.ReadAll(in)
		done <- result{data, err}
	}()
	select {
	case r := <-done:
		return r.data, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
