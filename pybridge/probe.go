//go:build python

package pybridge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// probed is what an environment's python says of itself.
type probed struct {
	Version        string `json:"version"`
	Minor          string `json:"minor"`
	BasePrefix     string `json:"base_prefix"`
	BaseExecPrefix string `json:"base_exec_prefix"`
}

// probeProgram imports what the start of an interpreter cannot do without: an
// embedded one aborts the whole process when encodings is missing.
const probeProgram = `import encodings, json, sys
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3],
    "minor": "%d.%d" % sys.version_info[:2],
    "base_prefix": sys.base_prefix,
    "base_exec_prefix": sys.base_exec_prefix,
}))`

// probe starts the environment's python once, in a process of its own.
func probe(ctx context.Context, program string) (probed, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "-c", probeProgram)
	cmd.Env = without(os.Environ(), "PYTHONHOME")
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, context.DeadlineExceeded) {
			err = errors.New("it did not answer within 30 seconds")
		} else if lines := strings.Split(strings.TrimSpace(stderr.String()), "\n"); lines[len(lines)-1] != "" {
			err = errors.New(lines[len(lines)-1])
		}
		return probed{}, fmt.Errorf("the environment's interpreter %s does not start: %w; repair the environment or make it anew", program, err)
	}
	var p probed
	if err := json.Unmarshal(out, &p); err != nil {
		return probed{}, fmt.Errorf("%s does not behave like a Python: %w", program, err)
	}
	return p, nil
}

// home is the value for PYTHONHOME: where the standard library is. It is given
// explicitly, since a venv and a conda environment are found in different
// ways; the venv's own packages are found by the program's name.
func (p probed) home() string {
	if p.BaseExecPrefix != "" && p.BaseExecPrefix != p.BasePrefix {
		return p.BasePrefix + ":" + p.BaseExecPrefix
	}
	return p.BasePrefix
}

func without(env []string, key string) []string {
	var kept []string
	for _, entry := range env {
		if !strings.HasPrefix(entry, key+"=") {
			kept = append(kept, entry)
		}
	}
	return kept
}
