package yamledit

import (
	"bytes"
	"fmt"

	"github.com/goccy/go-yaml"

	"ftd/recipe/nesting"
)

// byteOrderMark begins files of editors on Windows.
var byteOrderMark = []byte("\ufeff")

// Read decodes a YAML text as it is taken for [Edit]: with a byte-order mark or
// without, and of names that stand twice in a map the last counts. What lies
// deeper in itself than anybody writes is refused before it takes all memory.
func Read(source []byte, into any) error {
	text := bytes.TrimPrefix(source, byteOrderMark)
	if err := shallow(text); err != nil {
		return err
	}
	return yaml.UnmarshalWithOptions(text, into, yaml.AllowDuplicateMapKey())
}

func shallow(text []byte) error {
	if line, column, ok := nesting.TooDeep(text); !ok {
		return fmt.Errorf("line %d, column %d: lists and maps lie more than %d deep in each other", line, column, nesting.Most)
	}
	return nil
}
