package recipe

import "strings"

// reference is one ${...} in a text.
type reference struct {
	name string
	at   int // where it begins, in runes from the text's beginning
}

// pieces cuts a text into plain parts and references, in turn: text, then
// reference, then text. ok is false where a ${ is not closed; at says where.
func pieces(text string) (plain []string, references []reference, ok bool, at int) {
	var b strings.Builder
	rest, column := text, 0
	for {
		i := strings.Index(rest, "${")
		if i < 0 {
			b.WriteString(rest)
			return append(plain, b.String()), references, true, 0
		}
		if i > 0 && rest[i-1] == '$' { // $${ is a plain ${
			b.WriteString(rest[:i-1] + "${")
			column += len([]rune(rest[:i+2]))
			rest = rest[i+2:]
			continue
		}
		end := strings.IndexByte(rest[i:], '}')
		start := column + len([]rune(rest[:i]))
		if end < 0 {
			return nil, nil, false, start
		}
		b.WriteString(rest[:i])
		plain = append(plain, b.String())
		b.Reset()
		references = append(references, reference{strings.TrimSpace(rest[i+2 : i+end]), start})
		column += len([]rune(rest[:i+end+1]))
		rest = rest[i+end+1:]
	}
}

// expand replaces the references of a text that [check] accepted.
func expand(text string, value func(name string) (string, error)) (string, error) {
	plain, references, _, _ := pieces(text)
	var b strings.Builder
	for i, part := range plain {
		b.WriteString(part)
		if i < len(references) {
			v, err := value(references[i].name)
			if err != nil {
				return "", err
			}
			b.WriteString(v)
		}
	}
	return b.String(), nil
}

// expandAll replaces the references in all texts within a parameter.
func expandAll(v any, value func(name string) (string, error)) (any, error) {
	var err error
	switch v := v.(type) {
	case string:
		return expand(v, value)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			if list[i], err = expandAll(v[i], value); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		m := make(map[string]any, len(v))
		for k := range v {
			if m[k], err = expandAll(v[k], value); err != nil {
				return nil, err
			}
		}
		return m, nil
	}
	return v, nil
}

// escape makes a text that expands to itself.
func escape(text string) string { return strings.ReplaceAll(text, "${", "$${") }

// outputReference takes "steps.ID.outputs.NAME" apart.
func outputReference(name string) (step, output string, ok bool) {
	parts := strings.Split(name, ".")
	if len(parts) != 4 || parts[0] != "steps" || parts[2] != "outputs" {
		return "", "", false
	}
	return parts[1], parts[3], true
}
