package api

import (
	"os"
	"path/filepath"
	"strconv"
)

// SystemSocket is where the system service listens.
const SystemSocket = "/run/ftd/ftd.sock"

// UserSocket is where a daemon started by an ordinary user listens:
// $XDG_RUNTIME_DIR/ftd/ftd.sock, or /tmp/ftd-UID/ftd.sock where there is no
// such directory, as in containers and cloud notebooks. The place must not
// depend on $TMPDIR or on the state directory: daemon and client find each
// other by computing it alike. The daemon refuses the directory unless it is
// the user's own and closed to others.
func UserSocket() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "ftd", "ftd.sock")
	}
	return filepath.Join("/tmp", "ftd-"+strconv.Itoa(os.Getuid()), "ftd.sock")
}

// Sockets lists where a client looks for the daemon, in order: $FTD_SOCKET
// alone if it is set, else the system service and then the user's own; in a
// shell that no login made, by su or cron, also where a login would have it.
func Sockets() []string {
	if path := os.Getenv("FTD_SOCKET"); path != "" {
		return []string{path}
	}
	sockets := []string{SystemSocket, UserSocket()}
	if !filepath.IsAbs(os.Getenv("XDG_RUNTIME_DIR")) {
		sockets = append(sockets, filepath.Join("/run/user", strconv.Itoa(os.Getuid()), "ftd", "ftd.sock"))
	}
	return sockets
}
