package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
)

// stateSuffix ends the name of the file beside a part that says what it is of.
const stateSuffix = ".json"

// partState is what must be the same for a part to be gone on with.
type partState struct {
	Source string `json:"source"`
	// Validator is the ETag (a strong one) or the Last-Modified of the file.
	Validator string `json:"validator,omitempty"`
	Size      int64  `json:"size,omitempty"`
}

// part is a file on its way.
type part struct{ *os.File }

// openPart opens path for writing at offset; what is behind it is cut off.
func openPart(path string, state partState, offset int64) (*part, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	p := &part{f}
	text, err := json.Marshal(state)
	if err == nil {
		err = writeFile(path+stateSuffix, text)
	}
	if err == nil {
		err = f.Truncate(offset)
	}
	if err == nil {
		_, err = f.Seek(offset, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return p, nil
}

// readState returns what is known about a part; the zero state is nothing.
func readState(path string) partState {
	var state partState
	text, err := os.ReadFile(path + stateSuffix)
	if err != nil || json.Unmarshal(text, &state) != nil {
		return partState{}
	}
	return state
}

func partSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func (p *part) sum() (digest string, size int64, err error) {
	if _, err := p.Seek(0, io.SeekStart); err != nil {
		return "", 0, err
	}
	h := sha256.New()
	size, err = io.Copy(h, p.File)
	return hex.EncodeToString(h.Sum(nil)), size, err
}

func (p *part) discard() {
	os.Remove(p.Name())
	os.Remove(p.Name() + stateSuffix)
}
