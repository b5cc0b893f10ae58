package logparse

import (
	"bytes"
	"cmp"
	_ "embed" // the error table
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed signatures.yaml
var builtin []byte

// Signature is one row of the error table: data, loaded from signatures.yaml.
type Signature struct {
	// ID is a stable word id such as "static-tls".
	ID string `yaml:"id"`
	// Literals are texts of which a line must hold at least one.
	Literals []string `yaml:"literals"`
	// Pattern is a regular expression (RE2) that such a line must match too;
	// empty where a literal says it all.
	Pattern string `yaml:"pattern"`
	// Warnings is set where records of level WARNING count as well.
	Warnings bool `yaml:"warnings"`

	Cause     string `yaml:"cause"`
	Remedy    string `yaml:"remedy"`
	CauseZH   string `yaml:"cause_zh"`
	RemedyZH  string `yaml:"remedy_zh"`
	Permanent bool   `yaml:"permanent"` // trying again cannot help
	Secondary bool   `yaml:"secondary"` // usually the consequence of another error
	Vague     bool   `yaml:"vague"`     // such a consequence only points at what is said beside it
	Source    string `yaml:"source"`    // where the row is known from
	// Explains are ids of errors whose reason this one is, also where it is told
	// after them: a shell says "Killed" before the kernel is asked why.
	Explains []string `yaml:"explains"`

	re      *lazyRegexp
	generic bool // stands for errors that no other row knows: each text is one
}

// Text returns cause and remedy in the language of a locale name: Chinese for
// one that begins with "zh", else English.
func (s *Signature) Text(locale string) (cause, remedy string) {
	if strings.HasPrefix(locale, "zh") { // a row of the user's own may have English only
		return cmp.Or(s.CauseZH, s.Cause), cmp.Or(s.RemedyZH, s.Remedy)
	}
	return s.Cause, s.Remedy
}

// IDs of the rows that stand for errors without a row of their own.
const (
	// IDException is an uncaught Python exception.
	IDException = "python-exception"
	// IDCANN is an error of CANN whose code has no row.
	IDCANN = "cann-error"
	// IDKilled is a process that the shell reports as killed.
	IDKilled = "killed"
)

// Words that the parser itself looks for, in the same pass as the signatures'.
const (
	wordRecord = iota
	wordStep
	wordRate
	wordGrepMatch
	wordGrepContext
	wordCompile
	wordInfo
	wordWarning
	wordError
	wordCritical
	wordSeqLength
	wordBatchSize
	wordLoss
	wordEpochTime
	structuralWords
)

var structural = [structuralWords]string{
	wordRecord:      " - mindformers",
	wordStep:        "step:[",
	wordRate:        "samples/s/p",
	wordGrepMatch:   ".log:",
	wordGrepContext: ".log-",
	wordCompile:     ": Start compiling '",
	wordInfo:        "[INFO] ",
	wordWarning:     "[WARNING] ",
	wordError:       "[ERROR] ",
	wordCritical:    "[CRITICAL] ",
	wordSeqLength:   "'seq_length': ",
	wordBatchSize:   "'runner_config': {'batch_size': ",
	wordLoss:        ", loss is ",
	wordEpochTime:   "poch time:",
}

// Table is a set of error signatures, ready to be looked for. It does not
// change and may be shared.
type Table struct {
	rows      []*Signature
	matcher   *matcher
	owner     []int // the row a word belongs to, by word
	exception *Signature
	cann      *Signature
}

// Signatures returns the built-in error table. Its facts come from the sources
// of MindSpore and mindformers, the vendor's documentation, users' reports and
// real runs; each row's Source says which.
var Signatures = sync.OnceValue(func() *Table {
	rows, err := ReadSignatures(builtin)
	if err != nil {
		panic("logparse: built-in signatures.yaml: " + err.Error()) // caught by any test
	}
	return newTable(rows)
})

// ReadSignatures reads a file of signatures: a YAML list of rows with the
// fields of [Signature] in lower case (cause_zh and remedy_zh for Chinese).
// The id, a literal, a cause and a remedy are required.
func ReadSignatures(data []byte) ([]*Signature, error) {
	var rows []*Signature
	if err := yaml.UnmarshalWithOptions(data, &rows, yaml.DisallowUnknownField()); err != nil {
		return nil, fmt.Errorf("not a list of signatures: %s", yaml.FormatError(err, false, true))
	}
	for i, s := range rows {
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("signature %d: %w", i+1, err)
		}
	}
	return rows, nil
}

func (s *Signature) check() error {
	if s == nil || s.ID == "" {
		return fmt.Errorf("id is missing")
	}
	if strings.ContainsAny(s.ID, " \t\n") {
		return fmt.Errorf("id %q: an id is one word", s.ID)
	}
	s.generic = s.ID == IDException || s.ID == IDCANN
	if s.Cause == "" || s.Remedy == "" {
		return fmt.Errorf("%s: cause and remedy are required", s.ID)
	}
	if len(s.Literals) == 0 && !s.generic {
		return fmt.Errorf("%s: at least one literal is required, a text that each matching line holds", s.ID)
	}
	for _, l := range s.Literals {
		if len(l) < 2 {
			return fmt.Errorf("%s: literal %q is too short", s.ID, l)
		}
	}
	if s.Pattern != "" {
		if _, err := regexp.Compile(s.Pattern); err != nil {
			return fmt.Errorf("%s: pattern: %w", s.ID, err)
		}
	}
	// A person's own row may be in one language.
	if s.CauseZH == "" {
		s.CauseZH = s.Cause
	}
	if s.RemedyZH == "" {
		s.RemedyZH = s.Remedy
	}
	return nil
}

// newTable prepares rows for matching.
func newTable(rows []*Signature) *Table {
	t := &Table{rows: rows, owner: make([]int, structuralWords)}
	words := append([]string{}, structural[:]...)
	for i, s := range rows {
		switch s.ID {
		case IDException:
			t.exception = s
		case IDCANN:
			t.cann = s
		}
		if s.Pattern != "" {
			s.re = &lazyRegexp{source: s.Pattern}
		}
		for _, l := range s.Literals {
			words = append(words, l)
			t.owner = append(t.owner, i)
		}
	}
	t.matcher = newMatcher(words)
	return t
}

// With returns a table that has the given rows too, before its own: of two
// that match a line the first one wins, and a row replaces one of the same id.
func (t *Table) With(rows []*Signature) *Table {
	own := map[string]bool{}
	all := make([]*Signature, 0, len(rows)+len(t.rows))
	for _, s := range rows {
		c := *s
		all, own[s.ID] = append(all, &c), true
	}
	for _, s := range t.rows {
		if !own[s.ID] {
			c := *s
			all = append(all, &c)
		}
	}
	return newTable(all)
}

// WithFile is With for the rows of a file.
func (t *Table) WithFile(path string) (*Table, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("signatures: %w", err)
	}
	rows, err := ReadSignatures(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t.With(rows), nil
}

// All returns the rows, in the order in which they are tried.
func (t *Table) All() []*Signature { return append([]*Signature(nil), t.rows...) }

// Lookup returns the row with the given id, nil if there is none.
func (t *Table) Lookup(id string) *Signature {
	for _, s := range t.rows {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// match returns the first row that matches a line in which words were found;
// rows that are only consequences come after all others, and a code of CANN
// that no row knows last of all.
func (t *Table) match(b []byte, found []find, lv level) *Signature {
	var rows [16]int
	n := 0
	for _, f := range found {
		if f.word >= structuralWords && n < len(rows) {
			rows[n] = t.owner[f.word]
			n++
		}
	}
	sort.Ints(rows[:n])
	var second *Signature
	for _, r := range rows[:n] {
		s := t.rows[r]
		if lv == levelWarning && !s.Warnings || s.Secondary && second != nil {
			continue
		}
		if s.re != nil && !s.re.match(b) {
			continue
		}
		if !s.Secondary {
			return s
		}
		second = s
	}
	if second == nil && lv != levelWarning && cannCode(b) {
		return t.cann
	}
	return second
}

// cannCode knows "E40021: Failed to compile Op" and "EZ3002: Optype is
// unsupported": E, the letter or digit of the component, four digits. There are
// hundreds of them, and new releases bring more.
func cannCode(b []byte) bool {
	b = bytes.TrimLeft(b, " \t")
	if len(b) < 7 || b[0] != 'E' || b[6] != ':' || b[1]-'0' > 9 && b[1]-'A' > 25 {
		return false
	}
	for _, c := range b[2:6] {
		if c-'0' > 9 {
			return false
		}
	}
	return true
}

// lazyRegexp is compiled when it is first needed: most runs need none.
type lazyRegexp struct {
	source string
	once   sync.Once
	re     *regexp.Regexp
}

func (l *lazyRegexp) match(b []byte) bool {
	l.once.Do(func() { l.re = regexp.MustCompile(l.source) })
	return l.re.Match(b)
}
