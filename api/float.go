package api

import (
	"fmt"
	"math"
	"strconv"
)

// Float is a float64 that survives JSON when it is not finite: a diverged
// loss is news, and encoding/json would refuse to write it.
type Float float64

// MarshalJSON writes finite values as numbers and the others as the strings
// "NaN", "Infinity" and "-Infinity".
func (f Float) MarshalJSON() ([]byte, error) { return f.append(nil), nil }

func (f Float) append(b []byte) []byte {
	v := float64(f)
	switch {
	case math.IsNaN(v):
		return append(b, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(b, `"-Infinity"`...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (f *Float) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case `"NaN"`:
		*f = Float(math.NaN())
	case `"Infinity"`:
		*f = Float(math.Inf(1))
	case `"-Infinity"`:
		*f = Float(math.Inf(-1))
	case "null":
		*f = 0
	default: // it is JSON, so no other spelling of a number comes here
		v, err := strconv.ParseFloat(string(data), 64)
		if err != nil {
			return fmt.Errorf("not a number: %s", data)
		}
		*f = Float(v)
	}
	return nil
}

// Ptr returns a pointer to f, for the optional fields of [Point].
func (f Float) Ptr() *Float { return &f }
