package doctor

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// home looks whether the home directory and what programs keep there belong to
// its user: a sudo too much leaves files that only root may change.
func home(_ context.Context, s *Subject) []Finding {
	if s.Home == "" {
		return nil
	}
	if unix.Access(s.Home, unix.W_OK|unix.X_OK) != nil {
		return []Finding{{
			Level:  Error,
			Found:  say("the home directory %s cannot be written to", "无法写入主目录 %s", s.Home),
			Why:    say("MindSpore, CANN, pip and ftd keep their caches and logs there", "MindSpore、CANN、pip 与 ftd 都在其中保存缓存和日志"),
			Remedy: say("correct its owner, or set HOME to a directory of yours and start ftd anew", "请更正其属主，或将 HOME 设为自己的目录并重新启动 ftd"),
		}}
	}
	owner, ok := ownerOf(s.Home)
	if !ok || owner == 0 {
		return fine("%s", "%s", s.Home)
	}
	var others []string
	for _, dir := range []string{".", ".cache", ".config", ".local", ".local/lib", "ascend"} {
		entries, err := os.ReadDir(filepath.Join(s.Home, dir))
		if err != nil {
			continue
		}
		for _, e := range entries {
			path := filepath.Join(s.Home, dir, e.Name())
			if uid, ok := ownerOf(path); ok && uid == 0 {
				others = append(others, path)
			}
		}
	}
	if len(others) == 0 {
		return fine("%s", "%s", s.Home)
	}
	const most = 5
	shown := strings.Join(others[:min(len(others), most)], " ")
	count := len(others)
	name := strconv.FormatUint(uint64(owner), 10)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return []Finding{{
		Level:  Warning,
		Found:  say("%d files and directories in the home directory belong to root: %s", "主目录中有 %d 个文件或目录属于 root：%s", count, shown),
		Why:    say("programs that keep something there end with: Permission denied", "需要写入它们的程序会报 Permission denied"),
		Remedy: say("%s", "%s", fmt.Sprintf("sudo chown -R %s %s", name, shown)),
	}}
}

func ownerOf(path string) (uint32, bool) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, false
	}
	status, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return status.Uid, true
}
