package launcher

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/checkpoint"
	"ftd/logparse"
)

// journal is an observer that keeps all it is told in one file, written anew
// and renamed at each batch: a transaction, as the daemon's is.
type journal struct {
	path string

	mu     sync.Mutex
	stored stored
	told   chan struct{} // gets something after each change, if there is room
}

type stored struct {
	Positions   map[int]Position
	Steps       []stepKey
	Kinds       []logparse.Kind
	Problems    []string
	Checkpoints []string
	Batches     int
}

// stepKey is a training point as the daemon stores it.
type stepKey struct {
	Rank   int
	File   FileID
	Offset int64
	Step   int64
}

func openJournal(path string) (*journal, error) {
	j := &journal{path: path, stored: stored{Positions: map[int]Position{}}, told: make(chan struct{}, 1)}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &j.stored)
	}
	return j, err
}

// memory is a journal for one process.
func memory() *journal {
	return &journal{stored: stored{Positions: map[int]Position{}}, told: make(chan struct{}, 1)}
}

func (j *journal) Position(_ context.Context, rank int) (Position, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.stored.Positions[rank], nil
}

func (j *journal) Batch(_ context.Context, b Batch) error {
	return j.change(func(s *stored) {
		s.Batches++
		s.Positions[b.Rank] = Position{File: b.File, Offset: b.Offset, Parser: b.Parser}
		for _, r := range b.Records {
			s.Kinds = append(s.Kinds, r.Kind)
			switch r.Kind {
			case logparse.KindStep:
				s.Steps = append(s.Steps, stepKey{b.Rank, b.File, r.Offset, r.Step.GlobalStep()})
			case logparse.KindProblem:
				s.Problems = append(s.Problems, r.Problem.Signature.ID)
			}
		}
	})
}

func (j *journal) Checkpoint(_ context.Context, v checkpoint.Verdict, _ int) error {
	return j.change(func(s *stored) {
		if v.Complete && !slices.Contains(s.Checkpoints, v.Path) {
			s.Checkpoints = append(s.Checkpoints, v.Path)
		}
	})
}

func (j *journal) change(change func(*stored)) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	change(&j.stored)
	defer func() {
		select {
		case j.told <- struct{}{}:
		default:
		}
	}()
	if j.path == "" {
		return nil
	}
	data, err := json.Marshal(j.stored)
	if err == nil {
		err = os.WriteFile(j.path+".tmp", data, 0o600)
	}
	if err == nil {
		err = os.Rename(j.path+".tmp", j.path)
	}
	return err
}

// now returns a copy of what is stored.
func (j *journal) now() stored {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.stored
	s.Steps, s.Kinds = slices.Clone(s.Steps), slices.Clone(s.Kinds)
	s.Problems, s.Checkpoints = slices.Clone(s.Problems), slices.Clone(s.Checkpoints)
	return s
}

// stepsOnce checks that each step from first to last is there once, in order.
func stepsOnce(t *testing.T, s stored, first, last int64) {
	t.Helper()
	var got, want []int64
	seen := map[stepKey]bool{}
	for _, k := range s.Steps {
		require.False(t, seen[k], "%v is there twice", k)
		seen[k] = true
		got = append(got, k.Step)
	}
	for n := first; n <= last; n++ {
		want = append(want, n)
	}
	require.Equal(t, want, got)
}
