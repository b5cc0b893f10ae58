package secret

import (
	"bytes"
	"net/url"
	"os"
	"strings"
)

// Text takes secrets out of texts that leave this machine: what follows a name
// that sounds like a secret's, logins and queries of addresses, texts of the
// forms that well-known services give their tokens, and the values that it
// knows.
type Text struct {
	values []string // wherever they stand
}

// shortest is the length of a value that is looked for everywhere; shorter ones
// are found in words that are none.
const shortest = 6

// Knowing returns a Text that knows the secrets among NAME=VALUE entries, and
// the passwords of addresses among them.
func Knowing(entries []string) Text {
	var t Text
	for _, entry := range entries {
		name, value, _ := strings.Cut(entry, "=")
		if Named(name) && !isFile(value) {
			t.know(value)
		}
		if u, err := url.Parse(value); err == nil && u.User != nil {
			password, _ := u.User.Password()
			t.know(password)
		}
	}
	return t
}

func (t *Text) know(value string) {
	if len(value) >= shortest {
		t.values = append(t.values, value)
	}
}

// isFile says whether a value is no secret but says where it lies.
func isFile(value string) bool {
	if !strings.HasPrefix(value, "/") {
		return false
	}
	_, err := os.Stat(value)
	return err == nil
}

// value is what may follow a name: quoted, with the quotes escaped as in a JSON
// within a JSON, as Python shows bytes or an object, or up to the next space.
const value = `(?:\\+"(?:[^"\\]|\\+[^"\\])*\\+"|(?:\w+\(|[bBuUrRfF]{1,2})?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|[^\s"']+(?:["'][^\s"',:}\])]+)*)`

var (
	colours = lazily("\x1b\\[[0-9;:]*[A-Za-z]")
	// A key in lines, the end of one whose beginning was cut off included.
	privateKey = lazily(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----.*?(?:-----END [A-Z ]*PRIVATE KEY[A-Z ]*-----|\z)`)
	keyEnd     = lazily(`(?m)(?:^[A-Za-z0-9+/=]+\r?\n)*^-----END [A-Z ]*PRIVATE KEY[A-Z ]*-----`)

	// A header, to the end of its line.
	headerLine = lazily(`(?im)\b((?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]*(?:token|key|auth|secret|signature)[\w-]*)(["']?\s*:\s*)([^\r\n]+)`)
	bearer     = lazily(`(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{6,}`)
	// NAME:PASSWORD@HOST without a scheme, as proxies are given; -u NAME:PASSWORD.
	bareLogin = lazily(`[\w.-]+:[^\s:/@"']{3,}@([\w-]+(?:\.[\w-]+)+|[\w-]+:\d)`)
	shortOpt  = lazily(`(\s-[ik]=|\b(?:sshpass|mysql\w*)\b[^\n]*?\s-p ?)[^\s"']+`)
	withKey   = lazily(`(?i)(\b(?:with|using|by) (?:the |an? |your )?(?:api[ -]?)?(?:key|token|password|secret):? )\S{6,}`)
	userOpt   = lazily(`((?:^|\s)(?:-u|--user|--proxy-user)[= ]?["']?)[^\s:"']+:[^\s"']+`)
	netrc     = lazily(`(?i)(\blogin\s+\S+\s+(?:password|passwd)\s+)\S+`)
	loginKey  = lazily(`(?i)(\blogin\s+(?:-\S+\s+)*)[0-9a-f]{32,}\b`)
	setenv    = lazily(`(?i)(\bset(?:env|\s+-\w+)\s+[\w.-]*` + word + `\s+)` + value)
	option    = lazily(`(?i)(--?[\w-]*` + word + `(?:[= ]|["']?\s*\n\s*-\s+))` + value)
	inArgs    = lazily(`(?i)(["']--?[\w-]*` + word + `["']\s*,\s*)` + value)
	chinese   = lazily(`((?:密码|口令|令牌|密钥|秘钥)\s*(?:[:：=]|为|是)\s*)` + value)
	pair      = lazily(`([\w.-]+)\\*["']?[ \t]*(?:[:=]|%3[AaDd])[ \t]*`)
	leading   = lazily(`^` + value)
	lineKey   = lazily(`^(\s*(?:- |export\s+)?["']?)([\w.-]+)(["']?\s*(?::(?:\s|$)|=))(.*)$`)
	tokens    = lazily(`\b(?:hf_[A-Za-z0-9]{8,}|gh[pousr]_[A-Za-z0-9]{8,}|github_pat_\w{8,}|glpat-[\w-]{8,}|(?:AKIA|ASIA|LTAI|AGPA|AIDA)[A-Za-z0-9]{12,}|sk-[\w-]{12,}|xox[abeprs]-[\w-]{8,}|AIza[\w-]{20,}|ya29\.[\w-]{10,}|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{16,}|SEC[0-9a-f]{32,}|ms-[0-9a-f]{8}-[0-9a-f-]{20,}|eyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*)?)`)
)

// Masked returns a text without its secrets.
func (t Text) Masked(text []byte) []byte {
	text = colours().ReplaceAll(text, nil) // they may stand within a name
	text = privateKey().ReplaceAll(text, []byte(Mask))
	text = keyEnd().ReplaceAll(text, []byte(Mask))
	for _, value := range t.values {
		text = bytes.ReplaceAll(text, []byte(value), []byte(Mask))
	}
	text = []byte(Addresses(string(text)))
	text = headerLine().ReplaceAll(text, []byte("${1}${2}"+Mask))
	text = bearer().ReplaceAll(text, []byte("${1} "+Mask))
	text = bareLogin().ReplaceAll(text, []byte(Mask+"@${1}"))
	for _, after := range []expression{userOpt, shortOpt, withKey, netrc, loginKey, setenv, inArgs, option, chinese} {
		text = after().ReplaceAll(text, []byte("${1}"+Mask))
	}
	text = tokens().ReplaceAll(text, []byte(Mask))
	return lines(pairs(text))
}

// pairs hides what follows a name that sounds like a secret's.
func pairs(text []byte) []byte {
	var out bytes.Buffer
	for {
		at := pair().FindSubmatchIndex(text)
		if at == nil {
			break
		}
		out.Write(text[:at[1]])
		name := string(text[at[2]:at[3]])
		text = text[at[1]:]
		if !Named(name) {
			continue
		}
		if end := leading().FindIndex(text); end != nil {
			out.WriteString(Mask)
			text = text[len(bytes.TrimRight(text[:end[1]], ",;)]}")):] // of what it stands in
		}
	}
	out.Write(text)
	return out.Bytes()
}

// lines hides the rest of each line "NAME: value" whose name sounds like a
// secret's, and the block below it.
func lines(text []byte) []byte {
	var out bytes.Buffer
	within := -1 // the indent of the name whose block is hidden
	for line := range bytes.Lines(text) {
		indent := len(line) - len(bytes.TrimLeft(line, " \t"))
		if within >= 0 && (indent > within || len(bytes.TrimSpace(line)) == 0 || indent == within && bytes.HasPrefix(bytes.TrimSpace(line), []byte("- "))) {
			continue
		}
		within = -1
		found := lineKey().FindSubmatch(bytes.TrimRight(line, "\r\n"))
		if found == nil || !Named(string(found[2])) {
			out.Write(line)
			continue
		}
		within = indent
		out.Write(bytes.Join([][]byte{found[1], found[2], found[3], []byte(" " + Mask + "\n")}, nil))
	}
	return out.Bytes()
}
