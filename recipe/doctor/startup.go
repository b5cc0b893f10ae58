package doctor

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// startFiles are what shells read when they start, below the home directory.
var startFiles = []string{".bashrc", ".bash_profile", ".profile", ".zshrc", ".zshenv"}

// unset is the command that is rid of variables: in this shell, and in the
// start-up files that set them.
func (s *Subject) unset(names ...string) string {
	return s.comment(`^\s*(export\s+)?(`+strings.Join(names, "|")+`)=`) + "unset " + strings.Join(names, " ")
}

// comment is the command that turns the lines of start-up files that match into
// comments, with what joins it to another; "" if there are none. The pattern
// means the same to sed -E.
func (s *Subject) comment(pattern string) string {
	lines := regexp.MustCompile(`(?m)` + pattern)
	command := ""
	for _, name := range startFiles {
		path := filepath.Join(s.Home, name)
		if text, err := os.ReadFile(path); err == nil && s.Home != "" && lines.Match(text) {
			command += "sed -i -E '/" + strings.ReplaceAll(pattern, "/", `\/`) + "/s/^/# /' " + Quoted(path) + "; "
		}
	}
	return command
}

// quotedAll are words as a shell takes them.
func quotedAll(words []string) string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = Quoted(word)
	}
	return strings.Join(all, " ")
}

// Quoted is a word as a shell takes it.
func Quoted(path string) string {
	if strings.ContainsAny(path, " \t\"'$`\\&;|<>()*?[]{}#~!") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
