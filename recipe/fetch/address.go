package fetch

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"ftd/recipe/fault"
)

// IsAddress says whether a source is fetched by HTTP; else it is a path.
func IsAddress(source string) bool {
	lower := strings.ToLower(source)
	return strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://")
}

// Shown is a source as it may be printed and stored: without password, query
// and fragment.
func Shown(source string) string {
	if !IsAddress(source) {
		return source
	}
	u, err := url.Parse(source)
	if err != nil {
		before, _, _ := strings.Cut(source, "?")
		return before
	}
	u.User, u.RawQuery, u.Fragment, u.ForceQuery = nil, "", "", false
	return u.String()
}

// Identity is the same for all addresses of one file: the query of a presigned
// one is another each time. Passwords are no part of it.
func Identity(source string) string {
	if _, signed := Expiry(source); signed || !IsAddress(source) {
		return Shown(source)
	}
	u, err := url.Parse(source)
	if err != nil {
		return source
	}
	u.User, u.Fragment = nil, ""
	return u.String()
}

// Name is the name of the file at a source.
func Name(source string) string {
	shown := strings.TrimRight(Shown(source), "/")
	if u, err := url.Parse(shown); err == nil && IsAddress(source) {
		shown = strings.TrimRight(u.Path, "/")
	}
	return shown[strings.LastIndexByte(shown, '/')+1:]
}

// Expiry returns until when a presigned address is valid; ok is false for one
// that is not signed, or does not say.
//
// Known are the query forms of S3 signature 4 and its relatives (a date and a
// number of seconds: X-Amz-, X-Goog-, X-Obs-, x-oss-), the older ones with the
// end as a Unix time in Expires (S3 version 2, OBS, OSS, CloudFront), the span
// in q-sign-time (COS), e with a token (Qiniu), and the time in se (Azure).
func Expiry(address string) (time.Time, bool) {
	u, err := url.Parse(address)
	if err != nil {
		return time.Time{}, false
	}
	query := map[string]string{}
	// Some have a semicolon in a value, which package url takes for an error.
	values, err := url.ParseQuery(strings.ReplaceAll(u.RawQuery, ";", "%3B"))
	if err != nil && len(values) == 0 {
		return time.Time{}, false
	}
	for name, all := range values {
		query[strings.ToLower(name)] = all[0]
	}
	for _, family := range []string{"x-amz-", "x-goog-", "x-obs-", "x-oss-"} {
		begin, err := time.Parse("20060102T150405Z", query[family+"date"])
		seconds, err2 := strconv.ParseInt(query[family+"expires"], 10, 32)
		if err == nil && err2 == nil {
			return begin.Add(time.Duration(seconds) * time.Second), true
		}
	}
	signed := query["signature"] != "" || query["policy"] != ""
	if end, err := strconv.ParseInt(query["expires"], 10, 64); err == nil && signed {
		return time.Unix(end, 0), true
	}
	if _, end, ok := strings.Cut(query["q-sign-time"], ";"); ok {
		if end, err := strconv.ParseInt(end, 10, 64); err == nil {
			return time.Unix(end, 0), true
		}
	}
	if end, err := strconv.ParseInt(query["e"], 10, 64); err == nil && query["token"] != "" {
		return time.Unix(end, 0), true
	}
	if end, err := time.Parse(time.RFC3339, query["se"]); err == nil && query["sig"] != "" {
		return end, true
	}
	return time.Time{}, false
}

// expired names an address whose time is over.
func expired(shown string, at time.Time) error {
	message := fmt.Sprintf("the signature of %s is no longer valid", shown)
	if !at.IsZero() {
		message = fmt.Sprintf("the signature of %s was valid until %s, and has expired", shown, at.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	return fault.New(CodeExpired, "get a new link from the page that gave it to you, or name a mirror or a local copy", "%s", message)
}

func firstAddress(sources []string) string {
	i := slices.IndexFunc(sources, IsAddress)
	if i < 0 {
		return ""
	}
	return sources[i]
}

func sameHost(a, b string) bool {
	left, err := url.Parse(a)
	right, err2 := url.Parse(b)
	return err == nil && err2 == nil && SameHost(left, right)
}

// SameHost says whether a secret for one of the two may be sent to the other
// too. The scheme counts: a redirect from https to http would show it to all.
func SameHost(a, b *url.URL) bool { return a.Host == b.Host && a.Scheme == b.Scheme }

func slicesWithout(list []string, unwanted string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == unwanted })
}
