package server

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"ftd/api"
)

func (s *Server) version(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, s.Version())
}

// metrics is everything that the metrics address serves too.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) error {
	s.Metrics.ServeHTTP(w, r)
	return nil
}

func (s *Server) recipes(w http.ResponseWriter, _ *http.Request) error {
	list, err := s.Jobs.Recipes()
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, api.RecipeList{Recipes: list})
}

func (s *Server) call(w http.ResponseWriter, r *http.Request) error {
	var asked struct {
		api.CallRequest
		// As it is: decoded, a million numbers take thirty times as much.
		Args json.RawMessage `json:"args,omitempty"`
	}
	if err := decode(r, &asked); err != nil {
		return err
	}
	body := asked.CallRequest
	if len(asked.Args) > 0 && string(asked.Args) != "null" {
		body.Args = asked.Args
	}
	if body.Module == "" || body.Function == "" {
		return api.Errorf(api.CodeBadRequest, "a call needs module and function")
	}
	if body.Isolation != "" && body.Isolation != "worker" {
		return api.Errorf(api.CodeBadRequest, "isolation %q: it must be worker or empty", body.Isolation)
	}
	if body.TimeoutSeconds < 0 || body.TimeoutSeconds > maxEmbedded {
		return api.Errorf(api.CodeBadRequest, "timeout_seconds must be from 0 to %d", maxEmbedded)
	}
	var l limits
	l.name("module", body.Module)
	l.name("function", body.Function)
	if err := l.result(); err != nil {
		return err
	}
	ctx, cancel := s.until(r)
	defer cancel()
	if body.TimeoutSeconds > 0 {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, time.Duration(body.TimeoutSeconds*float64(time.Second)))
		defer end()
	}
	result, err := s.Jobs.Call(ctx, body)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, result)
}
