package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ftd/api"
	"ftd/logparse"
)

// lookAgain is how often files that grow are looked at. Log files have no one
// who tells of a change; fsnotify would cost one watch for each reader.
const lookAgain = 200 * time.Millisecond

const maxTail = 1_000_000

// logs streams what a job's steps and trainings printed, attempt after attempt.
func (s *Server) logs(w http.ResponseWriter, r *http.Request) error {
	q := parameters(r, "step", "attempt", "rank", "follow", "tail", "resume")
	f := follower{
		step: q.text("step"), attempt: q.text("attempt"),
		rank: int(q.number("rank", -1, 0, 1<<20)), tail: q.number("tail", 0, api.NoTail, maxTail),
	}
	follow := q.flag("follow")
	f.resume(q)
	if q.err != nil {
		return q.err
	}
	job, err := s.Jobs.Job(r.Context(), r.PathValue("job"))
	if err == nil {
		err = f.known(job, follow)
	}
	if err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		return nil
	}
	release, err := s.stream(r)
	if err != nil {
		return err
	}
	defer release()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if f.pieces = r.Header.Get("Accept") == api.LogPieces; f.pieces {
		w.Header().Set("Content-Type", api.LogPieces)
	}
	w.Header().Set("Trailer", api.HeaderResume)
	f.out = begin(w)
	f.header = f.step == "" && f.attempt == "" && len(job.Steps) > 1
	defer f.close()
	ctx, cancel := s.until(r)
	defer cancel()
	err = s.followLogs(ctx, &f, job, follow)
	switch {
	case err == nil:
	case s.ctx.Err() != nil:
		// The reader goes on with the next daemon.
		w.Header().Set(api.HeaderResume, f.place())
	case ctx.Err() == nil:
		s.Log.Debug().Err(err).Str("job", job.ID).Msg("a reader of logs was cut")
	}
	return nil
}

func (s *Server) followLogs(ctx context.Context, f *follower, job api.Job, follow bool) error {
	if err := f.out.flush(); err != nil {
		return err
	}
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	id := job.ID
	for {
		_, changed := s.Journal.LastEvent()
		job, err := s.Jobs.Job(ctx, id)
		if err != nil {
			return err
		}
		// The job's state is read before its files: when it has ended, they
		// are complete.
		for {
			wrote, err := f.copy(job)
			if err != nil {
				return err
			}
			f.tail = 0 // what appears from now on is new from its first line on
			if !follow || job.State.Ended() {
				return nil
			}
			if wrote {
				if err := f.out.flush(); err != nil {
					return err
				}
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
				continue
			case <-changed:
			}
			break
		}
	}
}

// follower copies log files to one reader, and remembers how far it is.
type follower struct {
	step, attempt string
	rank          int // -1: the lowest that there is
	tail          int64
	header        bool
	places        map[string]int64 // where a reader was, by name; see resume

	out   *stream
	files []*growing
	last  *growing // the one written from last
	// latest is its name where the reader comes back.
	latest string
	open   bool // the last thing written was no whole line
	pieces bool // what is written says where it ends: see resume
}

func (f *follower) close() {
	for _, g := range f.files {
		g.Close()
	}
}

// known says so if the job has no such step, attempt or rank, nor will have.
func (f *follower) known(job api.Job, follow bool) error {
	var steps, attempts []string
	var ranks []int
	for _, s := range job.Steps {
		steps = append(steps, s.ID)
		for _, a := range s.Attempts {
			attempts = append(attempts, a.ID)
			if f.rank >= 0 && (f.step == "" || f.step == s.ID) {
				ranks = append(ranks, ranksIn(a.Dir)...)
			}
		}
	}
	if f.step != "" && !slices.Contains(steps, f.step) {
		return api.Errorf(api.CodeNotFound, "the job %s has no step %q", job.Name, f.step).
			WithRemedy("its steps are: %s", strings.Join(steps, ", "))
	}
	if f.attempt != "" && !slices.Contains(attempts, f.attempt) {
		return api.Errorf(api.CodeNotFound, "the job %s has no attempt %q", job.Name, f.attempt).
			WithRemedy("its attempts are: %s", strings.Join(attempts, ", "))
	}
	if final := !follow || job.State.Ended(); final && len(ranks) > 0 && !slices.Contains(ranks, f.rank) {
		return api.Errorf(api.CodeNotFound, "the job %s has no log of rank %d", job.Name, f.rank).
			WithRemedy("it has those of the ranks %d to %d", slices.Min(ranks), slices.Max(ranks))
	}
	return nil
}

// copy writes what is new in all files of the job that are asked for.
func (f *follower) copy(job api.Job) (wrote bool, err error) {
	for _, step := range job.Steps {
		if f.step != "" && f.step != step.ID {
			continue
		}
		for _, a := range step.Attempts {
			if f.attempt != "" && f.attempt != a.ID {
				continue
			}
			for _, path := range f.paths(a.Dir) {
				n, err := f.copyFile(path, a.ID)
				if err != nil {
					return wrote, err
				}
				wrote = wrote || n > 0
			}
		}
	}
	return wrote, nil
}

// paths are an attempt's logs: what a step printed, then what a training did.
func (f *follower) paths(dir string) []string {
	paths := []string{filepath.Join(dir, "step.log")}
	if f.rank >= 0 {
		return append(paths, filepath.Join(dir, logparse.RankLog(f.rank)))
	}
	if ranks := ranksIn(dir); len(ranks) > 0 {
		paths = append(paths, filepath.Join(dir, logparse.RankLog(slices.Min(ranks))))
	}
	return paths
}

// ranksIn are those that have a log in an attempt's directory.
func ranksIn(dir string) (ranks []int) {
	entries, _ := os.ReadDir(dir) // not there yet: no logs
	for _, e := range entries {
		if rank, ok := logparse.RankOf(e.Name()); ok && e.Name() == logparse.RankLog(rank) {
			ranks = append(ranks, rank)
		}
	}
	return ranks
}

func (f *follower) copyFile(path, attempt string) (int64, error) {
	g, err := f.at(path, attempt)
	if g == nil || err != nil {
		return 0, err
	}
	var total int64
	buffer := make([]byte, 64<<10)
	for {
		n, _ := g.Read(buffer) // an error is the end for now; a later look tells
		if n == 0 {
			return total, nil
		}
		skipped, err := g.skip(buffer[:n])
		if err != nil {
			return total, err
		}
		if skipped {
			continue
		}
		if err := f.write(g, buffer[:n]); err != nil {
			return total, err
		}
		total += int64(n)
	}
}

// at returns the open file, at the place where reading it goes on; nil if it
// is not there.
func (f *follower) at(path, attempt string) (*growing, error) {
	for _, g := range f.files {
		if g.Name() == path {
			return g, nil
		}
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) { // not yet, or deleted since
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	name := attempt + "/" + filepath.Base(path)
	offset, was := f.places[name]
	switch {
	case was:
		_, err = file.Seek(offset, io.SeekStart)
	case f.tail == api.NoTail && f.places == nil:
		_, err = file.Seek(0, io.SeekEnd)
	case f.tail > 0 && f.places == nil:
		err = seekTail(file, f.tail)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	g := &growing{File: file, name: name}
	if g.read, err = file.Seek(0, io.SeekCurrent); err != nil {
		file.Close()
		return nil, err
	}
	if was && name == f.latest {
		f.last, f.open = g, !endsALine(file, offset)
	}
	f.files = append(f.files, g)
	return g, nil
}

func (f *follower) write(g *growing, p []byte) error {
	heading := ""
	if f.last != g && (f.last != nil || f.header) {
		heading = "==> " + g.name + " <==\n"
		if f.open {
			heading = "\n" + heading
		}
	}
	f.last, f.open = g, p[len(p)-1] != '\n'
	g.read += int64(len(p))
	if f.pieces {
		heading = fmt.Sprintf("%s %d\n", f.place(), len(heading)+len(p)) + heading
	}
	if _, err := io.WriteString(f.out, heading); err != nil {
		return err
	}
	_, err := f.out.Write(p)
	return err
}
