package launcher

import (
	"net/url"
	"regexp"
	"strings"
)

// mask stands for a secret that is not shown.
const mask = "********"

// secretName matches variables whose whole value is a secret.
var secretName = regexp.MustCompile(`(?i)(TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|(^|_)(API_?|ACCESS_?|PRIVATE_?)?KEY(_ID)?|(^|_)(AK|SK|AUTH|COOKIE|SIGNATURE))$`)

// userInfo matches a password in an address: proxies carry them.
var userInfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)([^/\s@]+)@`)

// Shown returns the value as it may be printed: secrets are masked.
func (v Var) Shown() string { return shown(v.Name, v.Value) }

func shown(name, value string) string {
	if value != "" && secretName.MatchString(name) && !strings.HasPrefix(name, "FTD_RUN_") {
		return mask
	}
	return userInfo.ReplaceAllStringFunc(value, func(match string) string {
		parts := userInfo.FindStringSubmatch(match)
		user, _, hasPassword := strings.Cut(parts[2], ":")
		if !hasPassword {
			return match
		}
		if u, err := url.PathUnescape(user); err == nil {
			user = u
		}
		return parts[1] + user + ":" + mask + "@"
	})
}
