package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"ftd/api"
)

// Codes that only this package gives.
const (
	codeMethod = "method-not-allowed"
	codeBusy   = "busy"
)

// status is the HTTP status of each code; all others are the daemon's own
// fault, 500.
func status(code string) int {
	switch code {
	case api.CodeBadRequest, api.CodeRecipeInvalid, api.CodeSettings:
		return http.StatusBadRequest
	case api.CodeDenied:
		return http.StatusForbidden
	case api.CodeNotFound, api.CodeNoRoute:
		return http.StatusNotFound
	case codeMethod:
		return http.StatusMethodNotAllowed
	case api.CodeConflict:
		return http.StatusConflict
	case api.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case api.CodePython:
		return http.StatusUnprocessableEntity
	case api.CodeTimeout: // the client's own wish, or its patience
		return http.StatusRequestTimeout
	case api.CodeDiskFull:
		return http.StatusInsufficientStorage
	case codeBusy, api.CodeUnreachable, api.CodeNoPython, api.CodeNoEnvironment:
		return http.StatusServiceUnavailable
	}
	if strings.HasPrefix(code, "npu-") { // the driver of the cards does not answer
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// fail answers with an error. It does so even if the request's context has
// ended: for net/http it has when a body is late as well, and a client that still
// listens would get a 200 of nothing. Where the answer has begun already, as in a
// stream, it can only be cut off.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := describe(err)
	if r.Context().Err() == nil {
		hearOut(w, r)
		if status(e.Code) == http.StatusInternalServerError {
			s.Log.Error().Err(err).Str("request", w.Header().Get(api.HeaderRequestID)).Str("path", r.URL.Path).Msg("a request failed")
		}
	}
	if e.Remedy == "" {
		e = e.WithRemedy("%s", nextStep(e.Code))
	}
	_ = reply(w, status(e.Code), e)
}

// nextStep is what to do about an error that says nothing of it itself.
func nextStep(code string) string {
	switch code {
	case api.CodeBadRequest, api.CodeTooLarge, codeMethod:
		return "GET /v1/openapi.json says what the daemon takes, and --help what a verb of ftctl does"
	case api.CodeNotFound, api.CodeConflict:
		return "`ftctl ps -a` lists all jobs and how they stand"
	case api.CodeDenied:
		return "connect to the daemon's socket itself, with ftctl or curl"
	case api.CodeTimeout:
		return "try again, and give it longer"
	case api.CodeSettings:
		return "`ftctl config` shows the settings, and what was wrong with them"
	case api.CodePython:
		return "the daemon's log says more; `ftctl doctor` looks for what is wrong with its Python"
	}
	return "the daemon's log says more"
}

// hearOut reads a request that is refused before it was read, unless it is a
// large one: a client that is still sending when the connection is closed may
// take that for the end of the daemon, and never look at the answer.
func hearOut(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody || r.Header.Get("Expect") != "" {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.CopyN(io.Discard, r.Body, freeOfBody)
}

// describe makes an api.Error of any error.
func describe(err error) *api.Error {
	var known *api.Error
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &large):
		return api.Errorf(api.CodeTooLarge, "the request is larger than %d MiB", large.Limit>>20)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return api.Errorf(api.CodeTimeout, "it took too long and was ended")
	}
	return api.Errorf(api.CodeInternal, "%v", err)
}

// trouble is where net/http writes what it has to say, such as that no more
// files can be opened.
type trouble struct{ log zerolog.Logger }

func (t trouble) Write(p []byte) (int, error) {
	t.log.Warn().Msg(strings.TrimSpace(string(p)))
	return len(p), nil
}
