package server

import (
	"context"
	"net/http"
	"time"

	"ftd/api"
)

func (s *Server) version(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, s.Version())
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
	return nil
}

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
	var body api.CallRequest
	if err := decode(r, &body); err != nil {
		return err
	}
	if body.Module == "" || body.Function == "" {
		return api.Errorf(api.CodeBadRequest, "a call needs module and function")
	}
	if body.Isolation != "" && body.Isolation != "worker" {
		return api.Errorf(api.CodeBadRequest, "isolation %q: it must be worker or empty", body.Isolation)
	}
	if body.TimeoutSeconds < 0 {
		return api.Errorf(api.CodeBadRequest, "timeout_seconds must not be negative")
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
