package lfs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"ftd/recipe/fault"
	"ftd/recipe/fetch"
)

const (
	mediaType = "application/vnd.git-lfs+json"
	// perBatch is how many files are asked for at once, as git-lfs does.
	perBatch = 100
	maxReply = 16 << 20
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

// ask returns where the files of pointers are, by their OID.
func ask(ctx context.Context, repository string, header http.Header, pointers []Pointer, pause time.Duration) (map[string]*action, error) {
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
	waits.InitialInterval = pause
	reply, err := backoff.Retry(ctx, func() ([]object, error) { return post(ctx, endpoint(repository), header, body) },
		backoff.WithBackOff(waits), backoff.WithMaxTries(4))
	if err != nil {
		return nil, err
	}
	found := map[string]*action{}
	for _, o := range reply {
		if o.Error != nil {
			return nil, fault.New(fetch.CodeNotFound, "name another repository or mirror that has the file, or a directory with the files",
				"%s does not give out the file with the SHA-256 %s: %s", fetch.Shown(repository), o.OID, o.Error.Message)
		}
		if o.Actions["download"] != nil {
			found[o.OID] = o.Actions["download"]
		}
	}
	return found, nil
}

// post sends one batch request. Its error is permanent unless waiting may help.
func post(ctx context.Context, address string, header http.Header, body []byte) ([]object, error) {
	shown := fetch.Shown(address)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, backoff.Permanent(fault.New(fetch.CodeUnreachable, "correct the address", "%s is not a valid address", shown))
	}
	for name, values := range header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	request.Header.Set("Accept", mediaType)
	request.Header.Set("Content-Type", mediaType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		var inner interface{ Unwrap() error }
		if errors.As(err, &inner) { // the whole address is in the error of package http
			err = inner.Unwrap()
		}
		return nil, fmt.Errorf("%s: %w", shown, err)
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
