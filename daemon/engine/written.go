package engine

import (
	"time"

	"golang.org/x/sys/unix"
)

// writing is how long a file was being written: from when it was made to its
// last change. It is not known (false) where the filesystem does not keep when
// a file was made, and of a file that was there before since and was only
// written over.
func writing(path string, since time.Time) (time.Duration, bool) {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BTIME|unix.STATX_MTIME, &st)
	if err != nil || st.Mask&unix.STATX_BTIME == 0 || st.Mask&unix.STATX_MTIME == 0 {
		return 0, false
	}
	made := time.Unix(st.Btime.Sec, int64(st.Btime.Nsec))
	changed := time.Unix(st.Mtime.Sec, int64(st.Mtime.Nsec))
	if made.Before(since) || changed.Before(made) {
		return 0, false
	}
	return changed.Sub(made), true
}
