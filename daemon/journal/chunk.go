package journal

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"ftd/api"
)

// chunk holds points of one log file, in the order of their offsets, in few
// bytes each: a hundred trainings log five thousand a second.
//
// data is a byte with the format's version, and for each point a byte of flags;
// the differences of offset, time, epoch, epochs, step, total and global step
// to those of the point before, as varints; loss and step_ms; and learning
// rate, loss scale and global norm where the flags say that the log had them.
// Numbers are IEEE 754 doubles, little end first.
type chunk struct {
	first, last int64 // offsets
	points      int
	data        []byte
	before      counters
}

const chunkVersion = 1

// The flags of a point.
const (
	hasOverflow = 1 << iota
	overflowed
	hasLR
	hasLossScale
	hasGlobalNorm
)

// counters are the whole numbers of a point.
type counters [7]int64

func countersOf(p *api.Point) counters {
	return counters{p.Offset, p.Time.UnixNano(), p.Epoch, p.Epochs, p.Step, p.Total, p.GlobalStep}
}

// with returns the chunk with one point more. c stays as it is.
func (c chunk) with(p *api.Point) chunk {
	if c.points == 0 {
		c.first, c.data = p.Offset, []byte{chunkVersion}
	}
	flags := byte(0)
	if p.Overflow != nil {
		flags |= hasOverflow
		if *p.Overflow {
			flags |= overflowed
		}
	}
	optional := []struct {
		flag  byte
		value *api.Float
	}{{hasLR, p.LR}, {hasLossScale, p.LossScale}, {hasGlobalNorm, p.GlobalNorm}}
	for _, o := range optional {
		if o.value != nil {
			flags |= o.flag
		}
	}
	c.data = append(c.data, flags)
	now := countersOf(p)
	for i := range now {
		c.data = binary.AppendVarint(c.data, now[i]-c.before[i])
	}
	c.data = appendFloat(appendFloat(c.data, p.Loss), p.StepMS)
	for _, o := range optional {
		if o.value != nil {
			c.data = appendFloat(c.data, *o.value)
		}
	}
	c.before, c.last = now, p.Offset
	c.points++
	return c
}

func appendFloat(data []byte, f api.Float) []byte {
	return binary.LittleEndian.AppendUint64(data, math.Float64bits(float64(f)))
}

var errChunk = errors.New("a chunk of points is damaged")

// decodeChunk returns the points of a chunk's data.
func decodeChunk(data []byte) (points []api.Point, err error) {
	if len(data) == 0 || data[0] != chunkVersion {
		return nil, errChunk
	}
	r := chunkReader{data: data[1:]}
	var now counters
	for len(r.data) > 0 {
		flags := r.byte()
		for i := range now {
			now[i] += r.varint()
		}
		p := api.Point{Offset: now[0], Time: time.Unix(0, now[1]).UTC(), Epoch: now[2], Epochs: now[3],
			Step: now[4], Total: now[5], GlobalStep: now[6], Loss: r.float(), StepMS: r.float()}
		if flags&hasOverflow != 0 {
			overflow := flags&overflowed != 0
			p.Overflow = &overflow
		}
		p.LR, p.LossScale, p.GlobalNorm = r.optional(flags&hasLR), r.optional(flags&hasLossScale), r.optional(flags&hasGlobalNorm)
		if r.short {
			return nil, errChunk
		}
		points = append(points, p)
	}
	return points, nil
}

// chunkReader reads until the data ends too early, which it remembers.
type chunkReader struct {
	data  []byte
	short bool
}

func (r *chunkReader) take(n int) []byte {
	if n <= 0 || n > len(r.data) {
		r.data, r.short = nil, true
		return make([]byte, 8)
	}
	taken := r.data[:n]
	r.data = r.data[n:]
	return taken
}

func (r *chunkReader) byte() byte { return r.take(1)[0] }

func (r *chunkReader) varint() int64 {
	v, n := binary.Varint(r.data)
	r.take(n)
	return v
}

func (r *chunkReader) float() api.Float {
	return api.Float(math.Float64frombits(binary.LittleEndian.Uint64(r.take(8))))
}

func (r *chunkReader) optional(flag byte) *api.Float {
	if flag == 0 {
		return nil
	}
	return r.float().Ptr()
}
