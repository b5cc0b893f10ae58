package doctor

import (
	"bufio"
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// pipIndex looks at where pip is told to take packages from. Whether that place
// answers is not asked.
func pipIndex(_ context.Context, s *Subject) []Finding {
	settings, file := s.pipSettings()
	index := settings["index-url"]
	u, err := url.Parse(index)
	switch {
	case settings["no-index"] != "" && settings["no-index"] != "false" && settings["no-index"] != "0" && settings["find-links"] == "":
		return []Finding{{
			Level:  Warning,
			Found:  say("%s says no-index, and names no find-links", "%s 设置了 no-index，却没有 find-links", file),
			Why:    say("pip finds no package at all", "pip 找不到任何软件包"),
			Remedy: say("take no-index out of %s", "请从 %s 中删去 no-index", file),
		}}
	case index == "":
		return nil
	case err != nil || u.Host == "":
		return []Finding{{
			Level:  Warning,
			Found:  say("index-url in %s is not a valid address", "%s 中的 index-url 不是有效地址", file),
			Why:    say("pip finds no package at all", "pip 找不到任何软件包"),
			Remedy: say("correct or remove it: pip config unset global.index-url", "请更正或删除：pip config unset global.index-url"),
		}}
	case u.Scheme == "http" && !contains(settings["trusted-host"], u.Hostname()) && !contains(settings["trusted-host"], u.Host):
		return []Finding{{
			Level:  Warning,
			Found:  say("index-url in %s is http://%s, and not a trusted-host", "%s 中的 index-url 为 http://%s，且未列入 trusted-host", file, u.Host),
			Why:    say("pip leaves it out: the repository is not a trusted or secure host", "pip 会忽略它：not a trusted or secure host"),
			Remedy: say("pip config set global.index-url https://%[1]s%[2]s, or pip config set global.trusted-host %[1]s", "请执行 pip config set global.index-url https://%[1]s%[2]s，或 pip config set global.trusted-host %[1]s", u.Host, u.Path),
		}}
	}
	return fine("pip takes packages from %s (%s)", "pip 从 %s 获取软件包（%s）", u.Scheme+"://"+u.Host, file)
}

func contains(list, word string) bool {
	for _, w := range strings.Fields(list) {
		if w == word {
			return true
		}
	}
	return false
}

// pipSettings are those of pip's files, the strongest last, and the last file
// that was read; a variable wins over them.
func (s *Subject) pipSettings() (settings map[string]string, from string) {
	settings = map[string]string{}
	files := []string{filepath.Join(s.Root, "/etc/pip.conf")}
	if s.Home != "" {
		files = append(files, filepath.Join(s.Home, ".pip/pip.conf"), filepath.Join(s.Home, ".config/pip/pip.conf"))
	}
	if s.Env != "" {
		files = append(files, filepath.Join(s.Env, "pip.conf"))
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			continue
		}
		key := ""
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			line := lines.Text()
			if name, value, ok := strings.Cut(line, "="); ok && strings.TrimLeft(line, " \t") == line {
				key = strings.ReplaceAll(strings.TrimSpace(name), "_", "-")
				settings[key], from = strings.TrimSpace(value), file
			} else if key != "" && strings.TrimLeft(line, " \t") != line { // goes on
				settings[key] = strings.TrimSpace(settings[key] + " " + strings.TrimSpace(line))
			}
		}
		f.Close()
	}
	if v := s.variable("PIP_INDEX_URL"); v != "" {
		settings["index-url"], from = v, "PIP_INDEX_URL"
	}
	return settings, from
}
