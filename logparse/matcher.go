package logparse

// matcher finds all of a set of words in a text in one pass (Aho-Corasick).
// It is built once and then only read, so parsers share it.
type matcher struct {
	class [256]uint8 // bytes that no word holds share class 0
	width int        // number of classes
	// next[state*width+class]; states are premultiplied by width.
	next []uint32
	// words[state/width] are the words that end in this state.
	words [][]uint16
	// loud is the first state (premultiplied) that ends a word: states are
	// numbered so that one comparison tells.
	loud uint32
}

// newMatcher builds the automaton; a word's number is its index.
func newMatcher(list []string) *matcher {
	m := &matcher{width: 1}
	for _, w := range list {
		for i := 0; i < len(w); i++ {
			if m.class[w[i]] == 0 {
				m.class[w[i]] = uint8(m.width)
				m.width++
			}
		}
	}
	type node struct {
		next  map[uint8]int
		fail  int
		words []uint16
	}
	nodes := []node{{next: map[uint8]int{}}}
	for n, w := range list {
		at := 0
		for i := 0; i < len(w); i++ {
			c := m.class[w[i]]
			to, ok := nodes[at].next[c]
			if !ok {
				to = len(nodes)
				nodes = append(nodes, node{next: map[uint8]int{}})
				nodes[at].next[c] = to
			}
			at = to
		}
		nodes[at].words = append(nodes[at].words, uint16(n))
	}
	// Breadth first: a state's failure state is always complete before it.
	full := make([][]int, len(nodes))
	queue := []int{0}
	for head := 0; head < len(queue); head++ {
		s := queue[head]
		full[s] = make([]int, m.width)
		if s != 0 {
			copy(full[s], full[nodes[s].fail])
			nodes[s].words = append(nodes[s].words, nodes[nodes[s].fail].words...)
		}
		for c, to := range nodes[s].next {
			if s != 0 {
				nodes[to].fail = full[s][c]
			}
			full[s][c] = to
			queue = append(queue, to)
		}
	}
	// Number the quiet states first.
	number := make([]int, len(nodes))
	order := make([]int, 0, len(nodes))
	for _, loud := range []bool{false, true} {
		for s := range nodes {
			if (len(nodes[s].words) > 0) == loud {
				number[s] = len(order)
				order = append(order, s)
			}
		}
		if !loud {
			m.loud = uint32(len(order) * m.width)
		}
	}
	m.next = make([]uint32, len(nodes)*m.width)
	m.words = make([][]uint16, len(nodes))
	for i, s := range order {
		m.words[i] = nodes[s].words
		for c, to := range full[s] {
			m.next[i*m.width+c] = uint32(number[to] * m.width)
		}
	}
	return m
}

// find is one word found.
type find struct {
	word uint16
	end  int // index after its last byte
}

// scan appends the words that b holds to found, each at most once, and none
// beyond found's capacity, so that it never allocates.
func (m *matcher) scan(b []byte, found []find) []find {
	state := uint32(0)
	for i := 0; i < len(b); i++ {
		state = m.next[state+uint32(m.class[b[i]])]
		if state >= m.loud {
			for _, w := range m.words[int(state)/m.width] {
				found = addFind(found, find{w, i + 1})
			}
		}
	}
	return found
}

func addFind(found []find, f find) []find {
	if len(found) == cap(found) {
		return found
	}
	for _, g := range found {
		if g.word == f.word {
			return found
		}
	}
	return append(found, f)
}
