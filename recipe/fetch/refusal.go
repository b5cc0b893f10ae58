package fetch

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"ftd/recipe/fault"
)

// errorPage bounds what is read of an answer that is not the file.
const errorPage = 64 << 10

// storeError is what S3 and its relatives send instead of a file.
type storeError struct {
	XMLName xml.Name `xml:"Error"`
	Code    string
	Message string
	Expires string
}

// refusal says what an answer without the file means.
func (g getter) refusal(r *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(r.Body, errorPage)) // a part of it is better than none
	var said storeError
	if xml.Unmarshal(body, &said) == nil {
		if f := g.storeRefusal(said); f != nil {
			return f
		}
	}
	switch code := r.StatusCode; {
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		return &laterError{r.Status, retryAfter(r.Header.Get("Retry-After"))}
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired:
		return fault.New(CodeRefused, "log in where the file is offered, and give the token by an environment variable; or name a mirror or a local copy",
			"%s is not given out to us (%s%s)", g.shown, r.Status, because(said.Message))
	case code == http.StatusNotFound, code == http.StatusGone:
		return fault.New(CodeNotFound, "correct the address, or name a mirror or a local copy", "%s is not there (%s)", g.shown, r.Status)
	}
	return fault.New(CodeUnreachable, "correct the address, or name a mirror or a local copy", "%s answers %s%s", g.shown, r.Status, because(said.Message))
}

func because(message string) string {
	if message == "" {
		return ""
	}
	return ": " + strings.Join(strings.Fields(message), " ")
}

func (g getter) storeRefusal(said storeError) error {
	message := strings.ToLower(said.Message)
	switch {
	case said.Code == "ExpiredToken", strings.Contains(message, "expired"):
		at, err := time.Parse(time.RFC3339, said.Expires)
		if err != nil {
			at = time.Time{}
		}
		return expired(g.shown, at)
	case said.Code == "RequestTimeTooSkewed":
		return fault.New(CodeRefused, "set the clock of this machine", "%s refuses us because this machine's clock is wrong", g.shown)
	case said.Code == "SignatureDoesNotMatch":
		return fault.New(CodeRefused, "copy the whole link, in quotes: everything behind ? belongs to it", "%s refuses the signature: the link is not complete, or was changed", g.shown)
	case said.Code == "NoSuchKey", said.Code == "NoSuchBucket":
		return fault.New(CodeNotFound, "correct the address, or name a mirror or a local copy", "%s is not there (%s)", g.shown, said.Code)
	}
	return nil
}

func retryAfter(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return time.Until(at)
	}
	return 0
}

// look reads the beginning of a body and returns all of it, unless it is a
// page or an error that came with the status of a file.
func (g getter) look(r *http.Response, body io.Reader, from int64) (io.Reader, error) {
	if page, ok := g.page(r); ok {
		return nil, page
	}
	if from > 0 {
		return body, nil
	}
	head := make([]byte, 1024)
	n, err := io.ReadFull(body, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	head = head[:n]
	if strings.HasPrefix(http.DetectContentType(head), "text/html") && !g.HTML {
		return nil, g.notAFile()
	}
	var said storeError
	if bytes.HasPrefix(bytes.TrimSpace(head), []byte("<?xml")) && xml.Unmarshal(head, &said) == nil {
		if f := g.storeRefusal(said); f != nil {
			return nil, f
		}
	}
	return io.MultiReader(bytes.NewReader(head), body), nil
}

// page says whether an answer calls itself a page of HTML.
func (g getter) page(r *http.Response) (error, bool) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || g.HTML || kind != "text/html" && kind != "application/xhtml+xml" {
		return nil, false //nolint:nilerr // an answer that does not say what it is calls itself no page
	}
	return g.notAFile(), true
}

func (g getter) notAFile() error {
	return fault.New(CodeLogin, "open the address in a browser: it may want a login, or a click before it gives the file; then name the address of the file itself, a mirror or a local copy",
		"%s is a web page and not the file %s", g.shown, filepath.Base(g.Target))
}

// errStalled says that too little arrives.
var errStalled = errors.New("too little arrives")
