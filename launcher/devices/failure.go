package devices

import (
	"fmt"
	"strings"
)

// Error says why nothing is known of the cards.
type Error struct {
	// Code is one of the constants below.
	Code, Message, Remedy string
}

func (e *Error) Error() string {
	if e.Remedy == "" {
		return e.Message
	}
	return e.Message + "; " + e.Remedy
}

// The codes of an [Error].
const (
	CodeMissing    = "npu-smi-missing"
	CodeHangs      = "npu-smi-hangs"
	CodeUnreadable = "npu-smi-unreadable"
	CodeDenied     = "npu-denied"
	CodeDriver     = "npu-driver"
	CodeTaken      = "npu-taken"
	CodeLibraries  = "npu-libraries"
)

// known are what npu-smi says instead of a table, in lower case. The first
// that is found is meant.
var known = []struct{ text, code, means, remedy string }{
	{"-8020", CodeTaken, "the cards are in use by another container",
		"end that container, or give this one other cards"},
	{"error while loading shared libraries", CodeLibraries, "the driver's libraries are not found",
		"put /usr/local/Ascend/driver/lib64 and its folders common and driver into LD_LIBRARY_PATH, and mount them into a container"},
	{"permission denied", CodeDenied, "this user may not use the cards",
		"add the user to the group HwHiAiUser and log in anew"},
	{"dcmi mod", CodeDriver, "the driver does not answer",
		"try as root or as a member of the group HwHiAiUser; see whether the driver is loaded (lsmod | grep drv_); after a new driver or firmware the machine must be restarted"},
	{"drvmng", CodeDriver, "the driver does not answer",
		"try as root or as a member of the group HwHiAiUser; see whether the driver is loaded (lsmod | grep drv_)"},
	{"command not found", CodeMissing, "there is no npu-smi",
		"install the Ascend driver, or name the program in the setting npu_smi"},
}

// failure is the error of a text that is no table.
func failure(text string) *Error {
	for _, k := range known {
		for line := range strings.Lines(text) {
			if strings.Contains(strings.ToLower(line), k.text) {
				return &Error{Code: k.code, Message: fmt.Sprintf("npu-smi shows no cards: %s (%q)", k.means, shorten(line)), Remedy: k.remedy}
			}
		}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if first == "" {
		return unreadable("it printed nothing")
	}
	return unreadable("it printed %q", shorten(first))
}

func unreadable(format string, args ...any) *Error {
	return &Error{Code: CodeUnreadable, Message: "what npu-smi prints cannot be read: " + fmt.Sprintf(format, args...),
		Remedy: "run `npu-smi info` by hand; if it shows a table, report it, and name the cards in the setting cards, with foreign_processes: ignore"}
}

// shorten keeps a line readable in a sentence.
func shorten(line string) string {
	const most = 120
	line = strings.TrimSpace(line)
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "…"
	}
	return line
}
