package doctor

import (
	"strconv"
	"strings"
	"unicode"
)

// older compares versions as Huawei numbers CANN and drivers: "8.0.RC3.beta1"
// comes before "8.0.0", "24.1.rc2" before "24.1.rc3" and "24.1.0". Where one
// says less than the other, the two are not told apart.
func older(a, b string) bool {
	as, bs := parts(a), parts(b)
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return as[i] < bs[i]
		}
	}
	return false
}

// parts makes a version comparable: a release candidate comes before all
// numbers, and what a patch or a beta adds does not count.
func parts(version string) []int {
	var out []int
	for _, word := range strings.FieldsFunc(strings.ToLower(version), func(r rune) bool { return r == '.' || r == '-' || r == '_' }) {
		if rc, ok := strings.CutPrefix(word, "rc"); ok {
			if n, err := strconv.Atoi(rc); err == nil {
				out = append(out, n-1000)
			}
			continue
		}
		if strings.IndexFunc(word, unicode.IsDigit) != 0 {
			break
		}
		n, err := strconv.Atoi(word)
		if err != nil {
			break
		}
		out = append(out, n)
	}
	return out
}
