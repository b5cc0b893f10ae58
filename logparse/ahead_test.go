package logparse_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/logparse"
)

// morsels gives a text in pieces of any size.
type morsels struct {
	text []byte
	rnd  *rand.Rand
}

func (m *morsels) Read(b []byte) (int, error) {
	if len(m.text) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:1+m.rnd.Intn(len(b)-1)], m.text)
	m.text = m.text[n:]
	return n, nil
}

// What is read ahead, on several processors, are the records that a Parser
// finds, in their order.
func TestReadAheadIsNoOther(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	paths, err := filepath.Glob("../testdata/logs/*.log")
	require.NoError(t, err)
	rnd := rand.New(rand.NewSource(1))
	var text []byte
	for range 3 {
		for _, path := range paths {
			log, err := os.ReadFile(path)
			require.NoError(t, err)
			if rnd.Intn(4) == 0 {
				log = bytes.ReplaceAll(log, []byte("\n"), []byte("\r\n"))
			}
			text = append(append(text, log[:len(log)-rnd.Intn(3)]...), make([]byte, rnd.Intn(3))...)
		}
	}
	var want []string
	note := func(to *[]string) func(*logparse.Record) {
		return func(r *logparse.Record) {
			said, err := json.Marshal(r)
			require.NoError(t, err)
			*to = append(*to, fmt.Sprint(r.Offset, " ", string(said)))
		}
	}
	p := logparse.NewParser()
	p.Feed(text, note(&want))
	p.Flush(note(&want))
	require.Greater(t, len(want), 10_000)
	for range 3 {
		var got []string
		require.NoError(t, logparse.Read(t.Context(), &morsels{text, rnd}, note(&got)))
		require.Equal(t, want, got)
	}
}
