//go:build python && race

package pybridge_test

func init() { growsAnyway = "the race detector's own memory grows" }
