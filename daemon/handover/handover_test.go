package handover

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestMain lets the test binary be one daemon after the other: the first opens
// a socket and a lock and becomes the second, which tells what it got.
func TestMain(m *testing.M) {
	var err error
	switch dir := os.Getenv("FTD_TEST_DIR"); os.Getenv("FTD_TEST_ROLE") {
	case "first":
		err = first(dir)
	case "second":
		err = second(dir)
	default:
		os.Exit(m.Run())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func first(dir string) error {
	b := Take()
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		return err
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return err
	}
	// As a library does that knows nothing of close-on-exec.
	if _, err = unix.Open(dir, unix.O_RDONLY, 0); err != nil {
		return err
	}
	if err = b.AddListener(Socket, "here", false, l); err != nil {
		return err
	}
	if err = b.Add(Lock, dir, false, lock); err != nil {
		return err
	}
	l.Close()
	lock.Close()
	os.Setenv("FTD_TEST_ROLE", "second")
	return b.Exec([]string{os.Args[0]}, os.Environ())
}

// told is what the second daemon says.
type told struct {
	PID       int
	Variables []string // that it should not see any more
	Open      int      // descriptors that its children would inherit
	Socket    string
	Lock      string
}

func second(string) error {
	b := Take()
	t := told{PID: os.Getpid()}
	for _, entry := range os.Environ() {
		if strings.HasPrefix(entry, variable) {
			t.Variables = append(t.Variables, entry)
		}
	}
	of := os.Getenv("FTD_TEST_SOCKET_FOR")
	l, _, err := b.Listener(Socket, of)
	if err != nil {
		return err
	}
	if l != nil {
		t.Socket = l.Addr().String()
	}
	if f := b.File(Lock, os.Getenv("FTD_TEST_DIR")); f != nil {
		t.Lock = f.Name()
	}
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		var fd int
		fmt.Sscanf(filepath.Base(link), "%d", &fd)
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && fd > 2 && flags&unix.FD_CLOEXEC == 0 {
			t.Open++
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(t); err != nil {
		return err
	}
	if l != nil {
		c, err := l.Accept() // who connected before this process was what it is
		if err != nil {
			return err
		}
		fmt.Fprintln(c, "hello")
		c.Close()
		l.Close()
	}
	os.Exit(0)
	return nil
}

func become(t *testing.T, dir, of string) (told, *exec.Cmd) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "FTD_TEST_ROLE=first", "FTD_TEST_DIR="+dir, "FTD_TEST_SOCKET_FOR="+of,
		variable+`={"pid":1,"items":{"socket":{"fd":0,"for":"here"}}}`) // of a stranger
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err)
	var got told
	require.NoError(t, json.Unmarshal(line, &got))
	require.Equal(t, cmd.Process.Pid, got.PID)
	require.Empty(t, got.Variables)
	require.Zero(t, got.Open, "no child inherits anything")
	return got, cmd
}

func TestTheNextGetsWhatItIsHanded(t *testing.T) {
	dir := t.TempDir()
	got, cmd := become(t, dir, "here")
	require.Equal(t, filepath.Join(dir, "socket"), got.Socket)
	require.Equal(t, Lock, got.Lock)
	c, err := net.Dial("unix", got.Socket)
	require.NoError(t, err)
	defer c.Close()
	word, err := bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "hello\n", word)
	require.NoError(t, cmd.Wait())
	require.NoFileExists(t, got.Socket, "the last one removes the socket")
}

func TestWhatIsForAnotherPurposeIsClosed(t *testing.T) {
	dir := t.TempDir()
	got, cmd := become(t, dir, "elsewhere")
	require.Empty(t, got.Socket)
	require.NoError(t, cmd.Wait())
	require.NoFileExists(t, filepath.Join(dir, "socket"))
}

func TestChildrenAreNotToldWhatSystemdSays(t *testing.T) {
	require.Equal(t, []string{"PATH=/bin", "A=1"},
		ForChildren([]string{"PATH=/bin", "NOTIFY_SOCKET=/x", "LISTEN_FDS=1", "WATCHDOG_USEC=3", "FTD_HANDOVER={}", "A=1"}))
}
