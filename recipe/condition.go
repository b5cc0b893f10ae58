package recipe

import (
	"fmt"
	"strings"
)

// leftOut says why a step is not done, "" if it is. A step that is left out
// has all its outputs, and all are empty, so that those which come after it can
// say ${given}${steps.made.outputs.file}: the one or the other.
func (r *runner) leftOut(step Step) (why string, err error) {
	for _, c := range []struct {
		text   string
		wanted bool
	}{{step.When, true}, {step.Unless, false}} {
		if c.text == "" {
			continue
		}
		value, err := expand(c.text, r.value)
		if err != nil {
			return "", err
		}
		if r.preview && strings.Contains(value, unmadeBegin) {
			continue // not known yet
		}
		if truth(value) != c.wanted {
			is := fmt.Sprintf("%q", value)
			if value == "" {
				is = "empty"
			}
			return fmt.Sprintf("%s is %s", spoken(c.text), is), nil
		}
	}
	return "", nil
}

// spoken is a condition without its signs: ${checkpoint} is checkpoint.
func spoken(text string) string {
	if name, ok := strings.CutPrefix(text, "${"); ok && strings.Count(text, "${") == 1 && strings.HasSuffix(name, "}") {
		return strings.TrimSuffix(name, "}")
	}
	return text
}

// truth is what a condition's value says: nothing, false, no, off and 0 are no,
// and everything else is yes.
func truth(value string) bool {
	yes, said := yesOrNo(value)
	return yes || !said && strings.TrimSpace(value) != ""
}

func noOutputs(kind Kind) map[string]string {
	outputs := map[string]string{}
	for _, name := range kind.Outputs() {
		outputs[name] = ""
	}
	return outputs
}
