package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ftd/launcher/devices"
)

func TestWhatAShellLeavesBehind(t *testing.T) {
	h := newHouse(t)
	s := h.subject(h.env("env", "3.7", healthy...))
	h.finds(s, "variables", OK, "nothing")
	s.Start = []string{"RANK_TABLE_FILE=/x/hccl.json", "MS_ROLE=MS_WORKER", "DEVICE_ID=0"}
	f := h.finds(s, "variables", Warning, "RANK_TABLE_FILE MS_ROLE")
	require.NotContains(t, f.Found.EN, "DEVICE_ID", "it chooses a card, which is a person's right")
	s.Workers = 2
	h.finds(s, "variables", OK, "")

	s.Start = []string{"PYTHONPATH=/opt/python3.9/site-packages:" + filepath.Dir(filepath.Dir(h.file("mf/mindformers/__init__.py", "")))}
	h.finds(s, "variables", Warning, "python3.9/site-packages, and the environment has Python 3.7")
	h.finds(s, "variables", Warning, "another mindformers")
	s.Checkout = filepath.Join(h.dir, "mf")
	s.Start = []string{"PYTHONPATH=" + s.Checkout}
	h.finds(s, "variables", OK, "")

	s.Start = []string{"HCCL_CONNECT_TIMEOUT=60", "HCCL_EXEC_TIMEOUT=1800"}
	f = h.finds(s, "variables", Warning, "HCCL_CONNECT_TIMEOUT is 60")
	require.Contains(t, f.Why.EN, "120 to 7200")
	s.Start = []string{"HCCL_CONNECT_TIMEOUT=600"}
	h.finds(s, "variables", OK, "")

	s.Start = []string{"ASCEND_HOME_PATH=/usr/local/Ascend/ascend-toolkit/latest", "LD_LIBRARY_PATH=/usr/lib"}
	h.finds(s, "variables", OK, "") // no driver, no card
	h.file("usr/local/Ascend/driver/version.info", "Version=25.2.0\n")
	h.finds(s, "variables", Warning, "LD_LIBRARY_PATH names nothing of it")
	s.Start[1] = "LD_LIBRARY_PATH=/usr/lib:/usr/local/Ascend/ascend-toolkit/latest/lib64"
	h.finds(s, "variables", OK, "")
}

func TestTheMachineIsLookedAt(t *testing.T) {
	h := newHouse(t)
	s := h.subject(h.env("env", "3.7"))
	h.finds(s, "machine", OK, "")
	for value, level := range map[string]Level{
		"LANG=zh_CN.GB18030": Warning, "LC_ALL=en_US.ISO-8859-1": Warning,
		"LANG=zh_CN.UTF-8": OK, "LANG=C": OK, "LC_ALL=C.utf8": OK, "LANG=de_DE.UTF-8@euro": OK,
	} {
		s.Start = []string{value}
		require.Equal(t, level, Worst(Examine(t.Context(), s, "machine")), value)
	}
	s.Start = []string{"TZ=Asia/Shanghai"}
	h.finds(s, "machine", Warning, "TZ is Asia/Shanghai")
	h.file("usr/share/zoneinfo/Asia/Shanghai", "")
	h.finds(s, "machine", OK, "")
	s.Start = []string{"TZ=CST-8"}
	h.finds(s, "machine", OK, "")

	s.Start = []string{"TMPDIR=" + filepath.Join(h.dir, "gone")}
	h.finds(s, "machine", Error, "no temporary files")
	s.Start = []string{"TMPDIR=/proc/self"} // is mounted noexec everywhere, and root may write
	require.NotEqual(t, OK, Worst(Examine(t.Context(), s, "machine")))

	s.Start = nil
	h.file("proc/sys/fs/inotify/max_user_watches", "128\n")
	h.finds(s, "machine", Warning, "only 128 directories")
	h.file("proc/sys/fs/inotify/max_user_watches", "65536\n")
	h.finds(s, "machine", OK, "")

	future := time.Now().AddDate(2, 0, 0)
	require.NoError(t, os.Chtimes(h.dir, future, future))
	h.finds(s, "machine", Warning, "was changed on "+future.Format(time.DateOnly))
}

func TestTheMemoryOfAContainer(t *testing.T) {
	h := newHouse(t)
	s := h.config("Llama", "MindDataset", "", "w.safetensors")
	require.Empty(t, Examine(t.Context(), s, "memory"), "nothing is known")
	h.safetensors("w.safetensors", map[string][]int64{"a": {1000}}) // some 4 KB
	h.file("proc/meminfo", "MemFree: 1 kB\nMemTotal:       4096 kB\n")
	h.finds(s, "memory", OK, "4.2 MB")
	h.file("proc/self/cgroup", "12:cpu:/a\n3:memory:/docker/abc\n0::/user/x\n")
	h.file("sys/fs/cgroup/memory.max", "max\n")
	h.file("sys/fs/cgroup/user/memory.max", "4000\n")
	f := h.finds(s, "memory", Error, "load_checkpoint needs 4.1 kB")
	require.Contains(t, f.Found.EN, "/sys/fs/cgroup/user/memory.max")
	h.file("sys/fs/cgroup/user/memory.max", "9223372036854771712\n")
	h.finds(s, "memory", OK, "")
	h.file("sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "2048\n")
	h.finds(s, "memory", Error, "2.0 kB")
	h.file("sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "14000\n")
	h.finds(s, "memory", OK, "")
	s.Converts = filepath.Dir(h.safetensors("hf/model.safetensors", map[string][]int64{"a": {1000}}))
	f = h.finds(s, "memory", Error, "hf needs 15 kB") // 3.6 times as much
	require.Contains(t, f.Remedy.EN, "by: ftd")
}

func TestTheRoomOnDisks(t *testing.T) {
	const gb = 1 << 30
	require.Empty(t, room("/home/me", 30*gb, 100*gb, 13*gb))
	f := room("/home/me", 20*gb, 100*gb, 13*gb)[0]
	require.Equal(t, "/home/me has 21 GB free", f.Found.EN)
	require.Contains(t, f.Why.EN, "takes up to 14 GB")
	require.Contains(t, f.Remedy.EN, "du -xh --max-depth=2 /home/me")
	require.Contains(t, room("/home/me", gb, 100*gb, 0)[0].Found.EN, "has 1.1 GB free", "whatever the model")
	require.Contains(t, room(shm, 64<<20, 64<<20, 0)[0].Found.EN, "a container's default")
	require.Empty(t, room(shm, 0, 24*gb, 13*gb), "nothing is saved there unless it is asked for")

	// The size of a checkpoint is that of the one that the training begins from.
	h := newHouse(t)
	s := h.config("Llama", "MindDataset", "", "w.ckpt")
	weights := h.file("w.ckpt", "")
	require.NoError(t, os.Truncate(weights, 8<<40))
	h.finds(s, "space", Warning, h.dir+" has ")
}

func TestFilesOfRootInTheHome(t *testing.T) {
	h := newHouse(t)
	s := h.subject(h.env("env", "3.7"))
	h.finds(s, "home", OK, "")
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	h.file(".cache/pip/x", "")
	require.NoError(t, os.Chown(h.dir, 1000, 1000))
	require.NoError(t, os.Chown(filepath.Join(h.dir, "env"), 1000, 1000))
	f := h.finds(s, "home", Warning, "2 files and directories")
	require.Contains(t, f.Remedy.EN, "sudo chown -R ")
	require.Contains(t, f.Remedy.EN, filepath.Join(h.dir, ".cache/pip"))
}

func TestWherePipTakesPackagesFrom(t *testing.T) {
	h := newHouse(t)
	s := h.subject(h.env("env", "3.7"))
	require.Empty(t, Examine(t.Context(), s, "pip"))
	h.file(".config/pip/pip.conf", "[global]\nindex-url = http://mirror.example/simple\n")
	f := h.finds(s, "pip", Warning, "http://mirror.example, and not a trusted-host")
	require.Contains(t, f.Remedy.EN, "https://mirror.example/simple")
	h.file(".config/pip/pip.conf", "[global]\nindex_url = http://mirror.example/simple\ntrusted-host =\n    other.example\n    mirror.example\n")
	h.finds(s, "pip", OK, "http://mirror.example")
	h.file(".config/pip/pip.conf", "[global]\nindex-url = https://me:geheim@mirror.example/simple\n")
	f = h.finds(s, "pip", OK, "https://mirror.example")
	require.NotContains(t, f.Found.EN, "geheim")
	h.file("env/pip.conf", "[install]\nno-index = true\n")
	h.finds(s, "pip", Warning, "no-index")
	h.file("env/pip.conf", "[install]\nno-index = true\nfind-links = /wheels\n")
	h.finds(s, "pip", OK, "")
	s.Start = []string{"PIP_INDEX_URL=nonsense"}
	h.finds(s, "pip", Warning, "PIP_INDEX_URL is not a valid address")
}

func TestDamagedEnvironments(t *testing.T) {
	h := newHouse(t)
	s := h.subject(h.env("env", "3.7", healthy...))
	h.file("env/lib/python3.7/site-packages/~umpy/__init__.py", "")
	f := h.finds(s, "python", Warning, "has left ~umpy")
	require.Contains(t, f.Remedy.EN, "rm -r "+filepath.Join(h.dir, "env"))
	s = h.subject(s.Env)
	require.NoError(t, os.MkdirAll(filepath.Join(h.dir, "env/bin"), 0o750))
	require.NoError(t, os.Symlink("/gone/python3.7", filepath.Join(h.dir, "env/bin/python")))
	require.NoError(t, os.MkdirAll(filepath.Join(h.dir, "dev/shm"), 0o750))
	big := h.file("dev/shm/llama.ckpt", "")
	require.NoError(t, os.Truncate(big, 13_500_000_000))
	f = h.finds(s, "python", Error, "is not there any more")
	require.Contains(t, f.Remedy.EN, "if it came with the machine, only a reset of the machine's image helps; save first: "+big+" (14 GB)")
	require.Contains(t, f.Remedy.ZH, "请先保存："+big)

	// What trainings have made lies in a directory with a dot, and is named once.
	mine := h.file(".local/state/ftd/runs/j/train.1/x-1_64.ckpt", "")
	require.NoError(t, os.Truncate(mine, 40_000_000))
	text := h.finds(s, "python", Error, "").Remedy.EN
	require.Contains(t, text, mine+" (40 MB)")
	require.Equal(t, 1, strings.Count(text, big))
	other := h.file("kept/y.ckpt", "")
	require.NoError(t, os.Truncate(other, 50_000_000))
	s.Start = []string{"FTD_STATE_DIR=" + filepath.Dir(other)}
	text = h.finds(s, "python", Error, "").Remedy.EN
	require.Equal(t, 1, strings.Count(text, other), "also where it is below the home directory")
	require.NotContains(t, text, mine)
}

func TestTheMemoryOfCards(t *testing.T) {
	h := newHouse(t)
	table, err := os.ReadFile("../../launcher/devices/testdata/23.0-910B3.txt")
	require.NoError(t, err)
	program := h.file("npu-smi", "#!/bin/sh\n[ \"$1 $2\" = \"info \" ] || exit 1\ncat <<'END'\n"+string(table)+"\nEND\n")
	require.NoError(t, os.Chmod(program, 0o700))
	with := func(memory string) *Subject {
		s := h.config("Llama", "MindDataset", "", "")
		text, err := os.ReadFile(s.Config)
		require.NoError(t, err)
		s.Text = append([]byte("context: {max_device_memory: "+memory+"}\n"), []byte(withoutContext(string(text)))...)
		s.SMI = &devices.SMI{Path: program}
		return s
	}
	h.finds(with("59GB"), "device-memory", OK, "59 GB")
	f := h.finds(with("80GB"), "device-memory", Error, "max_device_memory is 80 GB, and card 0 has 64.0 GB")
	require.Contains(t, f.Remedy.EN, "context.max_device_memory=57GB")
}
