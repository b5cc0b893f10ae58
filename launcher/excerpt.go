package launcher

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// excerptBytes bounds what is read from the end of a log.
const excerptBytes = 64 << 10

// LastLines returns the last n lines of a log that are not blank, each at most
// 1 KiB; fewer if the log is short. A progress bar that is redrawn counts as its
// last state.
func LastLines(path string, n int) ([]string, error) {
	data, err := lastBytes(path, excerptBytes)
	if len(data) == 0 && err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	text := strings.ToValidUTF8(string(data), "\uFFFD")
	if len(data) == excerptBytes { // the first line is cut
		_, text, _ = strings.Cut(text, "\n")
	}
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		line = line[strings.LastIndexByte(line, '\r')+1:]
		if line != "" {
			lines = append(lines, line[:min(len(line), 1024)])
		}
	}
	return lines[max(0, len(lines)-n):], nil
}

// lastBytes returns the last bytes of a file.
func lastBytes(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data := make([]byte, min(limit, info.Size()))
	n, err := f.ReadAt(data, info.Size()-int64(len(data)))
	if n == len(data) {
		err = nil
	}
	return data[:n], err
}
