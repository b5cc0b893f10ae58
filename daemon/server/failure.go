package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

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
	case api.CodeBadRequest, api.CodeRecipeInvalid:
		return http.StatusBadRequest
	case api.CodeDenied:
		return http.StatusForbidden
	case api.CodeNotFound:
		return http.StatusNotFound
	case codeMethod:
		return http.StatusMethodNotAllowed
	case api.CodeConflict:
		return http.StatusConflict
	case api.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case api.CodePython:
		return http.StatusUnprocessableEntity
	case api.CodeTimeout:
		return http.StatusGatewayTimeout
	case api.CodeDiskFull:
		return http.StatusInsufficientStorage
	case codeBusy, api.CodeNoPython, api.CodeNoEnvironment:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// fail answers with an error. Where the answer has begun already, as in a
// stream, it can only be cut off.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody reads it
	}
	e := describe(err)
	if status(e.Code) == http.StatusInternalServerError {
		s.Log.Error().Err(err).Str("request", w.Header().Get(api.HeaderRequestID)).Str("path", r.URL.Path).Msg("a request failed")
	}
	_ = reply(w, status(e.Code), e)
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
	return api.Errorf(api.CodeInternal, "%v", err).WithRemedy("the daemon's log says more")
}

// decode reads a JSON body into v. An unknown field is an error: it is a typing
// mistake, or a wish that this daemon is too old to grant.
func decode(r *http.Request, v any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	d.UseNumber() // the arguments of a call are passed on as they are
	err := d.Decode(v)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return err
	case err != nil:
		return api.Errorf(api.CodeBadRequest, "the body is not the JSON that %s %s takes: %v", r.Method, r.URL.Path, err)
	case d.More():
		return api.Errorf(api.CodeBadRequest, "the body holds more than one JSON value")
	}
	return nil
}
