package checkpoint

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// writer is a process that saves a checkpoint as a version of MindSpore does,
// step by step: it says on stdout what it has done and goes on when it gets a
// line. The order is that of the recorded event traces of 2.0.0 and 2.7.0.
func writer(order string) {
	path := os.Getenv("CHECKPOINT_TEST_PATH")
	content := training(1, 20, 20)
	half := len(content) / 2
	say := func(did string) {
		fmt.Println(did)
		if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
			os.Exit(1)
		}
	}
	must := func(err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	create := func(path string) *os.File {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		must(err)
		return f
	}
	put := func(f *os.File, b []byte) {
		_, err := f.Write(b)
		must(err)
	}
	base := strings.TrimSuffix(path, filepath.Ext(path))
	switch order {
	case "in-place": // 2.0: 0400 before the last buffer is written
		f := create(path)
		say("created")
		put(f, content[:half])
		say("half")
		must(f.Chmod(0o400))
		say("chmod")
		put(f, content[half:])
		must(f.Close())
	case "rename": // 2.4 and later
		f := create(base + ".tmp")
		say("created")
		put(f, content[:half])
		say("half")
		put(f, content[half:])
		must(f.Close())
		say("closed")
		must(os.Rename(base+".tmp", path))
		must(os.Chmod(path, 0o400))
	case "library": // safetensors: renamed before it is closed
		f := create(filepath.Join(filepath.Dir(path), ".tmpoEMK45"))
		put(f, content[:half])
		say("half")
		put(f, content[half:])
		must(os.Rename(f.Name(), base+".tmp"))
		must(f.Close())
		say("closed")
		must(os.Rename(base+".tmp", path))
		must(os.Chmod(path, 0o400))
	}
	say("saved")
}

// save is a running writer.
type save struct {
	t     *testing.T
	path  string
	cmd   *exec.Cmd
	out   io.Reader
	in    io.Writer
	state string
}

func startSave(t *testing.T, order, path string) *save {
	t.Helper()
	s := &save{t: t, path: path, cmd: exec.Command(os.Args[0])}
	s.cmd.Env = append(os.Environ(), "CHECKPOINT_TEST_WRITER="+order, "CHECKPOINT_TEST_PATH="+path)
	var err error
	s.out, err = s.cmd.StdoutPipe()
	require.NoError(t, err)
	s.in, err = s.cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, s.cmd.Start())
	t.Cleanup(s.kill)
	return s
}

// until lets the writer go on until it says that it did something.
func (s *save) until(state string) {
	s.t.Helper()
	for s.state != state {
		if s.state != "" {
			_, err := s.in.Write([]byte{'\n'})
			require.NoError(s.t, err)
		}
		var line [64]byte
		n, err := s.out.Read(line[:])
		require.NoError(s.t, err)
		s.state = strings.TrimSpace(string(line[:n]))
	}
}

// kill is kill -9; it returns when the process is gone.
func (s *save) kill() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}
