package checkpoint

// value reads a Value. What was read before an error is returned with it.
func (c *ckptFile) value(off, end int64) (r record, err error) {
	for off < end {
		f, err := c.w.field(off, end)
		if err != nil {
			return r, err
		}
		switch f.number {
		case valueTag:
			r.tag, err = c.w.text(f, maxTag)
		case valueTensor:
			r.tensor, err = c.tensor(f)
		case valueMap:
			r.tensor, err = c.mapTensor(f)
		}
		if err != nil {
			return r, err
		}
		off = f.next
	}
	switch {
	case r.tag == "":
		return r, damagef("a record has no tensor name")
	case r.tensor == nil:
		return r, damagef("tensor %q has no data", r.tag)
	}
	r.tensor.Name = r.tag
	return r, nil
}

// tensor reads a TensorProto. Its content is only located.
func (c *ckptFile) tensor(f field) (*Tensor, error) {
	if f.wire != wireBytes {
		return nil, damagef("a tensor is a number")
	}
	t := &Tensor{Shape: []int64{}}
	for off, end := f.off, f.off+f.len; off < end; {
		g, err := c.w.field(off, end)
		if err != nil {
			return nil, err
		}
		switch g.number {
		case tensorDims:
			err = c.dims(t, g)
		case tensorType:
			t.Type, err = c.w.text(g, maxType)
		case tensorContent:
			if g.wire != wireBytes {
				return nil, damagef("a tensor's content is a number")
			}
			t.Bytes = g.len
			t.sections = []section{{g.off, g.len}}
		}
		if err != nil {
			return nil, err
		}
		off = g.next
	}
	if t.Type == "" || t.sections == nil {
		return nil, damagef("a tensor has no type or no content")
	}
	// MindSpore 2.0 writes a scalar with the dims [0], 2.7 without dims; an
	// empty tensor is refused by the one and left out by the other.
	if len(t.Shape) == 1 && t.Shape[0] == 0 {
		t.Shape = t.Shape[:0]
	}
	return t, nil
}

// dims reads one dimension, or a packed list of them, which MindSpore does not
// write but every protobuf reader takes.
func (c *ckptFile) dims(t *Tensor, f field) error {
	if f.wire == wireVarint {
		return addDim(t, f.value)
	}
	if f.wire != wireBytes {
		return damagef("a dimension is not a number")
	}
	for off, end := f.off, f.off+f.len; off < end; {
		v, next, err := c.w.varint(off, end)
		if err != nil {
			return err
		}
		if err := addDim(t, v); err != nil {
			return err
		}
		off = next
	}
	return nil
}

func addDim(t *Tensor, v uint64) error {
	if len(t.Shape) == maxDims {
		return damagef("a tensor has more than %d dimensions", maxDims)
	}
	t.Shape = append(t.Shape, int64(v))
	return nil
}

// mapTensor reads a slice of a map parameter: keys, values and states, each a
// tensor of its own shape, which is checked here.
func (c *ckptFile) mapTensor(f field) (*Tensor, error) {
	if f.wire != wireBytes {
		return nil, damagef("a map parameter is a number")
	}
	m := &Tensor{Type: mapType, Shape: []int64{}, sections: []section{{f.off, f.len}}}
	for off, end := f.off, f.off+f.len; off < end; {
		g, err := c.w.field(off, end)
		if err != nil {
			return nil, err
		}
		if g.number == mapTensor {
			t, err := c.tensor(g)
			if err != nil {
				return nil, err
			}
			t.Name = mapType
			// An empty map has a dimension of 0, which is no scalar here.
			if t.Bytes != 0 {
				if err := checkSize(t); err != nil {
					return nil, err
				}
			}
			m.Bytes += t.Bytes
		}
		off = g.next
	}
	return m, nil
}
