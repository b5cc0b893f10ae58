package devices

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// standIn is npu-smi with a file of cards beside it.
func standIn(t *testing.T, cards string) (dir, program string) {
	t.Helper()
	dir = t.TempDir()
	text, err := os.ReadFile("../../testdata/npu-smi/npu-smi")
	require.NoError(t, err)
	program = filepath.Join(dir, "npu-smi")
	require.NoError(t, os.WriteFile(program, text, 0o700))
	write(t, filepath.Join(dir, "cards"), cards)
	return dir, program
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func TestLook(t *testing.T) {
	dir, program := standIn(t, "card 2 OK 3379\ncard 0 Alarm 3380\nprocess 2 4711 python3 50000\n")
	for _, n := range []string{"davinci1", "davinci5", "davinci_manager"} {
		write(t, filepath.Join(dir, n), "")
	}
	s := &SMI{Path: program, Files: filepath.Join(dir, "davinci")}
	shot, err := s.Look(t.Context())
	require.NoError(t, err)
	require.Len(t, shot.Devices, 2)
	require.Equal(t, "0: 0/0 davinci1 910B3 Alarm 91.5W 37C 3380/65536", words(shot.Devices[0]))
	require.Equal(t, `2: 2/0 davinci5 910B3 OK 91.5W 37C 3379/65536 [4711 0 "python3" 50000]`, words(shot.Devices[1]))
}

func TestNPUSMIThatHangsIsKilled(t *testing.T) {
	dir, program := standIn(t, "card 0 OK 3379\n")
	write(t, filepath.Join(dir, "hang"), "")
	s := &SMI{Path: program, Timeout: 50 * time.Millisecond}
	_, err := s.Look(t.Context())
	var known *Error
	require.True(t, errors.As(err, &known))
	require.Equal(t, CodeHangs, known.Code)
	require.ErrorContains(t, err, "no answer within 50ms")

	require.NoError(t, os.Remove(filepath.Join(dir, "hang")))
	s.Timeout = 0
	_, err = s.Look(t.Context())
	require.NoError(t, err, "it is asked again")

	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	_, err = s.Look(ctx)
	require.ErrorIs(t, err, stop)
}

func TestACallThatCannotBeKilledIsNotJoinedByAnother(t *testing.T) {
	_, program := standIn(t, "card 0 OK 3379\n")
	hung := &call{done: make(chan struct{})}
	s := &SMI{Path: program, stuck: hung}
	_, err := s.Look(t.Context())
	require.ErrorContains(t, err, "cannot be killed")
	close(hung.done)
	_, err = s.Look(t.Context())
	require.NoError(t, err)
}

func TestNPUSMIThatFails(t *testing.T) {
	dir, program := standIn(t, "")
	write(t, filepath.Join(dir, "says"), sample(t, "fails-driver.txt"))
	var known *Error
	_, err := (&SMI{Path: program}).Look(t.Context())
	require.True(t, errors.As(err, &known))
	require.Equal(t, CodeDriver, known.Code)
	_, err = (&SMI{Path: filepath.Join(dir, "absent")}).Look(t.Context())
	require.True(t, errors.As(err, &known))
	require.Equal(t, CodeMissing, known.Code)
}

func TestHoldersOfTheFilesAreFound(t *testing.T) {
	dir := t.TempDir()
	prefix := filepath.Join(dir, "davinci")
	f, err := os.Create(prefix + "3")
	require.NoError(t, err)
	defer f.Close()
	manager, err := os.Create(prefix + "_manager")
	require.NoError(t, err)
	defer manager.Close()
	held, err := Holders(prefix)
	require.NoError(t, err)
	require.Equal(t, map[int][]int{3: {os.Getpid()}}, held)

	// Drivers that show no processes: the files tell.
	s := &SMI{Files: prefix}
	list := []Device{{Physical: -1}}
	s.number(list)
	s.findProcesses(list)
	require.Equal(t, []Process{{PID: os.Getpid(), Memory: -1}}, list[0].Processes)
}

func TestWaitingUntilCardsAreFree(t *testing.T) {
	dir, program := standIn(t, "card 0 OK 3379\ncard 1 OK 60000\nprocess 0 4711 python 50000\n")
	s := &SMI{Path: program}
	require.NoError(t, WaitFree(t.Context(), s.Look, []int{7}), "no such card")

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	var left *Occupied
	err := WaitFree(ctx, func(context.Context) (Snapshot, error) { return s.Look(t.Context()) }, []int{0, 1})
	require.True(t, errors.As(err, &left), "%v", err)
	require.Equal(t, "card 0 is still used by process 4711 (python) (3379 of 65536 MB); "+
		"card 1 is still used by a process that is not in sight: its memory is in use (60000 of 65536 MB)", err.Error())

	looks := 0
	err = WaitFree(t.Context(), func(ctx context.Context) (Snapshot, error) {
		if looks++; looks == 2 {
			write(t, filepath.Join(dir, "cards"), "card 0 OK 3379\ncard 1 OK 3379\n")
		}
		return s.Look(ctx)
	}, []int{0, 1})
	require.NoError(t, err)
	require.Equal(t, 2, looks)

	failed := fmt.Errorf("out of order")
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, WaitFree(ctx, func(context.Context) (Snapshot, error) { return Snapshot{}, failed }, []int{0}), failed)
}
