package doctor

import (
	"context"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"
)

// little is too little room for any checkpoint of a model that is not tiny.
const little = 2 << 30

const shm = "/dev/shm"

// space looks at the room where a training writes: its directory, the home
// directory, and /dev/shm, through which processes hand data to each other and
// which is memory.
func space(_ context.Context, s *Subject) []Finding {
	var findings []Finding
	needs := s.checkpointBytes()
	for _, dir := range append([]string{s.Home, shm}, s.Places...) {
		var disk unix.Statfs_t
		if dir == "" || unix.Statfs(dir, &disk) != nil {
			continue
		}
		findings = append(findings, room(dir, int64(disk.Bavail)*disk.Bsize, int64(disk.Blocks)*disk.Bsize, needs)...)
	}
	if len(findings) > 0 {
		return findings
	}
	return fine("there is room", "空间充足")
}

// room judges a disk by its bytes; needs is what a checkpoint takes.
func room(dir string, free, total, needs int64) []Finding {
	switch {
	case dir == shm && total <= 64<<20:
		return []Finding{{
			Level:  Warning,
			Found:  say("/dev/shm has %s in all: a container's default", "/dev/shm 总共只有 %s：这是容器的默认值", humanize.Bytes(uint64(total))),
			Why:    say("datasets with several processes end with: Bus error", "多进程数据集会报 Bus error"),
			Remedy: say("start the container with --shm-size=8g", "请以 --shm-size=8g 启动容器"),
		}}
	case dir != shm && free < max(little, 2*needs):
		return []Finding{{
			Level: Warning,
			Found: say("%s has %s free", "%s 剩余 %s", dir, humanize.Bytes(uint64(max(free, 0)))),
			Why: say("a checkpoint of this model takes up to %s, and the older one is kept until the newer one is complete",
				"该模型的一个权重文件最多占 %s，且旧文件会保留到新文件写完", humanize.Bytes(uint64(max(needs, little/2)))),
			Remedy: say("see what takes the room: du -xh --max-depth=2 %[1]s | sort -h | tail; keep fewer checkpoints (keep_checkpoint_max, or ftctl ckpt prune --newest 2 JOB), or use a directory on a larger disk; /dev/shm is memory, and gone after a reset",
				"查看占用：du -xh --max-depth=2 %[1]s | sort -h | tail；减少保留数量（keep_checkpoint_max，或 ftctl ckpt prune --newest 2 JOB），或改用更大的磁盘；/dev/shm 是内存，重置后会丢失", Quoted(dir)),
		}}
	}
	return nil
}

// checkpointBytes guesses the size of a checkpoint by the one that the training
// begins from: with the state of the optimizer it has up to three times that.
func (s *Subject) checkpointBytes() int64 {
	c, err := s.config()
	if err != nil || c == nil {
		return 0
	}
	info, err := os.Stat(c.file("load_checkpoint"))
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	if filepath.Ext(info.Name()) != ".ckpt" && filepath.Ext(info.Name()) != ".safetensors" {
		return 0
	}
	return info.Size()
}
