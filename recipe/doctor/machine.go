package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machine looks at what a container or an image may lack, and nobody suspects.
func machine(_ context.Context, s *Subject) []Finding {
	findings := slices.Concat(s.charset(), s.zone(), s.clock(time.Now()), s.temporary(), s.watches())
	if len(findings) > 0 {
		return findings
	}
	return fine("locale, clock, temporary files and file watches are as they should be", "区域设置、时钟、临时目录与文件监视均正常")
}

// charset looks for a locale of another encoding than UTF-8. C and POSIX count
// as UTF-8 since Python 3.7.
func (s *Subject) charset() []Finding {
	name, value := "", ""
	for _, name = range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value = s.variable(name); value != "" {
			break
		}
	}
	_, encoding, given := strings.Cut(value, ".")
	encoding, _, _ = strings.Cut(strings.ToLower(strings.ReplaceAll(encoding, "-", "")), "@")
	if !given || encoding == "utf8" {
		return nil
	}
	return []Finding{{
		Level:  Warning,
		Found:  say("%s is %s, which is not UTF-8", "%s 为 %s，不是 UTF-8", name, value),
		Why:    say("scripts read data and configs with Chinese text in it in the wrong encoding: UnicodeDecodeError", "脚本会以错误的编码读取含中文的数据与配置：UnicodeDecodeError"),
		Remedy: say("export %s=C.UTF-8, and start ftd anew", "请执行 export %s=C.UTF-8 并重新启动 ftd", name),
	}}
}

// zone looks whether the time zone that is asked for is there.
func (s *Subject) zone() []Finding {
	name := strings.TrimPrefix(s.variable("TZ"), ":")
	if !strings.Contains(name, "/") { // UTC, or written out as CST-8
		return nil
	}
	file := name
	if !filepath.IsAbs(name) {
		file = filepath.Join(s.Root, "/usr/share/zoneinfo", name)
	}
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	return []Finding{{
		Level:  Warning,
		Found:  say("TZ is %s, and this machine does not know that zone", "TZ 为 %s，而本机没有该时区的数据", name),
		Why:    say("trainings write their times in UTC without saying so", "训练会以 UTC 写时间而不作说明"),
		Remedy: say("install the package tzdata, or unset TZ", "请安装 tzdata 软件包，或执行 unset TZ"),
	}}
}

// clock compares the time with that of files which were written here: a clock
// before them has been set back.
func (s *Subject) clock(now time.Time) []Finding {
	const slack = 24 * time.Hour
	for _, path := range []string{filepath.Join(s.Env, "bin"), s.Home} {
		info, err := os.Stat(path)
		if path == "" || err != nil || !info.ModTime().After(now.Add(slack)) {
			continue
		}
		return []Finding{{
			Level:  Warning,
			Found:  say("the clock says %s, and %s was changed on %s", "时钟为 %s，而 %s 的修改时间为 %s", now.Format(time.DateOnly), path, info.ModTime().Format(time.DateOnly)),
			Why:    say("downloads fail, since certificates are not valid yet, and the newest checkpoint is told by its time", "证书尚未生效会使下载失败，且最新的权重是按时间判断的"),
			Remedy: say("set the clock (chronyc makestep, or ask the administrator)", "请校正时钟（chronyc makestep，或联系管理员）"),
		}}
	}
	return nil
}

// temporary looks whether files can be made, and programs run, where temporary
// files go.
func (s *Subject) temporary() []Finding {
	dir := s.variable("TMPDIR")
	if dir == "" {
		dir = "/tmp"
	}
	remedy := say("mkdir -p ~/tmp && export TMPDIR=~/tmp, and start ftd anew", "请执行 mkdir -p ~/tmp && export TMPDIR=~/tmp 并重新启动 ftd")
	var disk unix.Statfs_t
	if err := errors.Join(unix.Access(dir, unix.W_OK|unix.X_OK), unix.Statfs(dir, &disk)); err != nil {
		return []Finding{{
			Level:  Error,
			Found:  say("no temporary files can be made in %s", "无法在 %s 中创建临时文件", dir),
			Why:    say("Python, pip and the compiler of operators need a place for them", "Python、pip 与算子编译器都需要它"),
			Remedy: remedy,
		}}
	}
	if disk.Flags&unix.ST_NOEXEC == 0 {
		return nil
	}
	return []Finding{{
		Level:  Warning,
		Found:  say("nothing can be run in %s: it is mounted noexec", "%s 以 noexec 挂载，其中的程序无法运行", dir),
		Why:    say("pip fails to build packages there, and operators that are compiled there cannot be loaded: Operation not permitted", "pip 无法在其中编译软件包，在其中编译的算子也无法加载：Operation not permitted"),
		Remedy: remedy,
	}}
}

// fewWatches is fewer than the directories of a run with 8 ranks and its
// neighbours.
const fewWatches = 1024

// watches looks at the limits of inotify, by which new checkpoints are noticed.
func (s *Subject) watches() []Finding {
	text, err := os.ReadFile(filepath.Join(s.Root, "/proc/sys/fs/inotify/max_user_watches"))
	n, err2 := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || err2 != nil || n >= fewWatches {
		return nil
	}
	return []Finding{{
		Level:  Warning,
		Found:  say("only %d directories can be watched (fs.inotify.max_user_watches)", "最多只能监视 %d 个目录（fs.inotify.max_user_watches）", n),
		Why:    say("new checkpoints are then found by looking again and again, and later", "超出后只能靠反复扫描发现新的权重，且会更晚"),
		Remedy: say("sysctl fs.inotify.max_user_watches=65536, as the administrator", "请由管理员执行 sysctl fs.inotify.max_user_watches=65536"),
	}}
}
