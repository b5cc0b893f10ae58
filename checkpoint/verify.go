package checkpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Options say how closely to look. The zero value looks at the structure.
type Options struct {
	// Deep reads every byte: it checks the CRC if there is one, and counts
	// NaN and Inf. A structural check alone reads a few KiB per tensor.
	Deep bool
	// Like names a complete checkpoint of the same model: a tensor that it
	// has must be there. This is how a weights-only file that was cut
	// between two tensors is found out.
	Like string
	// AnyWriter accepts PREFIX-EPOCH_STEP files without the tensors with
	// which mindformers ends them. A file that was cut between two tensors is
	// then taken for complete. Those of MindSpore's own ModelCheckpoint need
	// it only if they hold no optimizer's state, or a rank in their name as
	// mindformers 0.2 and 0.3 put there.
	AnyWriter bool
}

// Verify says whether path is a complete checkpoint: a file, or a directory
// iteration_N of mindformers 1.7 and later. Whatever is wrong with the file is
// in the verdict; an error means that it could not be read at all, for example
// because there is none.
func Verify(ctx context.Context, path string, opt Options) (Verdict, error) {
	return Inspect(ctx, path, opt, nil)
}

// Inspect is [Verify] that shows every tensor to each, in file order, before
// the verdict is known. each may keep the tensor; an error of it ends the
// reading and is returned.
func Inspect(ctx context.Context, path string, opt Options, each func(*Tensor) error) (Verdict, error) {
	if dir, ok, err := iterationAt(path); ok || err != nil {
		if err != nil {
			return Verdict{}, openError(path, err)
		}
		return dir.inspect(ctx, opt, each)
	}
	f, err := openFile(path)
	if err != nil {
		return Verdict{}, openError(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Verdict{}, openError(path, err)
	}
	i := &inspection{ctx: ctx, opt: opt, each: each, name: ParseName(path),
		v: Verdict{Path: path, Bytes: info.Size(), Modified: info.ModTime()}}
	err = i.file(f, info)
	if err == nil {
		err = unchanged(f, info)
	}
	return i.verdict(err)
}

// inspection is one file being looked at.
type inspection struct {
	ctx   context.Context
	opt   Options
	each  func(*Tensor) error
	name  Name
	v     Verdict
	pos   position
	stock stock
	w     *window
	deep  *deepReader
	like  map[string]bool
}

// verdict turns what went wrong into the verdict's reason.
func (i *inspection) verdict(err error) (Verdict, error) {
	v := &i.v
	v.Epoch, v.Step, v.GlobalStep = cmp.Or(i.pos.epoch, i.name.Epoch), cmp.Or(i.pos.step, i.name.Step), i.pos.global
	var d *damage
	switch {
	case err == nil:
		v.Complete = true
	case errors.As(err, &d):
		v.Reason = d.reason
		if d.foreign {
			v.Reason, v.Format = notCheckpoint(v.Path, d.reason), ""
		}
	case errors.Is(err, errCut):
		v.Reason = "cut off: " + err.Error()
	default:
		return *v, err
	}
	return *v, nil
}

func (i *inspection) file(f *os.File, info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return &damage{reason: "is a directory, not a checkpoint file"}
	case !info.Mode().IsRegular():
		return &damage{reason: "is not a regular file"}
	case info.Size() == 0:
		return &damage{reason: "is empty: saving it never began, or the disk was full"}
	}
	return i.content(f, info.Size())
}

// content judges the bytes of a file, which has at least one.
func (i *inspection) content(r io.ReaderAt, size int64) error {
	head := make([]byte, min(headLen, size))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return readError(int64(n), err)
	}
	if what, ok := foreign(head); ok {
		i.v.Format = what.format
		return &damage{reason: what.reason}
	}
	i.v.Format = guessFormat(i.v.Path, head)
	i.w = &window{r: r, size: size}
	if i.opt.Deep {
		i.deep = newDeepReader(i.ctx, r)
	}
	if err := i.loadLike(); err != nil {
		return err
	}
	read := i.ckpt
	if i.v.Format == FormatSafetensors {
		read = i.safetensors
	}
	if err := read(); err != nil {
		return err
	}
	return i.whole()
}

// whole holds the rules that are not about framing.
func (i *inspection) whole() error {
	if i.name.Kind == KindTemporary {
		return &damage{reason: "a temporary file: saving it has not finished"}
	}
	if i.name.Kind == KindTraining && !i.opt.AnyWriter {
		if err := i.ended(); err != nil {
			return err
		}
	}
	if len(i.like) > 0 {
		names := make([]string, 0, len(i.like))
		for n := range i.like {
			names = append(names, n)
		}
		return damagef("lacks %d tensors that %s has, such as %q", len(names), i.opt.Like, slices.Min(names))
	}
	return nil
}

// ended says whether a training checkpoint has the tensors that come last.
func (i *inspection) ended() error {
	m := i.pos.missing()
	if len(m) == 0 {
		return nil
	}
	if i.name.maybeStock() {
		// A safetensors file says itself how long it is.
		if missing, ok := i.stock.judge(&i.pos); ok || i.v.Format == FormatSafetensors {
			return missing
		}
	}
	if i.v.Format == FormatSafetensors {
		return damagef("has no %s, without which no training goes on from it", strings.Join(m, ", "))
	}
	return damagef("has no %s, with which a training checkpoint ends: it was cut between two tensors after %d of them",
		strings.Join(m, ", "), i.v.Tensors)
}

func (i *inspection) loadLike() error {
	if i.opt.Like == "" {
		return nil
	}
	i.like = map[string]bool{}
	v, err := Inspect(i.ctx, i.opt.Like, Options{AnyWriter: true}, func(t *Tensor) error {
		i.like[t.Name] = true
		return nil
	})
	if err == nil && !v.Complete {
		err = fmt.Errorf("%s: %s; it cannot be compared with", i.opt.Like, v.Reason)
	}
	return err
}

// tensor counts a tensor and shows it.
func (i *inspection) tensor(t *Tensor) error {
	i.v.Tensors++
	t.path = i.v.Path
	delete(i.like, t.Name)
	if err := i.pos.add(i.w, t); err != nil {
		return err
	}
	if i.name.maybeStock() {
		i.stock.add(t)
	}
	if i.each == nil {
		return nil
	}
	return i.each(t)
}

func (i *inspection) ckpt() error {
	if i.deep != nil {
		i.deep.sum = endsInCRC(i.w)
	}
	c := &ckptFile{w: i.w, each: func(t *Tensor) error {
		if i.deep != nil {
			if err := i.deep.ckptTensor(t); err != nil {
				return err
			}
		}
		return i.tensor(t)
	}}
	crc, err := c.walk(i.ctx)
	if err != nil || i.deep == nil {
		return err
	}
	end := i.w.size
	if crc != nil {
		end -= crcTrailerLen
	}
	if err := i.deep.ckptUpTo(end); err != nil {
		return err
	}
	i.v.Deep = &i.deep.out
	return i.deep.check(crc)
}

func (i *inspection) safetensors() error {
	f, err := readSafetensors(i.ctx, i.w.r, i.w.size)
	if err != nil {
		return err
	}
	if i.deep != nil && f.short == nil {
		i.deep.sum = f.crc != nil
		byName := slices.Clone(f.tensors)
		slices.SortFunc(byName, func(a, b *Tensor) int { return cmp.Compare(a.Name, b.Name) })
		for _, t := range byName {
			if err := i.deep.safetensorsTensor(t); err != nil {
				return err
			}
		}
	}
	for _, t := range f.tensors {
		if err := i.tensor(t); err != nil {
			return err
		}
	}
	if i.deep == nil || f.short != nil {
		return f.short
	}
	i.v.Deep = &i.deep.out
	return i.deep.check(f.crc)
}
