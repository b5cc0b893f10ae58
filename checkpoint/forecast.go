package checkpoint

import (
	"fmt"
	"math"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"
)

// Saving describes what a training writes, for [Forecast].
type Saving struct {
	// Bytes is the size of one checkpoint of all ranks on this disk.
	Bytes int64
	// Every is the time between two of them; 0 if not known.
	Every time.Duration
	// Keep is keep_checkpoint_max: how many there are at most, 0 for all.
	Keep int
	// Present is how many there are now.
	Present int
	// Left is how many are still to be written, negative if not known.
	Left int
	// LogsPerHour is how fast the logs grow, in bytes.
	LogsPerHour int64
}

// Outlook is what is to be expected of the disk.
type Outlook struct {
	// Needed is the space that the checkpoints still to come take, at the
	// peak; -1 if there is no end to them.
	Needed int64 `json:"needed"`
	Free   int64 `json:"free"`
	Enough bool  `json:"enough"`
	// RunsOut is when the disk will be full; the zero time if it will not be,
	// or if it is not known when.
	RunsOut time.Time `json:"runs_out,omitzero"`
	// Saves is how many checkpoints fit before that; -1 if all do.
	Saves int64 `json:"saves"`
	// Warning is the outlook in a sentence; "" if there is nothing to say.
	Warning string `json:"warning,omitempty"`
}

// Forecast says whether free bytes will do, and if not, when they run out. It
// reckons with one checkpoint more than Keep: the new one is written before
// the old one goes, except by MindSpore itself, and a crashed save leaves one.
func Forecast(s Saving, free int64, now time.Time) Outlook {
	o := Outlook{Free: free, Saves: -1}
	more := s.grows()
	o.Needed = more
	if more > 0 {
		o.Needed = saturatingMul(more, s.Bytes)
	}
	perSave := s.Bytes
	if s.Every > 0 {
		perSave += int64(float64(s.LogsPerHour) * s.Every.Hours())
	}
	fit := int64(math.MaxInt64)
	if perSave > 0 {
		fit = max(free, 0) / perSave
	}
	o.Enough = more >= 0 && fit >= more
	if !o.Enough {
		o.Saves = fit
		if s.Every > 0 && fit < int64(math.MaxInt64/s.Every)-1 {
			o.RunsOut = now.Add(time.Duration(fit+1) * s.Every)
		}
	}
	o.Warning = o.words(s)
	return o
}

// grows is by how many checkpoints the disk fills up from now on, -1 for
// without end.
func (s Saving) grows() int64 {
	if s.Bytes <= 0 || s.Left == 0 {
		return 0
	}
	more := int64(-1)
	if s.Keep > 0 {
		more = int64(max(s.Keep-s.Present, 0)) + 1
	}
	if s.Left > 0 && (more < 0 || int64(s.Left) < more) {
		more = int64(s.Left)
	}
	return more
}

func (o *Outlook) words(s Saving) string {
	free, size := humanize.Bytes(uint64(max(o.Free, 0))), humanize.Bytes(uint64(max(s.Bytes, 0)))
	switch {
	case !o.Enough && o.Saves == 0:
		return fmt.Sprintf("the disk has %s free, less than one checkpoint of %s: the next save will fail", free, size)
	case !o.Enough && !o.RunsOut.IsZero():
		return fmt.Sprintf("the disk will be full after %d more checkpoints of %s, about %s",
			o.Saves, size, o.RunsOut.Format("2006-01-02 15:04"))
	case !o.Enough:
		return fmt.Sprintf("the disk will be full after %d more checkpoints of %s: it has %s free", o.Saves, size, free)
	case s.Bytes > 0 && s.Left != 0 && o.Free/2 < s.Bytes:
		return fmt.Sprintf("the disk has %s free, less than two checkpoints of %s", free, size)
	}
	return ""
}

func saturatingMul(a, b int64) int64 {
	if a > 0 && b > math.MaxInt64/a {
		return math.MaxInt64
	}
	return a * b
}

// FreeSpace is how many bytes this user may still write to the disk that path
// is on.
func FreeSpace(path string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		return 0, openError(path, err)
	}
	return saturatingMul(int64(min(st.Bavail, math.MaxInt64)), st.Bsize), nil
}
