package checkpoint

import (
	"encoding/binary"
	"strings"
)

// position collects the tensors that say where a training stood.
type position struct {
	epoch, step, global *int64
	lossScale           bool
}

// add looks at one tensor; its data is read only if it is one of those.
func (p *position) add(w *window, t *Tensor) error {
	var to **int64
	switch t.Name {
	case "loss_scale":
		p.lossScale = true
		return nil
	case "epoch_num":
		to = &p.epoch
	case "step_num":
		to = &p.step
	case "global_step":
		to = &p.global
	default:
		return nil
	}
	if len(t.sections) != 1 {
		return nil
	}
	s := t.sections[0]
	integer := strings.HasPrefix(strings.ToUpper(t.Type), "I")
	if !integer || s.len != 4 && s.len != 8 {
		return nil
	}
	b, err := w.at(s.off, int(s.len))
	if err != nil {
		return err
	}
	var n int64
	if s.len == 4 {
		n = int64(int32(binary.LittleEndian.Uint32(b)))
	} else {
		n = int64(binary.LittleEndian.Uint64(b))
	}
	*to = &n
	return nil
}

// missing lists what every training checkpoint of mindformers has and this one
// lacks. They are written last, so a file that was cut between two tensors
// lacks them, while nothing else about it is wrong.
func (p *position) missing() []string {
	var m []string
	if p.epoch == nil {
		m = append(m, "epoch_num")
	}
	if p.step == nil {
		m = append(m, "step_num")
	}
	if !p.lossScale {
		m = append(m, "loss_scale")
	}
	return m
}
