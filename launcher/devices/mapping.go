package devices

import (
	"slices"
	"strings"
)

// Mapping says which logical id a chip has.
type Mapping map[Place]int

// Place is a chip as npu-smi names it.
type Place struct{ Card, Chip int }

// ParseMapping reads what `npu-smi info -m` prints: a line for each chip, whose
// columns are at least two spaces apart. A chip that is no processor, such as
// the Mcu of a card, has "-" for its logical id and is left out.
func ParseMapping(text string) (Mapping, error) {
	m := Mapping{}
	card, chip, logical := -1, -1, -1
	for line := range strings.Lines(text) {
		columns := wide(line)
		if at := slices.Index(columns, "npu id"); at >= 0 {
			card, chip, logical = at, slices.Index(columns, "chip id"), slices.Index(columns, "chip logic id")
			continue
		}
		if card < 0 || chip < 0 || logical < 0 || len(columns) <= max(card, chip, logical) {
			continue
		}
		c, ok1 := integer(columns[card])
		n, ok2 := integer(columns[chip])
		id, ok3 := integer(columns[logical])
		if ok1 && ok2 && ok3 {
			m[Place{c, n}] = id
		}
	}
	if len(m) == 0 {
		return nil, failure(text)
	}
	return m, nil
}

// wide splits a line whose columns are at least two spaces apart.
func wide(line string) []string {
	var columns []string
	for part := range strings.SplitSeq(strings.ToLower(strings.ReplaceAll(line, "\t", "  ")), "  ") {
		if part = strings.TrimSpace(part); part != "" {
			columns = append(columns, part)
		}
	}
	return columns
}

// Apply gives the devices their logical ids and their order. A mapping that
// does not know all of them, or gives two the same id, is not used: the order
// of the table is right on every machine that is not a container.
func (m Mapping) Apply(s *Snapshot) {
	ids := map[int]bool{}
	for _, d := range s.Devices {
		if id, ok := m[Place{d.Card, d.Chip}]; ok {
			ids[id] = true
		}
	}
	if len(ids) != len(s.Devices) {
		return
	}
	for i := range s.Devices {
		s.Devices[i].Logical = m[Place{s.Devices[i].Card, s.Devices[i].Chip}]
	}
	slices.SortFunc(s.Devices, func(a, b Device) int { return a.Logical - b.Logical })
}
