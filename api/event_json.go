package api

import (
	"encoding/json"
	"strconv"
)

// Append appends what [json.Marshal] makes of an event, in a fraction of the
// time: each of two hundred readers gets each of some thousand a second. Data
// is taken as it is; it has to be JSON in one line.
func (e *Event) Append(b []byte) ([]byte, error) {
	b = strconv.AppendInt(append(b, `{"id":`...), e.ID, 10)
	b, err := e.Time.AppendText(append(b, `,"time":"`...)) // as its MarshalJSON
	if err != nil {
		return nil, err
	}
	b = append(b, '"')
	b = appendUnlessEmpty(b, `,"job":`, e.Job)
	b = appendUnlessEmpty(b, `,"step":`, e.Step)
	b = appendUnlessEmpty(b, `,"attempt":`, e.Attempt)
	b = strconv.AppendInt(append(b, `,"rank":`...), int64(e.Rank), 10)
	b = appendString(append(b, `,"type":`...), e.Type)
	if len(e.Data) > 0 {
		b = append(append(b, `,"data":`...), e.Data...)
	}
	return append(b, '}'), nil
}

func appendUnlessEmpty(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return appendString(append(b, name...), s)
}

// appendString appends a string as JSON. Nearly all are ids, which stand for
// themselves.
func appendString(b []byte, s string) []byte {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', 'A' <= c && c <= 'Z', c == '.', c == '_', c == '-':
		default:
			quoted, _ := json.Marshal(s) // a string: cannot fail
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
