package checkpoint

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// event is one line of a recorded trace.
type event struct{ what, path string }

func readTrace(t *testing.T, file string) (events []event) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../testdata/ckpt-events", file))
	require.NoError(t, err)
	for line := range strings.Lines(string(b)) {
		what, path, ok := strings.Cut(strings.TrimSpace(line), " ")
		require.True(t, ok, line)
		events = append(events, event{what, path})
	}
	return events
}

// savedFile is a file that a replayed trace writes.
type savedFile struct {
	f       *os.File
	content []byte
	writes  int // that are still to come
}

// replay does to a directory what a trace says was done to one.
type replay struct {
	t    *testing.T
	dir  string
	open map[string]*savedFile
	// final has what each checkpoint holds when it is whole.
	final map[string][]byte
}

// create opens a file as a save does; what it will hold and in how many pieces
// follows from the rest of the trace.
func (r *replay) create(path string, rest []event) {
	full := filepath.Join(r.dir, path)
	require.NoError(r.t, os.MkdirAll(filepath.Dir(full), 0o700))
	f, err := os.OpenFile(full, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	require.NoError(r.t, err)
	s := &savedFile{f: f}
	name := path
	for i, e := range rest {
		if e.path != name {
			continue
		}
		switch e.what {
		case "MODIFY":
			s.writes++
		case "MOVED_FROM":
			name = rest[i+1].path
		}
	}
	if step := ParseName(name).Step; step != nil && s.writes > 0 {
		s.content = training(1, *step, *step)
		if strings.HasSuffix(name, ".safetensors") {
			s.content = trainingSafetensors(*step)
		}
		r.final[filepath.Join(r.dir, name)] = s.content
	} else {
		s.content = bytes.Repeat([]byte("{}"), s.writes)
	}
	r.open[path] = s
}

func trainingSafetensors(step int64) []byte {
	b := safetensors(`{"epoch_num":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"step_num":{"dtype":"I64","shape":[],"data_offsets":[8,16]},`+
		`"loss_scale":{"dtype":"F32","shape":[],"data_offsets":[16,20]}}`, 20)
	b[len(b)-12] = byte(step)
	return b
}

func (r *replay) do(e event, rest []event) {
	full := filepath.Join(r.dir, e.path)
	switch e.what {
	case "CREATE":
		r.create(e.path, rest)
	case "MODIFY":
		s := r.open[e.path]
		n := len(s.content) / s.writes
		_, err := s.f.Write(s.content[:n])
		require.NoError(r.t, err)
		s.content, s.writes = s.content[n:], s.writes-1
	case "CLOSE_WRITE":
		require.NoError(r.t, r.open[e.path].f.Close())
		delete(r.open, e.path)
	case "MOVED_FROM":
		to := rest[0].path
		require.NoError(r.t, os.Rename(full, filepath.Join(r.dir, to)))
		if s := r.open[e.path]; s != nil {
			delete(r.open, e.path)
			r.open[to] = s
		}
	case "MOVED_TO": // done with MOVED_FROM
	case "ATTRIB":
		require.NoError(r.t, os.Chmod(full, 0o400))
	case "DELETE":
		require.NoError(r.t, os.Remove(full))
	default:
		r.t.Fatalf("what is %s?", e.what)
	}
}

// Recorded trainings are done again with real files, and looked at after each
// single event: a checkpoint is never reported before its last byte is there,
// and none is missed or doubled.
func TestReplayOfRecordedTrainings(t *testing.T) {
	tests := map[string]struct {
		reported []string
		left     []string
	}{
		"mf06-ms200-llama-ckpt-every20.txt": {reported: []string{"llama_7b_lora_rank_0-1_20.ckpt", "llama_7b_lora_rank_0-1_40.ckpt",
			"llama_7b_lora_rank_0-1_60.ckpt", "llama_7b_lora_rank_0-1_80.ckpt", "llama_7b_lora_rank_0-1_100.ckpt"}},
		"mf160-ms270-llama-ckpt-keep2.txt": {reported: []string{"tiny_llama_rank_0-1_20.ckpt", "tiny_llama_rank_0-1_40.ckpt",
			"tiny_llama_rank_0-1_60.ckpt", "tiny_llama_rank_0-1_64.ckpt"}},
		"mf160-ms270-llama-safetensors-keep2.txt": {reported: []string{"tiny_llama_rank_0-1_20.safetensors", "tiny_llama_rank_0-1_40.safetensors",
			"tiny_llama_rank_0-1_60.safetensors", "tiny_llama_rank_0-1_64.safetensors"}},
		"mf160-ms270-llama-ckpt-kill9-in-save.txt": {reported: []string{"tiny_llama_rank_0-1_2.ckpt"}, left: []string{"tiny_llama_rank_0-1_4.tmp"}},
	}
	for file, test := range tests {
		t.Run(file, func(t *testing.T) {
			r := &replay{t: t, dir: t.TempDir(), open: map[string]*savedFile{}, final: map[string][]byte{}}
			w := newWatcher(t, WatchOptions{Interval: time.Nanosecond, Settle: time.Nanosecond}, filepath.Join(r.dir, "output"))
			var got []string
			events := readTrace(t, file)
			require.Greater(t, len(events), 60)
			for i, e := range events {
				r.do(e, events[i+1:])
				for range 2 { // it counts as settled when seen twice
					found, err := w.Poll(context.Background())
					require.NoError(t, err)
					for _, f := range found {
						b, err := os.ReadFile(f.Path)
						require.NoError(t, err)
						require.Equal(t, r.final[f.Path], b, "reported before it was whole, after %v", e)
						got = append(got, filepath.Base(f.Path))
					}
				}
			}
			require.Equal(t, test.reported, got)
			var left []string
			for _, f := range sweep(t, w) {
				require.False(t, f.Complete, fmt.Sprint(f))
				left = append(left, filepath.Base(f.Path))
			}
			require.Equal(t, test.left, left)
		})
	}
}
