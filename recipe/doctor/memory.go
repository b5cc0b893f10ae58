package doctor

import (
	"bufio"
	"context"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// converterNeeds is how many times the size of the weights mindformers' own
// converter takes in memory: 5.3 GB for 1.48 GB, measured with branch r0.6.
const converterNeeds = 3.6

// memory compares what this container or machine may take with what loading the
// weights needs: whoever takes more is killed without a word.
func memory(_ context.Context, s *Subject) []Finding {
	limit, from := s.memoryLimit()
	if limit == 0 {
		return nil
	}
	need, what := s.checkpointBytes(), "load_checkpoint"
	if n := int64(converterNeeds * float64(treeBytes(s.Converts))); n > need {
		need, what = n, s.Converts
	}
	if need <= limit {
		return fine("%s of memory (%s)", "内存 %s（%s）", humanize.Bytes(uint64(limit)), from)
	}
	f := Finding{
		Level: Error,
		Found: say("the memory is %s (%s), and %s needs %s", "内存为 %s（%s），而 %s 需要 %s", humanize.Bytes(uint64(limit)), from, what, humanize.Bytes(uint64(need))),
		Why:   say("the kernel ends the process with SIGKILL, and nothing is in its log", "内核会以 SIGKILL 结束进程，日志中不会有任何记录"),
		Remedy: say("use a machine or a container with more memory; files in /dev/shm count as memory, remove what is not needed there",
			"请使用内存更大的机器或容器；/dev/shm 中的文件也占内存，请删除其中不需要的文件"),
	}
	if what == s.Converts {
		f.Remedy = say("convert with by: ftd, which does not load the model as a whole", "请使用 by: ftd 转换，它不会把整个模型载入内存")
	}
	return []Finding{f}
}

// memoryLimit is what this process may take, and who says so: the container's
// limit, or all that the machine has. 0 if it is not known.
func (s *Subject) memoryLimit() (limit int64, from string) {
	limit = math.MaxInt64
	if n := s.machineMemory(); n > 0 {
		limit, from = n, "MemTotal"
	}
	for _, file := range s.memoryFiles() {
		text, err := os.ReadFile(filepath.Join(s.Root, file))
		n, err2 := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // "max" is none
		if err == nil && err2 == nil && n > 0 && n < limit {
			limit, from = n, file
		}
	}
	if limit == math.MaxInt64 {
		return 0, ""
	}
	return limit, from
}

// memoryFiles are where the limits of this process's control groups are, and of
// those that hold them: of version 2, and 1.
func (s *Subject) memoryFiles() []string {
	files := []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}
	text, err := os.ReadFile(filepath.Join(s.Root, "/proc/self/cgroup"))
	if err != nil {
		return files
	}
	for line := range strings.Lines(string(text)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) != 3 {
			continue
		}
		base, name := "/sys/fs/cgroup", "memory.max"
		switch part[1] {
		case "":
		case "memory":
			base, name = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for dir := part[2]; len(dir) > 1; dir = filepath.Dir(dir) {
			files = append(files, filepath.Join(base, dir, name))
		}
	}
	return files
}

func (s *Subject) machineMemory() int64 {
	f, err := os.Open(filepath.Join(s.Root, "/proc/meminfo"))
	if err != nil {
		return 0
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) > 1 && words[0] == "MemTotal:" {
			n, _ := strconv.ParseInt(words[1], 10, 64)
			return n << 10
		}
	}
	return 0
}

// treeBytes is the size of the weights in a file or directory; 0 if it is not
// there.
func treeBytes(path string) int64 {
	info, err := os.Stat(path)
	if path == "" || err != nil {
		return 0
	}
	if !info.IsDir() {
		return info.Size()
	}
	var total int64
	entries, _ := os.ReadDir(path) // as many as can be read
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && isWeights(e) {
			total += info.Size()
		}
	}
	return total
}

func isWeights(e fs.DirEntry) bool {
	switch filepath.Ext(e.Name()) {
	case ".bin", ".safetensors", ".pth", ".pt":
		return true
	}
	return false
}
