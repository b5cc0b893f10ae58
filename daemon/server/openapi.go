package server

import (
	_ "embed"
	"net/http"
	"sync"

	"github.com/goccy/go-yaml"
)

// document describes the API. Tests hold it to the table of routes and to the
// types of package api.
//
//go:embed openapi.yaml
var document []byte

// documentJSON takes some milliseconds, so it is made once.
var documentJSON = sync.OnceValues(func() ([]byte, error) { return yaml.YAMLToJSON(document) })

func (s *Server) openapi(w http.ResponseWriter, _ *http.Request) error {
	text, err := documentJSON()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
	return nil
}
