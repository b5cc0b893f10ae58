package lfs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/cenkalti/backoff/v5"

	"ftd/recipe/fault"
	"ftd/recipe/fetch"
)

const (
	mediaType = "application/vnd.git-lfs+json"
	// perBatch is how many files are asked for at once, as git-lfs does.
	perBatch = 100
	maxReply = 16 << 20
	tries    = 4
)

// endpoint is the address of the batch protocol of a repository.
func endpoint(repository string) string {
	address := strings.TrimRight(repository, "/")
	switch {
	case strings.HasSuffix(address, "/info/lfs"):
		return address + "/objects/batch"
	case strings.HasSuffix(address, ".git"):
		return address + "/info/lfs/objects/batch"
	}
	return address + ".git/info/lfs/objects/batch"
}

type object struct {
	OID     string             `json:"oid"`
	Size    int64              `json:"size"`
	Actions map[string]*action `json:"actions,omitempty"`
	Error   *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// action says where a file is, and what to send to get it.
type action struct {
	Href   string            `json:"href"`
	Header map[string]string `json:"header"`
}

// answer is what a repository says about one file: where it is, or why it does
// not give it out.
type answer struct {
	*action
	refusal error
}

// ask returns what a repository says about the files of pointers, by their OID.
func ask(ctx context.Context, repository string, header http.Header, pointers []Pointer, t fetch.Tuning) (map[string]answer, error) {
	request := struct {
		Operation string   `json:"operation"`
		Transfers []string `json:"transfers"`
		Objects   []object `json:"objects"`
	}{Operation: "download", Transfers: []string{"basic"}}
	for _, p := range pointers {
		request.Objects = append(request.Objects, object{OID: p.OID, Size: p.Size})
	}
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	waits := backoff.NewExponentialBackOff()
	t = t.Filled()
	waits.InitialInterval = t.Pause
	reply, err := backoff.Retry(ctx, func() ([]object, error) {
		silent := fmt.Errorf("%s: nothing arrived for %s", fetch.Shown(endpoint(repository)), t.Patience)
		ctx, cancel := context.WithTimeoutCause(ctx, t.Patience, silent)
		defer cancel()
		objects, err := post(ctx, endpoint(repository), header, body)
		if err != nil && errors.Is(context.Cause(ctx), silent) {
			err = silent
		}
		return objects, err
	}, backoff.WithBackOff(waits), backoff.WithMaxTries(tries))
	if err != nil {
		return nil, err
	}
	found := map[string]answer{}
	for _, o := range reply {
		switch a := o.Actions["download"]; {
		case o.Error != nil:
			found[o.OID] = answer{refusal: fault.New(fetch.CodeNotFound, elsewhere,
				"%s does not give out the file with the SHA-256 %s: %s", fetch.Shown(repository), o.OID, o.Error.Message)}
		case a != nil && fetch.IsAddress(a.Href): // and no file of this machine
			found[o.OID] = answer{action: a}
		}
	}
	return found, nil
}

// elsewhere is what to do about a file that a repository does not have.
const elsewhere = "name another repository or mirror that has the file, or a directory with the files"

// send posts a question, and to wherever it is sent on to: package http would
// make a GET of it, and take the secrets along.
func send(ctx context.Context, address string, header http.Header, body []byte) (*http.Response, error) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for range 10 {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
		if err != nil {
			return nil, backoff.Permanent(fault.New(fetch.CodeUnreachable, "correct the address", "%s is not a valid address", fetch.Shown(address)))
		}
		for name, values := range header {
			request.Header[http.CanonicalHeaderKey(name)] = values
		}
		request.Header.Set("Accept", mediaType)
		request.Header.Set("Content-Type", mediaType)
		response, err := client.Do(request)
		if err != nil {
			var inner interface{ Unwrap() error }
			if errors.As(err, &inner) { // the whole address is in the error of package http
				err = inner.Unwrap()
			}
			return nil, fmt.Errorf("%s: %w", fetch.Shown(address), err)
		}
		next := onward(response)
		if next == nil {
			return response, nil
		}
		response.Body.Close()
		if !fetch.SameHost(next, request.URL) {
			header = nil
		}
		address = next.String()
	}
	return nil, backoff.Permanent(fault.New(fetch.CodeUnreachable, "name the address of the repository, as git clone takes it", "%s redirects in a circle", fetch.Shown(address)))
}

// onward is where a response sends on to, nil if nowhere.
func onward(r *http.Response) *url.URL {
	if r.StatusCode < 300 || r.StatusCode > 399 {
		return nil
	}
	next, _ := r.Location() // nil without one, or with one that is no address
	return next
}

// post sends one batch request. Its error is permanent unless waiting may help.
func post(ctx context.Context, address string, header http.Header, body []byte) ([]object, error) {
	shown := fetch.Shown(address)
	response, err := send(ctx, address, header, body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxReply))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	var reply struct {
		Objects []object `json:"objects"`
		Message string   `json:"message"`
	}
	isJSON := json.Unmarshal(text, &reply) == nil
	switch code := response.StatusCode; {
	case code == http.StatusOK && isJSON:
		return reply.Objects, nil
	case code == http.StatusTooManyRequests || code >= 500:
		return nil, fmt.Errorf("%s answers %s", shown, response.Status)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return nil, backoff.Permanent(fault.New(fetch.CodeRefused, "get a token where the model is offered, and name the variable that holds it with token:", "%s wants a login (%s)", shown, response.Status))
	case code == http.StatusOK:
		return nil, backoff.Permanent(fault.New(fetch.CodeLogin, "name the address of the repository itself, as git clone takes it", "%s does not speak the protocol of Git LFS", shown))
	}
	return nil, backoff.Permanent(fault.New(fetch.CodeNotFound, "name the address of the repository, as git clone takes it", "%s answers %s: %s", shown, response.Status, reply.Message))
}
