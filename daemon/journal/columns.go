package journal

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"ftd/api"
)

// nanos is a time column: nanoseconds since 1970, NULL for none.
func nanos(t *time.Time) sql.NullInt64 {
	if t == nil || t.IsZero() {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: t.UnixNano(), Valid: true}
}

func moment(n int64) time.Time { return time.Unix(0, n).UTC() }

func optional(n sql.NullInt64) *time.Time {
	if !n.Valid {
		return nil
	}
	t := moment(n.Int64)
	return &t
}

// text is a JSON column; nil pointers and empty maps are NULL.
func text(v any) (sql.NullString, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return sql.NullString{}, err
	}
	s := string(data)
	return sql.NullString{String: s, Valid: s != "null" && s != "{}"}, nil
}

// fill reads a JSON column into v; NULL leaves v alone.
func fill(column sql.NullString, v any) error {
	if !column.Valid {
		return nil
	}
	return json.Unmarshal([]byte(column.String), v)
}

// number is a column for a float that may be absent and need not be finite.
// SQLite would store NaN as NULL, which means "the log had none" here, so the
// numbers that are not finite are stored as text.
type number struct{ f *api.Float }

func (n number) Value() (driver.Value, error) {
	if n.f == nil {
		return nil, nil
	}
	v := float64(*n.f)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		data, err := n.f.MarshalJSON()
		return string(data[1 : len(data)-1]), err
	}
	return v, nil
}

func (n *number) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		n.f = nil
		return nil
	case float64:
		n.f = api.Float(v).Ptr()
		return nil
	case int64:
		n.f = api.Float(v).Ptr()
		return nil
	case string:
		n.f = new(api.Float)
		return n.f.UnmarshalJSON([]byte(`"` + v + `"`))
	}
	return fmt.Errorf("a number is stored as %T", src)
}

// must is the number of a column that is never NULL.
func (n number) must() api.Float {
	if n.f == nil {
		return api.Float(math.NaN())
	}
	return *n.f
}
