package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"unicode/utf8"
)

// A .ckpt is a concatenation of serialised messages of this schema (proto2,
// unchanged from MindSpore 2.0 to 2.7), one Value in each:
//
//	Checkpoint{repeated Value value=1}
//	Value{required string tag=1; oneof{TensorProto tensor=2; MapTensorProto maptensor=3}}
//	MapTensorProto{repeated TensorProto tensor=1}
//	TensorProto{repeated int64 dims=1; required string tensor_type=2; required bytes tensor_content=3}
//
// so that a record on disk is 0x0A, a length and a Value. A tensor above
// 512 MiB is several consecutive records with the same tag and the full dims.
const (
	recordKey = 0x0a

	valueTag    = 1
	valueTensor = 2
	valueMap    = 3

	mapTensor = 1

	tensorDims    = 1
	tensorType    = 2
	tensorContent = 3
)

const (
	// maxName is how many characters the name of a parameter may have that
	// MindSpore makes when it loads a .ckpt, blanks around it not counted; of a
	// .safetensors it loads any [measured, 2.7.0]. maxTag is that in bytes. The
	// longest names seen have about 100.
	maxName   = 1024
	maxTag    = maxName * utf8.UTFMax
	maxType   = 64
	maxSlices = 1 << 16 // of 512 MiB each: 32 TiB
	mapType   = "map"
)

// crcTrailer ends a file that was saved with crc_check=True (MindSpore 2.3.1
// and later): these letters, then the CRC-32 (IEEE) of everything before them
// as a 10-byte big-endian number.
var crcTrailer = []byte("crc_num")

const crcTrailerLen = 17

// ckptFile walks one .ckpt.
type ckptFile struct {
	w    *window
	each func(*Tensor) error
	// open is the tensor whose slices are being put together.
	open *Tensor
	// any says that there was a tensor at all.
	any bool
}

// record is one Value: a tensor, a slice of one, or a map parameter.
type record struct {
	tag    string
	tensor *Tensor
}

// walk calls each for every tensor, in file order. It returns the CRC that the
// trailer holds, nil without one.
func (c *ckptFile) walk(ctx context.Context) (crc *uint32, err error) {
	for off := int64(0); off < c.w.size; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if crc, err = c.trailer(off); crc != nil || err != nil {
			break
		}
		if off, err = c.record(off); err != nil {
			break
		}
	}
	if err == nil {
		err = c.flush()
	}
	if err == nil && !c.any {
		err = damagef("it holds no tensor")
	}
	return crc, err
}

// trailer recognises the trailer at a record boundary only: the same letters
// inside a tensor's data mean nothing.
func (c *ckptFile) trailer(off int64) (*uint32, error) {
	if c.w.size-off != crcTrailerLen {
		return nil, nil
	}
	b, err := c.w.at(off, crcTrailerLen)
	if err != nil || !bytes.HasPrefix(b, crcTrailer) {
		return nil, err
	}
	n := b[len(crcTrailer):]
	if n[0] != 0 || n[1] != 0 || binary.BigEndian.Uint64(n[2:]) > math.MaxUint32 {
		return nil, damagef("its CRC trailer holds a number of more than 32 bits")
	}
	crc := uint32(binary.BigEndian.Uint64(n[2:]))
	return &crc, nil
}

// record reads the record at off and returns where the next one begins.
func (c *ckptFile) record(off int64) (next int64, err error) {
	key, err := c.w.at(off, 1)
	if err != nil {
		return 0, err
	}
	if key[0] != recordKey {
		return 0, &damage{foreign: off == 0,
			reason: damagef("there is no tensor at byte %d, where one should begin", off).Error()}
	}
	n, body, err := c.w.varint(off+1, math.MaxInt64)
	if errors.Is(err, errCut) {
		return 0, damagef("cut off at byte %d, within the length of a record", off)
	}
	if err == nil && n > uint64(math.MaxInt64-body) {
		err = damagef("the record at byte %d claims %d bytes", off, n)
	}
	if err != nil {
		return 0, foreignAt(off, err)
	}
	end := body + int64(n)
	r, err := c.value(body, end)
	if end > c.w.size && (err == nil || errors.Is(err, errCut)) {
		return 0, cutOff(r.tag, off, end-c.w.size)
	}
	if err == nil {
		err = c.add(r)
	}
	if err != nil {
		return 0, foreignAt(off, err)
	}
	return end, nil
}

func cutOff(tag string, off, missing int64) error {
	if tag == "" {
		return damagef("cut off within the record at byte %d: %d bytes are missing", off, missing)
	}
	return damagef("cut off within tensor %q: %d bytes are missing", tag, missing)
}

// foreignAt marks damage in the very first record: then the file is something
// else altogether, and its name or first bytes say what better than a byte
// that did not fit.
func foreignAt(off int64, err error) error {
	var d *damage
	if off == 0 && errors.As(err, &d) {
		return &damage{reason: d.reason, foreign: true}
	}
	return err
}

// add puts the slices of a tensor together.
func (c *ckptFile) add(r record) error {
	if c.open == nil || c.open.Name != r.tag {
		if err := c.flush(); err != nil {
			return err
		}
		c.open = r.tensor
		return nil
	}
	o := c.open
	if o.Type != r.tensor.Type || shapeText(o.Shape) != shapeText(r.tensor.Shape) {
		return damagef("the slices of tensor %q differ in type or shape", r.tag)
	}
	if len(o.sections) == maxSlices {
		return damagef("tensor %q has more than %d slices", r.tag, maxSlices)
	}
	o.Bytes += r.tensor.Bytes
	o.sections = append(o.sections, r.tensor.sections...)
	return nil
}

// flush checks the tensor that is complete now and hands it on.
func (c *ckptFile) flush() error {
	t := c.open
	if t == nil {
		return nil
	}
	c.open, c.any = nil, true
	if n := utf8.RuneCountInString(strings.TrimSpace(t.Name)); n > maxName {
		return damagef("the name of a tensor has %d characters; MindSpore writes such a name, and loads none of more than %d", n, maxName)
	}
	if err := checkCkptType(t); err != nil {
		return err
	}
	if err := checkSize(t); err != nil {
		return err
	}
	return c.each(t)
}

func checkSize(t *Tensor) error {
	want, known, err := wantBytes(t.Type, t.Shape)
	if err != nil {
		return damagef("tensor %q %s", t.Name, err)
	}
	if known && want != t.Bytes {
		return damagef("tensor %q has %d bytes, but %s of shape %s needs %d",
			t.Name, t.Bytes, t.Type, shapeText(t.Shape), want)
	}
	return nil
}
