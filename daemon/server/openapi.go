package server

import (
	_ "embed"
	"net/http"

	"github.com/goccy/go-yaml"
)

// document describes the API. Tests hold it to the table of routes and to the
// types of package api.
//
//go:embed openapi.yaml
var document []byte

func (s *Server) openapi(w http.ResponseWriter, _ *http.Request) error {
	text, err := yaml.YAMLToJSON(document)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
	return nil
}
