package checkpoint

import (
	"bytes"
	"context"
	"hash/crc32"
	"io"
)

// deepBlock is how much of a file is read at a time: large enough for the
// disk, small enough for the processor's cache.
const deepBlock = 256 << 10

// maxNonFinite is how many tensors [Deep.NonFinite] names.
const maxNonFinite = 10

// deepReader reads the data of tensors, counts what is not finite and sums up
// the CRC.
type deepReader struct {
	ctx  context.Context
	r    io.ReaderAt
	buf  []byte
	sum  bool // whether the file has a CRC at all
	crc  uint32
	done int64 // in a .ckpt: the CRC covers everything before
	out  Deep
}

// endsInCRC says whether the last bytes of a .ckpt look like a CRC trailer.
// Whether they are one, the walk decides; until then the sum is only computed.
func endsInCRC(w *window) bool {
	b, err := w.at(w.size-crcTrailerLen, crcTrailerLen)
	return err == nil && bytes.HasPrefix(b, crcTrailer)
}

func newDeepReader(ctx context.Context, r io.ReaderAt) *deepReader {
	return &deepReader{ctx: ctx, r: r, buf: make([]byte, deepBlock), out: Deep{CRC: CRCNone}}
}

// span reads n bytes at off into the CRC, and into f if there is one.
func (d *deepReader) span(off, n int64, f func([]byte)) error {
	for n > 0 {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		b := d.buf[:min(n, int64(len(d.buf)))]
		if got, err := d.r.ReadAt(b, off); got < len(b) {
			return readError(off+int64(got), err)
		}
		if d.sum {
			d.crc = crc32.Update(d.crc, crc32.IEEETable, b)
		}
		if f != nil {
			f(b)
		}
		off += int64(len(b))
		n -= int64(len(b))
	}
	return nil
}

// data reads a tensor's data.
func (d *deepReader) data(t *Tensor, before func(section) error) error {
	var count func([]byte)
	var c finiteCounter
	if c.layout = floatLayouts[t.Type]; c.layout != nil {
		count = c.write
	}
	for _, s := range t.sections {
		if before != nil {
			if err := before(s); err != nil {
				return err
			}
		}
		if err := d.span(s.off, s.len, count); err != nil {
			return err
		}
	}
	if count == nil {
		return nil
	}
	v := c.sum()
	t.Values = &v
	d.out.NaN += v.NaN
	d.out.Inf += v.Inf
	if v != (Values{}) && len(d.out.NonFinite) < maxNonFinite {
		d.out.NonFinite = append(d.out.NonFinite, t.Name)
	}
	return nil
}

// ckptTensor reads a tensor of a .ckpt. Its CRC is over the file as it is, so
// that what lies before each slice is read too.
func (d *deepReader) ckptTensor(t *Tensor) error {
	return d.data(t, func(s section) error {
		if err := d.ckptUpTo(s.off); err != nil {
			return err
		}
		d.done = s.off + s.len
		return nil
	})
}

func (d *deepReader) ckptUpTo(off int64) error {
	var err error
	if d.sum {
		err = d.span(d.done, off-d.done, nil)
	}
	d.done = off
	return err
}

// safetensorsTensor reads a tensor of a .safetensors. Its CRC is over name and
// data of all tensors, ordered by name.
func (d *deepReader) safetensorsTensor(t *Tensor) error {
	d.crc = crc32.Update(d.crc, crc32.IEEETable, []byte(t.Name))
	return d.data(t, nil)
}

// check compares the CRC with the one the file holds.
func (d *deepReader) check(want *uint32) error {
	switch {
	case want == nil:
		d.out.CRC = CRCNone
	case *want == d.crc:
		d.out.CRC = CRCOK
	default:
		d.out.CRC = CRCMismatch
		return damagef("its bytes were changed after it was written: the CRC is %08x, not %08x", d.crc, *want)
	}
	return nil
}
