package server

import (
	"net/http"

	"ftd/api"
)

func (s *Server) settings(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, s.Service.Settings())
}

func (s *Server) setSetting(w http.ResponseWriter, r *http.Request) error {
	var change api.SettingChange
	if err := decode(r, &change); err != nil {
		return err
	}
	if err := s.Service.SetSetting(r.PathValue("name"), change.Value); err != nil {
		return err
	}
	return reply(w, http.StatusOK, s.Service.Settings())
}

func (s *Server) reload(w http.ResponseWriter, _ *http.Request) error {
	read, err := s.Service.Reload()
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, read)
}

// restart answers before the daemon restarts; requests under way are finished
// first, this one too.
func (s *Server) restart(w http.ResponseWriter, r *http.Request) error {
	if err := s.Service.Restart(r.Context()); err != nil {
		return err
	}
	return reply(w, http.StatusAccepted, struct{}{})
}

// testNotify tells those who are notified that this is a test.
func (s *Server) testNotify(w http.ResponseWriter, r *http.Request) error {
	q := parameters(r, "name")
	name := q.text("name")
	if q.err != nil {
		return q.err
	}
	list, err := s.Notices.Test(r.Context(), name)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, api.NoticeTestList{Targets: list})
}
