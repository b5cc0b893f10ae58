package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// golden compares what a person would see with testdata/NAME.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test ./cmd/ftctl -update writes it")
	require.Equal(t, string(want), got)
}

// noon is when the stories of the tests are told.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at is so long after noon.
func at(d time.Duration) *time.Time {
	t := noon.Add(d)
	return &t
}

func ptr[T any](v T) *T { return &v }

// trainedJob is a job of three steps in the middle of its training.
func trainedJob() api.Job {
	return api.Job{
		ID: "01k9xq4t8m2v7b3n5c6d8f9g0h", Name: "first-try", Recipe: "tiny-llama", State: api.StateRunning,
		Created: noon, Started: at(time.Second), Dir: "/state/runs/01k9xq4t8m2v7b3n5c6d8f9g0h",
		Vars: map[string]string{"steps": "100", "rows": "200"},
		Steps: []api.Step{
			{ID: "tokenizer", Uses: "tokenizer", State: api.StateSucceeded, Started: at(time.Second), Ended: at(2300 * time.Millisecond)},
			{ID: "convert", Uses: "convert", State: api.StateSkipped},
			{ID: "train", Uses: "train", State: api.StateRunning, Started: at(3 * time.Second),
				Attempts: []api.Attempt{{ID: "train.1", Step: "train", Number: 1, State: api.StateRunning, PID: 4711}}},
		},
		Training: &api.Training{
			Attempt: "train.1", Phase: api.PhaseTraining, PhaseSince: *at(15 * time.Second),
			StepsDone: 42, StepsTotal: 100, StepSeconds: 0.031, SamplesPerSec: 18.2, SecondsLeft: api.Float(1.798).Ptr(),
			Last: &api.Point{Attempt: "train.1", GlobalStep: 42, Step: 42, Total: 100, Loss: 5.312, StepMS: 31},
			Checkpoints: []api.Checkpoint{{
				Path: "/state/runs/j/train.1/output/checkpoint/rank_0/llama-40_1.ckpt", Format: "ckpt",
				Bytes: 1_400_000, Tensors: 112, Step: 40, Complete: true,
			}},
		},
	}
}

// endedJob is trainedJob after its end.
func endedJob(state api.State, failure *api.Error) api.Job {
	j := trainedJob()
	j.State, j.Ended, j.Error = state, at(40*time.Second), failure
	j.Steps[2].State, j.Steps[2].Ended = state, at(40*time.Second)
	j.Steps[2].Attempts[0].ExitCode = ptr(0)
	if failure != nil {
		j.Steps[2].Attempts[0].ExitCode = ptr(1)
	}
	return j
}

// losses makes points whose losses are as given.
func losses(values ...api.Float) []api.Point {
	var points []api.Point
	for i, v := range values {
		n := int64(i + 1)
		points = append(points, api.Point{Attempt: "train.1", Time: *at(time.Duration(i) * time.Second), Epoch: 1, Epochs: 1,
			Step: n, Total: int64(len(values)), GlobalStep: n, Loss: v, LR: api.Float(1e-5).Ptr(), StepMS: 31,
			Overflow: ptr(false), LossScale: api.Float(4096).Ptr(), Offset: n * 100})
	}
	return points
}
