package cmd_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The real unit, under a systemd of its own: a container whose root is this
// machine's, seen through an overlay that is thrown away.
func TestTheServiceUnderSystemd(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can start a container with a systemd of its own")
	}
	if _, err := exec.LookPath("systemd-nspawn"); err != nil {
		t.Skip("needs systemd-nspawn (apt-get install systemd-container)")
	}
	if _, err := os.Stat("/usr/share/pam-configs/systemd"); err != nil {
		t.Skip("needs what gives users a systemd of their own (apt-get install dbus libpam-systemd)")
	}
	env, built := testEnv(t), filepath.Dir(filepath.Dir(bin(t, "ftd")))
	checkout, err := filepath.Abs("..")
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "ftd")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	root := filepath.Join(dir, "root")
	require.NoError(t, os.Mkdir(root, 0o755))
	story, err := os.ReadFile("testdata/unit.sh")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "unit.sh"), story, 0o644))
	unit := fmt.Sprintf(`[Unit]
Requires=basic.target
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/bash /run/story/unit.sh %s %s %s
StandardOutput=file:/run/story/log
StandardError=inherit
TimeoutStartSec=300
ExecStopPost=/bin/systemctl poweroff --force
`, checkout, env, built)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "story.service"), []byte(unit), 0o644))

	// In a mount namespace of its own: nothing stays mounted.
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-c", `mount --bind / "$1" && shift && exec systemd-nspawn "$@"`, "sh", root,
		"--quiet", "--directory="+root, "--volatile=overlay", "--boot", "--register=no", "--keep-unit", "--private-network", "--console=pipe",
		"--machine=ftd-test", "--bind="+dir+":/run/story", "--bind-ro="+filepath.Join(dir, "story.service")+":/run/systemd/system/story.service",
		"--bind-ro="+checkout, "--bind-ro="+env, "--bind-ro="+built, "--", "--unit=story.service")
	out, err := cmd.CombinedOutput()
	log, logErr := os.ReadFile(filepath.Join(dir, "log"))
	if logErr != nil {
		t.Skipf("no container with a systemd can be started here: %v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	if lines[len(lines)-1] != "the story is told" {
		t.Fatalf("the story broke off:\n%s", strings.Join(lines[max(0, len(lines)-60):], "\n"))
	}
}
