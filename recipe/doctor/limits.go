package doctor

import (
	"bufio"
	"bytes"
	"context"
	"os/exec"
	"strconv"
	"strings"
)

// limits looks at what a process may have: a dataset pipeline and CANN open
// some hundred files, and a compile makes thousands of threads. It asks another
// process: a Go program raises its own limit of files when it starts, and gives
// its children back what it was.
func limits(ctx context.Context, _ *Subject) []Finding {
	text, err := exec.CommandContext(ctx, "cat", "/proc/self/limits").Output()
	if err != nil {
		return nil // no Linux
	}
	return limitsIn(text)
}

func limitsIn(text []byte) []Finding {
	var findings []Finding
	for _, l := range []struct {
		name, option, unit string
		least              uint64
	}{
		{"Max open files", "-n", "LimitNOFILE", 4096},
		{"Max processes", "-u", "LimitNPROC", 4096},
	} {
		soft, hard, known := limitOf(text, l.name)
		if !known || soft >= l.least {
			continue
		}
		enough := 16 * l.least
		remedy := say("in the shell that starts ftd: ulimit %[1]s %[2]d; for a service: %[3]s=%[2]d in its unit; and start ftd anew",
			"在启动 ftd 的 shell 中执行 ulimit %[1]s %[2]d；若为服务，在 unit 中设 %[3]s=%[2]d；然后重新启动 ftd", l.option, min(hard, enough), l.unit)
		if hard < l.least {
			remedy = say("ask the administrator: the hard limit is %d (limits.conf, --ulimit of the container, or %s=%d of the service)",
				"请联系管理员：硬限制为 %d（limits.conf、容器的 --ulimit，或服务的 %s=%d）", hard, l.unit, enough)
		}
		findings = append(findings, Finding{
			Level:  Warning,
			Found:  say("%s: at most %d (ulimit %s)", "%s：最多 %d（ulimit %s）", l.name, soft, l.option),
			Why:    say("large models need more while they compile: Too many open files, or Resource temporarily unavailable", "大模型编译时需要更多，否则报 Too many open files 或 Resource temporarily unavailable"),
			Remedy: remedy,
		})
	}
	if len(findings) > 0 {
		return findings
	}
	return fine("files and processes are not limited too low", "文件与进程数限制足够")
}

// limitOf reads a line such as "Max open files  1024  4096  files".
func limitOf(text []byte, name string) (soft, hard uint64, known bool) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), name)
		if words := strings.Fields(rest); ok && len(words) >= 2 {
			soft, known := limitNumber(words[0])
			hard, _ := limitNumber(words[1])
			return soft, hard, known
		}
	}
	return 0, 0, false
}

func limitNumber(word string) (uint64, bool) {
	if word == "unlimited" {
		return 1 << 62, true
	}
	n, err := strconv.ParseUint(word, 10, 64)
	return n, err == nil
}
