package doctor

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

// mostHeader bounds the JSON at the beginning of a MindRecord; its header page
// has 16 MB by default.
const mostHeader = 64 << 20

// rowLengths returns how many numbers each of the first rows of a MindRecord
// has in a field, such as the tokens in input_ids. Bytes as MindSpore 2.0.0 and
// 2.7.0 write them: eight bytes with the length of the header (little endian),
// the header in JSON, from header_size on pages; a row in a page of kind
// BLOB_DATA is its length (little endian), and then field by field a length
// (big endian, left out where there is but one field), the number of numbers
// (four bytes, big endian) and the numbers, compressed.
func rowLengths(path, field string, most int) ([]int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h, err := readRecordHeader(f)
	if err != nil {
		return nil, fmt.Errorf("%s is no MindRecord: %w", path, err)
	}
	if len(h.Schema) == 0 {
		return nil, fmt.Errorf("%s has no schema", path)
	}
	fields := h.Schema[0].BlobFields
	place := slices.Index(fields, field)
	if place < 0 {
		return nil, fmt.Errorf("%s has no field %s, but %v", path, field, fields)
	}
	var lengths []int64
	for _, page := range h.Page {
		if page.Type != "BLOB_DATA" {
			continue
		}
		at := h.HeaderSize + page.ID*h.PageSize
		end := at + page.Size
		for at < end && len(lengths) < most {
			size, n, err := rowAt(f, at, place, len(fields))
			if err != nil {
				return lengths, fmt.Errorf("%s cannot be read at byte %d: %w", path, at, err)
			}
			lengths = append(lengths, n)
			at += 8 + size
		}
	}
	return lengths, nil
}

// recordFields lists the fields of a MindRecord, of all kinds.
func recordFields(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h, err := readRecordHeader(f)
	if err != nil || len(h.Schema) == 0 {
		return nil, fmt.Errorf("%s is no MindRecord: %w", path, err)
	}
	return slices.AppendSeq(slices.Clone(h.Schema[0].BlobFields), maps.Keys(h.Schema[0].Schema)), nil
}

type recordHeader struct {
	HeaderSize int64 `json:"header_size"`
	PageSize   int64 `json:"page_size"`
	Page       []struct {
		ID   int64  `json:"page_id"`
		Size int64  `json:"page_size"`
		Type string `json:"page_type"`
	} `json:"page"`
	Schema []struct {
		BlobFields []string                   `json:"blob_fields"`
		Schema     map[string]json.RawMessage `json:"schema"`
	} `json:"schema"`
}

func readRecordHeader(f *os.File) (recordHeader, error) {
	var h recordHeader
	var size uint64
	if err := binary.Read(f, binary.LittleEndian, &size); err != nil {
		return h, err
	}
	if size == 0 || size > mostHeader {
		return h, fmt.Errorf("a header of %d bytes", size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(f, text); err != nil {
		return h, err
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, err
	}
	if h.HeaderSize <= 0 || h.PageSize <= 0 {
		return h, fmt.Errorf("pages of %d bytes", h.PageSize)
	}
	return h, nil
}

// rowAt returns the size of the row at a place, and how many numbers it has in
// a field.
func rowAt(f io.ReaderAt, at int64, place, fields int) (size, numbers int64, err error) {
	eight := make([]byte, 8)
	if _, err := f.ReadAt(eight, at); err != nil {
		return 0, 0, err
	}
	size = int64(binary.LittleEndian.Uint64(eight))
	if size <= 0 || size > mostHeader {
		return 0, 0, fmt.Errorf("a row of %d bytes", size)
	}
	begin := at + 8
	for i := 0; fields > 1 && i <= place; i++ {
		if _, err := f.ReadAt(eight, begin); err != nil {
			return 0, 0, err
		}
		begin += 8
		if i < place {
			begin += int64(binary.BigEndian.Uint64(eight))
		}
	}
	if _, err := f.ReadAt(eight[:4], begin); err != nil {
		return 0, 0, err
	}
	return size, int64(binary.BigEndian.Uint32(eight)), nil
}
