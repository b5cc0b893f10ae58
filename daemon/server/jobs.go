package server

import (
	"net/http"

	"ftd/api"
)

// Pages are this long unless a client asks for less.
const (
	maxJobs   = 1000
	maxPoints = 5000
)

func (s *Server) submit(w http.ResponseWriter, r *http.Request) error {
	var body api.Submit
	if err := decode(r, &body); err != nil {
		return err
	}
	job, err := s.Jobs.Submit(r.Context(), body)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/jobs/"+job.ID)
	return reply(w, http.StatusCreated, job)
}

func (s *Server) listJobs(w http.ResponseWriter, r *http.Request) error {
	q := parameters(r, "active", "limit", "before")
	query := api.JobsQuery{
		Active: q.flag("active"),
		Limit:  int(q.number("limit", maxJobs, 1, maxJobs)),
		Before: q.text("before"),
	}
	if q.err != nil {
		return q.err
	}
	jobs, err := s.Jobs.Jobs(r.Context(), query)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, api.JobList{Jobs: jobs})
}

func (s *Server) showJob(w http.ResponseWriter, r *http.Request) error {
	if q := parameters(r); q.err != nil {
		return q.err
	}
	job, err := s.Jobs.Job(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, job)
}

func (s *Server) stopJob(w http.ResponseWriter, r *http.Request) error {
	job, err := s.Jobs.Stop(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusAccepted, job)
}

func (s *Server) removeJob(w http.ResponseWriter, r *http.Request) error {
	q := parameters(r, "checkpoints")
	checkpoints := q.flag("checkpoints")
	if q.err != nil {
		return q.err
	}
	if err := s.Jobs.Remove(r.Context(), r.PathValue("job"), checkpoints); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) points(w http.ResponseWriter, r *http.Request) error {
	q := parameters(r, "attempt", "after", "limit")
	limit := int(q.number("limit", maxPoints, 1, maxPoints))
	if q.err != nil {
		return q.err
	}
	job, err := s.Journal.Resolve(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	points, next, err := s.Journal.Points(r.Context(), job, q.text("attempt"), q.text("after"), limit)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, api.PointList{Points: points, Next: next})
}
