package server

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ftd/api"
)

func TestWhoMayDoWhat(t *testing.T) {
	group := uint32(50)
	for _, c := range []struct {
		name         string
		access       Access
		peer         *peer
		read, change bool
	}{
		{"the owner", Access{Owner: 7}, &peer{uid: 7}, true, true},
		{"root", Access{Owner: 7}, &peer{uid: 0}, true, true},
		{"somebody", Access{Owner: 7}, &peer{uid: 8, groups: []uint32{50}}, false, false},
		{"the group", Access{Owner: 7, Group: &group}, &peer{uid: 8, groups: []uint32{1, 50}}, true, true},
		{"another group", Access{Owner: 7, Group: &group}, &peer{uid: 8, groups: []uint32{51}}, false, false},
		{"a reader", Access{Owner: 7, ReadForOthers: true}, &peer{uid: 8}, true, false},
		{"nobody knows", Access{Owner: 7, Group: &group, ReadForOthers: true}, nil, false, false},
	} {
		for need, may := range map[permission]bool{toRead: c.read, toChange: c.change} {
			e := c.access.check(c.peer, need)
			require.Equal(t, may, e == nil, "%s %d", c.name, need)
			if !may {
				require.Equal(t, api.CodeDenied, e.Code)
			}
		}
	}
}

// TestMain lets the test binary be the client of another user.
func TestMain(m *testing.M) {
	if socket := os.Getenv("FTD_TEST_ASK"); socket != "" {
		ask(socket)
		return
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

// ask prints the status of one request that reads and one that changes.
func ask(socket string) {
	c := &api.Client{Socket: socket}
	_, err := c.Recipes(context.Background())
	fmt.Println("read:", err == nil)
	err = c.Remove(context.Background(), "no-such-job", false)
	fmt.Println("change:", err != nil && strings.Contains(err.Error(), "no-such-job"))
}

func TestTheKernelTellsWhoAsks(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to ask as somebody else")
	}
	// The test binary's own directory may be closed to others.
	dir, err := os.MkdirTemp("", "ftd-client")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	require.NoError(t, os.Chmod(dir, 0o755))
	self, err := os.ReadFile("/proc/self/exe")
	require.NoError(t, err)
	binary := filepath.Join(dir, "client")
	require.NoError(t, os.WriteFile(binary, self, 0o755))

	group := uint32(54321)
	for _, c := range []struct {
		name   string
		access Access
		groups []uint32
		want   string
	}{
		{"a stranger", owner(), nil, "read: false change: false"},
		{"a reader", Access{Owner: 0, ReadForOthers: true}, nil, "read: true change: false"},
		{"a member of the group", Access{Owner: 0, Group: &group}, []uint32{54000, group}, "read: true change: true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t, c.access)
			cmd := exec.Command(binary)
			cmd.Dir = "/"
			cmd.Env = []string{"FTD_TEST_ASK=" + h.Socket}
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534, Groups: c.groups}}
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Equal(t, c.want, strings.Join(strings.Fields(string(out)), " "))
		})
	}
}
