package recipe

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"ftd/recipe/expression"
	"ftd/recipe/fetch"
)

// absolute is a path as a person writes it, made absolute: relative to base, from
// the home directory on (~/data), or as an address of this machine
// (file:///data). What comes with ftd, and what is not known yet, stays.
func absolute(path, base string) string {
	switch rest, home := strings.CutPrefix(path, "~/"); {
	case path == "" || filepath.IsAbs(path) || strings.HasPrefix(path, builtinPrefix) || strings.HasPrefix(path, unmadeBegin):
		return path
	case home || path == "~":
		if dir, err := os.UserHomeDir(); err == nil && path == "~" {
			return dir
		} else if err == nil {
			return filepath.Join(dir, rest)
		}
	case strings.HasPrefix(path, "file://"):
		if u, err := url.Parse(path); err == nil && (u.Host == "" || u.Host == "localhost") && u.Path != "" {
			return filepath.Clean(u.Path)
		}
	}
	return filepath.Join(base, path)
}

// remote are the addresses of repositories that git takes and that are no paths.
var remote = expression.Lazily(`^([a-z+]+://|[\w.-]+@[\w.-]+:)`)

// located makes a location absolute, unless it is elsewhere.
func located(source, base string) string {
	if fetch.IsAddress(source) || remote().MatchString(source) && !strings.HasPrefix(source, "file://") {
		return source
	}
	return absolute(source, base)
}
