package launcher

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// excerptBytes bounds what is read from the end of a log.
const excerptBytes = 64 << 10

// LastLines returns the last n lines of the training's log that are not blank,
// each at most 1 KiB; fewer if the log is short. A progress bar that is
// redrawn counts as its last state.
func (r *Run) LastLines(n int) ([]string, error) {
	f, err := os.Open(r.Log())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	start := max(0, info.Size()-excerptBytes)
	data := make([]byte, info.Size()-start)
	got, err := f.ReadAt(data, start)
	if got == 0 && err != nil && info.Size() > 0 {
		return nil, err
	}
	text := strings.ToValidUTF8(string(data[:got]), "\uFFFD")
	if start > 0 { // the first line is cut
		_, text, _ = strings.Cut(text, "\n")
	}
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if i := strings.LastIndexByte(line, '\r'); i >= 0 {
			line = line[i+1:]
		}
		if strings.TrimSpace(line) != "" {
			lines = append(lines, line[:min(len(line), 1024)])
		}
	}
	return lines[max(0, len(lines)-n):], nil
}
