package checkpoint

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// A .safetensors is an 8-byte little-endian length N, N bytes of JSON that say
// type, shape and place of every tensor, and the data. It is complete when the
// places tile the data without a gap and end where the file ends.
const (
	lengthBytes = 8
	// maxHeader is the format's own limit.
	maxHeader = 100_000_000
	// maxTensors and maxNumbers, of all shapes together, bound the memory that
	// a hostile header can ask for. The largest model there is has 91,000
	// tensors, and as many twice again with its optimizer's state.
	maxTensors = 320_000
	maxNumbers = 8 * maxTensors
	// maxToken bounds a name or number within the header.
	maxToken = 64 << 10
	// metadataKey holds strings about the file; MindSpore puts its CRC there.
	metadataKey = "__metadata__"
	crcKey      = "crc_num"
)

// safetensorsFile is the table of contents of one .safetensors.
type safetensorsFile struct {
	tensors []*Tensor // in file order once checked
	names   map[string]bool
	numbers int // in all shapes
	crc     *uint32
	// short is why the file ends too early; tensors are those that are whole.
	short error
}

// readSafetensors reads and checks the header; it reads nothing of the data.
func readSafetensors(ctx context.Context, r io.ReaderAt, size int64) (*safetensorsFile, error) {
	var head [lengthBytes]byte
	if size < lengthBytes {
		return nil, damagef("cut off within the length of its header: it has %d bytes", size)
	}
	if n, err := r.ReadAt(head[:], 0); n < lengthBytes {
		return nil, readError(0, err)
	}
	n := binary.LittleEndian.Uint64(head[:])
	switch {
	case n > maxHeader:
		return nil, &damage{foreign: true, reason: fmt.Sprintf("its header claims %d bytes; the format allows %d", n, maxHeader)}
	case int64(n) > size-lengthBytes:
		return nil, damagef("cut off within its header: %d bytes are missing", int64(n)-(size-lengthBytes))
	}
	f := &safetensorsFile{names: map[string]bool{}}
	header := &tokenGuard{r: io.NewSectionReader(r, lengthBytes, int64(n))}
	decoder := json.NewDecoder(bufio.NewReader(header))
	decoder.UseNumber()
	if err := f.header(ctx, decoder); err != nil {
		var d *damage
		var syntax *json.SyntaxError
		switch {
		case errors.As(err, &d):
			return nil, d
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			if header.read < int64(n) {
				return nil, readError(lengthBytes, err)
			}
			return nil, damagef("its header ends in the middle of the JSON")
		case errors.As(err, &syntax):
			return nil, damagef("its header is not the JSON of a safetensors file: %s", err)
		}
		return nil, err
	}
	f.names = nil
	return f, f.tile(lengthBytes+int64(n), size)
}

// header reads the JSON object token by token.
func (f *safetensorsFile) header(ctx context.Context, d *json.Decoder) error {
	if err := expect(d, json.Delim('{')); err != nil {
		return err
	}
	for d.More() {
		if err := ctx.Err(); err != nil {
			return err
		}
		name, err := d.Token()
		if err != nil {
			return err
		}
		if name == metadataKey {
			err = f.metadata(d)
		} else {
			err = f.entry(d, name.(string))
		}
		if err != nil {
			return err
		}
	}
	if err := expect(d, json.Delim('}')); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return damagef("its header goes on after the JSON")
	}
	return nil
}

func expect(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != want {
		return damagef("its header is not the JSON of a safetensors file: there is %v where %v should be", t, want)
	}
	return nil
}

func (f *safetensorsFile) metadata(d *json.Decoder) error {
	if err := expect(d, json.Delim('{')); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		value, err := d.Token()
		if err != nil {
			return err
		}
		text, ok := value.(string)
		if !ok {
			return damagef("its metadata holds something else than strings")
		}
		if key == crcKey {
			n, err := strconv.ParseUint(text, 10, 32)
			if err != nil {
				return damagef("its CRC %q is not a 32-bit number", text)
			}
			crc := uint32(n)
			f.crc = &crc
		}
	}
	return expect(d, json.Delim('}'))
}

// entry reads the description of one tensor.
func (f *safetensorsFile) entry(d *json.Decoder, name string) error {
	if len(f.tensors) == maxTensors {
		return damagef("its header names more than %d tensors", maxTensors)
	}
	if f.names[name] {
		return damagef("its header names tensor %q twice", name)
	}
	f.names[name] = true
	t := &Tensor{Name: name, Shape: []int64{}}
	if err := expect(d, json.Delim('{')); err != nil {
		return err
	}
	var offsets []int64
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		switch key {
		case "dtype":
			value, err := d.Token()
			if err != nil {
				return err
			}
			t.Type, _ = value.(string)
		case "shape":
			t.Shape, err = numbers(d, t.Shape, maxDims)
		case "data_offsets":
			offsets, err = numbers(d, nil, 2)
		default:
			return damagef("tensor %q has the unknown property %v", name, key)
		}
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
	}
	if err := expect(d, json.Delim('}')); err != nil {
		return err
	}
	if t.Type == "" || len(offsets) != 2 || offsets[0] < 0 || offsets[1] < offsets[0] {
		return damagef("tensor %q has no type, or its place in the file is absurd", name)
	}
	if f.numbers += len(t.Shape); f.numbers > maxNumbers {
		return damagef("its header holds shapes of more than %d numbers", maxNumbers)
	}
	t.Bytes = offsets[1] - offsets[0]
	t.sections = []section{{offsets[0], t.Bytes}}
	f.tensors = append(f.tensors, t)
	if err := checkType(t, safetensorsTypes); err != nil {
		return err
	}
	return checkSize(t)
}

func numbers(d *json.Decoder, to []int64, limit int) ([]int64, error) {
	if err := expect(d, json.Delim('[')); err != nil {
		return nil, err
	}
	for d.More() {
		if len(to) == limit {
			return nil, damagef("a list of more than %d numbers is absurd", limit)
		}
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		text, _ := t.(json.Number)
		n, err := strconv.ParseInt(text.String(), 10, 64)
		if err != nil {
			return nil, damagef("its header is not the JSON of a safetensors file: there is %v where a whole number should be", t)
		}
		to = append(to, n)
	}
	return to, expect(d, json.Delim(']'))
}

// tile checks that the tensors cover the data, which begins at data, and makes
// their places those in the file.
func (f *safetensorsFile) tile(data, size int64) error {
	slices.SortFunc(f.tensors, func(a, b *Tensor) int {
		return cmp.Or(cmp.Compare(a.sections[0].off, b.sections[0].off), cmp.Compare(a.Bytes, b.Bytes))
	})
	end := int64(0)
	for _, t := range f.tensors {
		s := &t.sections[0]
		if s.off != end {
			return damagef("tensor %q does not begin where the one before it ends (%d, not %d)", t.Name, s.off, end)
		}
		end = s.off + s.len
	}
	switch have := size - data; {
	case len(f.tensors) == 0:
		return damagef("it holds no tensor")
	case end > have:
		f.cut(data, have, end)
	case end < have:
		return damagef("%d bytes follow the last tensor", have-end)
	}
	for _, t := range f.tensors {
		t.sections[0].off += data
	}
	return nil
}

// cut keeps the tensors that are whole of a file that ends after have bytes of
// data, which should be end, and says within which one it does.
func (f *safetensorsFile) cut(data, have, end int64) {
	whole := slices.IndexFunc(f.tensors, func(t *Tensor) bool { return t.sections[0].off+t.sections[0].len > have })
	f.short = damagef("cut off: %d of %d bytes are missing, from %q on, tensor %d of %d",
		end-have, data+end, f.tensors[whole].Name, whole+1, len(f.tensors))
	f.tensors = f.tensors[:whole]
}
