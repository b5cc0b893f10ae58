package process

import (
	"context"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseStat(t *testing.T) {
	const rest = " S 1 42 43 0 -1 4194560 100 0 0 0 7 5 0 0 20 0 1 0 987654321 10000 200 18446744073709551615"
	for _, command := range []string{"python", "a b", "evil) S 1 1 1", "(", ""} {
		s, err := parseStat("42 (" + command + ")" + rest + "\n")
		require.NoError(t, err)
		require.Equal(t, Stat{PID: 42, Command: command, State: 'S', Parent: 1, Group: 42, Session: 43, CPUTicks: 12, StartTicks: 987654321}, s)
	}
	for _, line := range []string{"", "42", "42 (a", "42 (a) S 1", "x (a)" + rest, "42 (a) S x 42 43 0 -1 0 0 0 0 0 7 5 0 0 20 0 1 0 9"} {
		_, err := parseStat(line)
		require.Error(t, err, "%q", line)
	}
}

func TestSelf(t *testing.T) {
	self, err := Find(os.Getpid())
	require.NoError(t, err)
	require.True(t, self.Alive())
	require.False(t, Identity{PID: self.PID, StartTicks: self.StartTicks + 1}.Alive())
	_, err = Find(1 << 30)
	require.ErrorIs(t, err, ErrGone)
}

func sleeper(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	cmd.Env = append(os.Environ(), env...)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

func TestSignalNeverReachesAStranger(t *testing.T) {
	cmd := sleeper(t)
	id, err := Find(cmd.Process.Pid)
	require.NoError(t, err)
	former := Identity{PID: id.PID, StartTicks: id.StartTicks - 1}
	require.ErrorIs(t, former.Signal(syscall.SIGKILL), ErrGone)
	require.True(t, id.Alive())
	require.Error(t, Identity{PID: 0}.Signal(syscall.SIGTERM), "0 is the own process group")
	require.Error(t, Identity{PID: -1}.Signal(syscall.SIGTERM), "-1 is everybody")

	require.NoError(t, id.Signal(syscall.SIGKILL))
	require.Error(t, cmd.Wait())
	require.ErrorIs(t, id.Signal(syscall.SIGKILL), ErrGone)
}

func TestWait(t *testing.T) {
	for name, wait := range map[string]func(Identity, context.Context) error{
		"by the kernel": Identity.Wait,
		"by looking":    Identity.poll,
	} {
		t.Run(name, func(t *testing.T) {
			cmd := sleeper(t)
			id, err := Find(cmd.Process.Pid)
			require.NoError(t, err)
			short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, wait(id, short), context.DeadlineExceeded)
			done := make(chan error, 1)
			go func() { done <- wait(id, t.Context()) }()
			require.NoError(t, id.Signal(syscall.SIGKILL))
			require.NoError(t, <-done, "a zombie is dead; nobody has fetched its status")
			require.NoError(t, wait(id, t.Context()))
		})
	}
}

func TestTreeByMark(t *testing.T) {
	const mark = "FTD_TEST_MARK=process-tree"
	cmd := sleeper(t, mark)
	sleeper(t, mark+"-of-another-run")
	members, err := Marked(mark)
	require.NoError(t, err)
	require.Len(t, members, 1)
	require.Equal(t, cmd.Process.Pid, members[0].PID)
}

func TestTreeNeedsTheVeryHolder(t *testing.T) {
	self, err := Find(os.Getpid())
	require.NoError(t, err)
	cmd := sleeper(t)
	members, err := Tree{Holder: self}.Members()
	require.NoError(t, err)
	var pids []int
	for _, m := range members {
		pids = append(pids, m.PID)
	}
	require.Contains(t, pids, cmd.Process.Pid)
	require.NotContains(t, pids, os.Getpid())

	self.StartTicks++ // the children of whoever has that pid now are strangers
	members, err = Tree{Holder: self}.Members()
	require.NoError(t, err)
	require.Empty(t, members)
}

func TestMachine(t *testing.T) {
	here, err := Here()
	require.NoError(t, err)
	require.NotEmpty(t, here.BootID)
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"4026531836:27", "4026531836:27", true},
		{"4026531836:27", "4026531836:99", false}, // the inode number was used again
		{"4026531836:27", "4026532000:27", false},
		{"4026531836", "4026531836:27", true}, // hidepid
		{"4026531836", "4026532000:27", false},
	} {
		require.Equal(t, c.same, Machine{PIDNamespace: c.a}.SameNamespace(Machine{PIDNamespace: c.b}), "%s %s", c.a, c.b)
	}
}

func TestCgroupDir(t *testing.T) {
	const (
		unified = "24 22 0:21 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
		hybrid  = "30 25 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n41 25 0:37 / /sys/fs/cgroup/unified rw - cgroup2 none rw\n"
		part    = "24 22 0:21 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n"
	)
	for _, c := range []struct{ name, membership, mounts, dir string }{
		{"systemd", "0::/system.slice/ftd.service\n", unified, "/sys/fs/cgroup/system.slice/ftd.service"},
		{"container", "0::/\n", unified, "/sys/fs/cgroup"},
		{"hybrid", "9:name=systemd:/x\n1:cpu:/y\n0::/z\n", hybrid, "/sys/fs/cgroup/unified/z"},
		{"part of the tree", "0::/docker/abc/run\n", part, "/sys/fs/cgroup/run"},
		{"outside of what is seen", "0::/docker/other\n", part, ""},
		{"version 1 only", "1:cpu:/y\n", "30 25 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n", ""},
		{"not mounted", "0::/\n", "", ""},
	} {
		require.Equal(t, c.dir, cgroupDir(c.membership, c.mounts), c.name)
	}
}
