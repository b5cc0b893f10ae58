// Package secret takes secrets out of what is shown, stored for others to see,
// or sent to somebody who is to help. It is the one place that knows what a
// secret looks like: by its name ([Named], [Value], [Vars]), in an address
// ([Addresses]), and anywhere in a text ([Text]).
//
// It rather hides too much than too little. What it cannot know is a secret
// without a name and without a form, such as the password that is alone on a
// line.
package secret

import "strings"

// Mask stands for a secret that is not shown.
const Mask = "***"

// word ends the names of what is a secret.
const word = `(?:pass|passwd|passwords?|passphrase|pwd|token|secrets?|credentials?|auth|authorization|cookie|signature|private|jwt|webhook(?:[_-]?url)?|connection[_-]?string|(?:api|access|secret|private|encryption|account)[_-]?keys?(?:[_-]?id)?|(?-i:[a-z]Key)|(?:[_-]|\b)(?:key|ak|sk|pin|pat|pw|psw|otp))`

var (
	names = lazily(`(?i)^[\w.-]*` + word + `$`)
	// harmless are settings of tokenizers and models, variables of the shell, and
	// what ftd marks processes with.
	harmless = lazily(`(?i)^(?:(?:[\w.-]*[_-])?(?:bos|eos|pad|unk|mask|gmask|sop|eop|end|cls|sep|special|bos|eos|smask|per|max|num)_?token|position_ids_key|key|private|(?:OLD)?PWD|FTD_RUN_\w+)$`)

	// A login or a password before the host; everything after the path; and the
	// paths of webhooks and of conda's channels, which are secrets themselves.
	// With one slash it is an address that was taken for a path.
	login   = lazily(`([A-Za-z][A-Za-z0-9+.-]*://?)[^/\s"'<>]*@`)
	query   = lazily(`([A-Za-z][A-Za-z0-9+.-]*://?[^\s"'<>?#]*)[?#][^\s"'<>]+`)
	anchor  = lazily(`^[^?#]*#[a-z]{1,20}(?:-[a-z]{1,20})+[).,:;]*$`) // of a page of documentation
	hook    = lazily(`(?i)([a-z][a-z0-9+.-]*://[^\s"'<>]*?/(?:(?:web)?hooks?|services)/)[^\s"'<>]+`)
	channel = lazily(`([A-Za-z][A-Za-z0-9+.-]*://[^/\s"'<>]+/t/)[^/\s"'<>]+`)
)

// Named says whether what has this name is a secret: HF_TOKEN is, tokenizer and
// pad_token are not.
func Named(name string) bool { return names().MatchString(name) && !harmless().MatchString(name) }

// Value is a value as it may be shown beside its name.
func Value(name, value string) string {
	if value != "" && Named(name) {
		return Mask
	}
	return Addresses(value)
}

// Addresses is a text without the secrets of the addresses in it: names,
// passwords and queries, and the paths of webhooks.
func Addresses(text string) string {
	if !strings.Contains(text, ":/") {
		return text // quickly: it is asked of each line that a step prints
	}
	text = query().ReplaceAllStringFunc(text, func(address string) string {
		if anchor().MatchString(address) {
			return address
		}
		return query().ReplaceAllString(address, "${1}?"+Mask)
	})
	text = login().ReplaceAllString(text, "${1}"+Mask+"@")
	text = hook().ReplaceAllString(text, "${1}"+Mask)
	return channel().ReplaceAllString(text, "${1}"+Mask)
}

// Vars are variables as they may be shown to whoever may look at a job.
func Vars(vars map[string]string) map[string]string {
	if vars == nil {
		return nil
	}
	shown := make(map[string]string, len(vars))
	for name, value := range vars {
		shown[name] = Value(name, value)
	}
	return shown
}
