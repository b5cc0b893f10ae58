package server

import (
	"io"
	"os"

	"ftd/logparse"
)

// seekTail moves to the beginning of the n-th line from the end, or to where a
// hole ends before that: what is before it was emptied once.
func seekTail(file *os.File, n int64) error {
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	buffer := make([]byte, 32<<10)
	// The newline that ends the last line does not begin one.
	for at, lines := end, int64(0); at > 0; {
		size := min(at, int64(len(buffer)))
		at -= size
		if _, err := file.ReadAt(buffer[:size], at); err != nil {
			return err
		}
		if logparse.IsHole(buffer[:size]) {
			_, err := file.Seek(at+size, io.SeekStart)
			return err
		}
		for i := size - 1; i >= 0; i-- {
			if buffer[i] != '\n' || at+i == end-1 {
				continue
			}
			if lines++; lines == n {
				_, err := file.Seek(at+i+1, io.SeekStart)
				return err
			}
		}
	}
	_, err = file.Seek(0, io.SeekStart)
	return err
}
