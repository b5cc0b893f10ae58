package unpack

import (
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// decoded is the name of an entry in UTF-8. Chinese Windows writes names as GBK
// and does not say so; as they are, nobody could name such a file any more.
func decoded(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	text, err := simplifiedchinese.GB18030.NewDecoder().String(name)
	if err != nil {
		return name
	}
	return text
}
