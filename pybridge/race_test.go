//go:build python && race

package pybridge_test

func init() { raceDetector = true }
