package checkpoint

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// From mindformers 1.7 on, with use_legacy_format: False, a checkpoint is a
// directory:
//
//	ROOT/latest_checkpointed_iteration.txt    a number; written last, not atomically
//	ROOT/iteration_00000020/
//	    [PREFIX-]model-0000000-0000008.safetensors, opt-… likewise
//	    common.json      where the training stood
//	    metadata.json    which file holds what; only with several cards
//
// It is complete when the tracker names it or a later one, every file that
// metadata.json names is there, every shard of the total in the names is
// there, and each of them is complete.
const (
	trackerName  = "latest_checkpointed_iteration.txt"
	commonName   = "common.json"
	metadataName = "metadata.json"
	// maxIndex bounds what is read of one JSON file.
	maxIndex = 64 << 20
)

// iteration is one iteration_N directory.
type iteration struct {
	path   string
	number int64
	info   fs.FileInfo
}

// IsIteration says whether path is an iteration directory, which [Verify]
// takes like a file.
func IsIteration(path string) bool {
	_, ok, _ := iterationAt(path)
	return ok
}

// iterationAt says whether path is an iteration directory.
func iterationAt(path string) (it iteration, ok bool, err error) {
	m := iterationDir().FindStringSubmatch(filepath.Base(path))
	if m == nil {
		return it, false, nil
	}
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return it, false, err
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	return iteration{path, n, info}, err == nil, err
}

// common is common.json.
type common struct {
	Epoch  *int64 `json:"epoch_num"`
	Step   *int64 `json:"step_num"`
	Global *int64 `json:"global_step"`
}

func (it iteration) inspect(ctx context.Context, opt Options, each func(*Tensor) error) (Verdict, error) {
	v := Verdict{Path: it.path, Format: FormatSafetensors, GlobalStep: &it.number, Modified: it.info.ModTime()}
	files, err := it.files(ctx)
	if err == nil {
		err = it.tracked()
	}
	if err == nil {
		err = it.position(&v)
	}
	for _, f := range files {
		w, ferr := Inspect(ctx, f, Options{Deep: opt.Deep}, each)
		if ferr != nil {
			if ctx.Err() != nil || !errors.Is(ferr, fs.ErrNotExist) {
				return v, ferr
			}
			ferr = damagef("%s is missing", filepath.Base(f))
		} else if !w.Complete {
			ferr = damagef("%s: %s", filepath.Base(f), w.Reason)
		}
		v.add(w)
		if err == nil {
			err = ferr
		}
	}
	var d *damage
	switch {
	case err == nil:
		v.Complete = true
	case errors.As(err, &d):
		v.Reason = d.reason
	default:
		return v, err
	}
	return v, nil
}

// add counts one of several files into the verdict on all of them.
func (v *Verdict) add(w Verdict) {
	v.Tensors += w.Tensors
	v.Bytes += w.Bytes
	if w.Modified.After(v.Modified) {
		v.Modified = w.Modified
	}
	if w.Deep == nil {
		return
	}
	if v.Deep == nil {
		v.Deep = &Deep{CRC: w.Deep.CRC}
	}
	v.Deep.NaN += w.Deep.NaN
	v.Deep.Inf += w.Deep.Inf
	if w.Deep.CRC == CRCMismatch || v.Deep.CRC == CRCOK && w.Deep.CRC == CRCNone {
		v.Deep.CRC = w.Deep.CRC
	}
	room := maxNonFinite - len(v.Deep.NonFinite)
	v.Deep.NonFinite = append(v.Deep.NonFinite, w.Deep.NonFinite[:min(room, len(w.Deep.NonFinite))]...)
}

// tracked says whether the tracker has reached this iteration.
func (it iteration) tracked() error {
	b, err := readSmall(filepath.Join(filepath.Dir(it.path), trackerName), 64)
	if errors.Is(err, fs.ErrNotExist) {
		return damagef("saving it has not finished: there is no %s beside it", trackerName)
	}
	if err != nil {
		return err
	}
	// The file is rewritten in place, so that it is empty for a moment.
	n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	if err != nil {
		return damagef("saving it has not finished: %s holds no number", trackerName)
	}
	if n < it.number {
		return damagef("saving it has not finished: %s says %d", trackerName, n)
	}
	return nil
}

// position reads where the training stood.
func (it iteration) position(v *Verdict) error {
	b, err := readSmall(filepath.Join(it.path, commonName), maxIndex)
	if errors.Is(err, fs.ErrNotExist) {
		return damagef("%s is missing", commonName)
	}
	if err != nil {
		return err
	}
	var c common
	if err := json.Unmarshal(b, &c); err != nil {
		return damagef("%s is not whole: %s", commonName, err)
	}
	v.Epoch, v.Step = c.Epoch, c.Step
	if c.Global != nil {
		v.GlobalStep = c.Global
	}
	return nil
}

var shardParts = lazily(`^((?:.*-)?(?:model|opt)-)(\d{7})-(\d{7})(\.safetensors)$`)

// files lists the files that have to be there: those that are, the others of
// their series, and those that metadata.json names.
func (it iteration) files(ctx context.Context) ([]string, error) {
	entries, err := os.ReadDir(it.path)
	if err != nil {
		return nil, err
	}
	want := map[string]bool{}
	for _, e := range entries {
		m := shardParts().FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		want[e.Name()] = true
		total, _ := strconv.Atoi(m[3])
		for i := range min(total, maxTensors) {
			want[fmt.Sprintf("%s%07d-%s%s", m[1], i, m[3], m[4])] = true
		}
	}
	if len(want) == 0 {
		return nil, damagef("it holds no safetensors file")
	}
	named, err := it.named(ctx)
	maps.Copy(want, named)
	files := make([]string, 0, len(want))
	for n := range want {
		files = append(files, filepath.Join(it.path, n))
	}
	slices.Sort(files)
	return files, err
}

// named lists the files that metadata.json says hold the tensors.
func (it iteration) named(ctx context.Context) (map[string]bool, error) {
	f, err := openFile(filepath.Join(it.path, metadataName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return metadataFiles(ctx, f)
}

// readSmall reads a file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = damagef("%s has more than %d bytes", filepath.Base(path), limit)
	}
	return b, err
}
