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
	body, err := submitOf(r)
	if err != nil {
		return err
	}
	key, given, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	var job api.Job
	fresh := true
	if given {
		job, fresh, err = s.Jobs.SubmitOnce(r.Context(), body, key)
	} else {
		job, err = s.Jobs.Submit(r.Context(), body)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/jobs/"+job.ID)
	if !fresh {
		return reply(w, http.StatusOK, job)
	}
	return reply(w, http.StatusCreated, job)
}

func (s *Server) plan(w http.ResponseWriter, r *http.Request) error {
	body, err := submitOf(r)
	if err != nil {
		return err
	}
	plan, err := s.Jobs.Plan(r.Context(), body)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, plan)
}

func (s *Server) listJobs(w http.ResponseWriter, r *http.Request) error {
	q := parameters(r, "active", "limit", "before")
	query := api.JobsQuery{
		Active: q.flag("active"),
		Before: q.text("before"),
	}
	want := int(q.number("limit", maxJobs, 1, maxJobs))
	query.Limit = want + 1 // one more tells whether there is another page
	if q.err != nil {
		return q.err
	}
	jobs, err := s.Jobs.Jobs(r.Context(), query)
	if err != nil {
		return err
	}
	list := api.JobList{Jobs: jobs}
	if len(jobs) > want {
		list.Jobs, list.Next = jobs[:want], jobs[want-1].ID
	}
	return reply(w, http.StatusOK, list)
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

func (s *Server) resumeJob(w http.ResponseWriter, r *http.Request) error {
	job, err := s.Jobs.Resume(r.Context(), r.PathValue("job"))
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

func (s *Server) cards(w http.ResponseWriter, _ *http.Request) error {
	list, err := s.Jobs.Cards()
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, api.CardList{Cards: list})
}

func (s *Server) points(w http.ResponseWriter, r *http.Request) error {
	q := parameters(r, "attempt", "after", "limit")
	limit := int(q.number("limit", maxPoints, 1, maxPoints))
	attempt, after := q.text("attempt"), q.text("after")
	if q.err != nil {
		return q.err
	}
	job, err := s.Journal.Resolve(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	points, next, err := s.Journal.Points(r.Context(), job, attempt, after, limit)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, api.PointList{Points: points, Next: next})
}
