package checkpoint

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
)

// maxEntry bounds what metadata.json says of one tensor, and with it the memory
// that reading it takes: of a model with many experts on many cards the file has
// hundreds of megabytes.
const maxEntry = 16 << 20

// metadataFiles lists the files that a metadata.json says hold the tensors:
//
//	{"state_dict_metadata": {TENSOR: {…}, …},
//	 "storage_data": {SHARD: [{"file_name": FILE, "storage_rank": 0, …}, …], …}}
func metadataFiles(ctx context.Context, r io.Reader) (map[string]bool, error) {
	in := &entryReader{ctx: ctx, r: r, left: maxEntry}
	files, err := in.files(json.NewDecoder(in))
	var d *damage
	switch {
	case in.err != nil:
		return nil, in.err
	case err == nil, errors.As(err, &d):
		return files, err
	}
	return nil, damagef("%s is not whole: %s", metadataName, err)
}

// entryReader refuses to read more than maxEntry bytes from one entry to the next.
type entryReader struct {
	ctx  context.Context
	r    io.Reader
	left int
	err  error // that is no fault of the text
}

func (e *entryReader) Read(p []byte) (int, error) {
	if e.err = e.ctx.Err(); e.err != nil {
		return 0, e.err
	}
	if e.left == 0 {
		return 0, damagef("%s says more than %d bytes of one tensor", metadataName, maxEntry)
	}
	n, err := e.r.Read(p[:min(len(p), e.left)])
	e.left -= n
	if err != nil && err != io.EOF {
		e.err = err
	}
	return n, err
}

// ignored is a value that is only looked at for being whole.
type ignored struct{}

func (*ignored) UnmarshalJSON([]byte) error { return nil }

func (e *entryReader) files(d *json.Decoder) (map[string]bool, error) {
	files := map[string]bool{}
	err := e.entries(d, func(section string) error {
		switch section {
		case "storage_data":
			return e.entries(d, func(string) error { return named(d, files) })
		case "state_dict_metadata":
			return e.entries(d, func(string) error { return d.Decode(&ignored{}) })
		}
		return d.Decode(&ignored{})
	})
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, damagef("%s is not whole: it goes on after its end", metadataName)
	}
	return files, nil
}

// entries calls value for each name in an object, at its value.
func (e *entryReader) entries(d *json.Decoder, value func(name string) error) error {
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		if err == nil {
			err = errors.New("there is no object where one should be")
		}
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		e.left = maxEntry
		if err := value(name.(string)); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// named reads which files hold one shard of a tensor.
func named(d *json.Decoder, files map[string]bool) error {
	var parts []struct {
		File string `json:"file_name"`
	}
	if err := d.Decode(&parts); err != nil {
		return err
	}
	for _, p := range parts {
		if p.File != filepath.Base(p.File) {
			return damagef("%s names the file %q, which is not in its directory", metadataName, p.File)
		}
		if files[p.File] = true; len(files) > maxTensors {
			return damagef("%s names more than %d files", metadataName, maxTensors)
		}
	}
	return nil
}
