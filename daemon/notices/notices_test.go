package notices

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ftd/api"
	"ftd/daemon/journal"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"))
}

// receiver is a webhook that fails as often as it is told to.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	fail    int
	status  int
	tries   int
	bodies  []string
	headers []http.Header
}

func newReceiver(t *testing.T, fail, status int) *receiver {
	t.Helper()
	r := &receiver{fail: fail, status: status}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.tries++
		if r.tries <= r.fail {
			w.WriteHeader(r.status)
			return
		}
		r.bodies, r.headers = append(r.bodies, string(body)), append(r.headers, q.Header)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.bodies...)
}

func (r *receiver) tried() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tries
}

func load(t *testing.T, text string) []*Target {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	targets, err := Load(path)
	require.NoError(t, err)
	for _, target := range targets {
		target.pause = time.Millisecond
	}
	return targets
}

// story is a journal in which jobs end.
type story struct {
	t *testing.T
	*journal.Journal
	place string
}

func newStory(t *testing.T) *story {
	t.Helper()
	j, _, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "journal.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, j.Close()) })
	return &story{t, j, filepath.Join(t.TempDir(), "notified.json")}
}

func (s *story) job(id string, state api.State, failure *api.Error) {
	s.t.Helper()
	ctx := s.t.Context()
	require.NoError(s.t, s.CreateJob(ctx, api.Job{ID: id, Name: "name-" + id, State: api.StateQueued, Dir: "/d", Created: time.Now()}, api.Submit{}))
	_, err := s.SetJob(ctx, id, api.StateRunning, nil)
	require.NoError(s.t, err)
	_, err = s.SetJob(ctx, id, state, failure)
	require.NoError(s.t, err)
}

func (s *story) alarm(job, dog, message string) {
	s.t.Helper()
	data, err := json.Marshal(api.Alarm{Watchdog: dog, Message: message})
	require.NoError(s.t, err)
	require.NoError(s.t, s.Emit(s.t.Context(), api.Event{Job: job, Type: api.EventWatchdog, Data: data}))
}

func (s *story) teller(targets []*Target) *Teller {
	s.t.Helper()
	return New(targets, s, os.Environ(), s.place, zerolog.Nop())
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	require.Eventually(t, f, 20*time.Second, 5*time.Millisecond, what)
}

func TestAWebhookThatFailsFirstIsTriedAgain(t *testing.T) {
	for _, status := range []int{http.StatusBadGateway, http.StatusTooManyRequests} {
		hook := newReceiver(t, 2, status)
		s := newStory(t)
		teller := s.teller(load(t, `[{url: "`+hook.URL+`/secret", headers: {Authorization: Bearer x}}]`))
		teller.Start()
		eventually(t, "a first look", func() bool { _, err := os.Stat(s.place); return err == nil })
		s.job("01a", api.StateFailed, api.Errorf("static-tls", "libgomp").WithRemedy("preload it"))
		eventually(t, "the notice", func() bool { return len(hook.got()) == 1 })
		teller.Close()
		require.Equal(t, 3, hook.tried())
		var n Notice
		require.NoError(t, json.Unmarshal([]byte(hook.got()[0]), &n))
		require.Equal(t, Failed, n.Event)
		require.Equal(t, "01a", n.Job.ID)
		require.Equal(t, "ftd: name-01a failed: libgomp (preload it)", n.Text)
		require.Equal(t, "Bearer x", hook.headers[0].Get("Authorization"))
	}
}

func TestAWebhookThatRefusesIsLeftAlone(t *testing.T) {
	hook := newReceiver(t, 99, http.StatusForbidden)
	targets := load(t, `[{name: chat, url: "`+hook.URL+`/very-secret?token=abc"}]`)
	err := targets[0].keepTelling(t.Context(), sample(time.Now()))
	require.ErrorContains(t, err, "403")
	require.NotContains(t, err.Error(), "secret")
	require.Equal(t, 1, hook.tried())
	hook.Close()
	err = targets[0].tell(t.Context(), sample(time.Now()))
	require.ErrorContains(t, err, "does not answer")
	require.NotContains(t, err.Error(), "secret")
}

// A redirect to a page is no success: the notice would be in none of it.
func TestAWebhookThatHasMovedIsNotTold(t *testing.T) {
	hook := newReceiver(t, 0, 0)
	for status, arrives := range map[int]bool{
		http.StatusMovedPermanently: false, http.StatusFound: false, http.StatusSeeOther: false,
		http.StatusTemporaryRedirect: true, http.StatusPermanentRedirect: true,
	} {
		before := hook.tried()
		old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, hook.URL, status) }))
		t.Cleanup(old.Close)
		target := load(t, `[{name: chat, url: "`+old.URL+`"}]`)[0]
		err := target.tell(t.Context(), sample(time.Now()))
		if arrives {
			require.NoError(t, err)
			require.Contains(t, hook.got()[len(hook.got())-1], `"event":"test"`)
		} else {
			require.ErrorContains(t, err, "has moved")
			require.Equal(t, before, hook.tried())
		}
	}
}

func TestEachTargetIsToldWhatItAskedFor(t *testing.T) {
	all, few := newReceiver(t, 0, 0), newReceiver(t, 0, 0)
	s := newStory(t)
	teller := s.teller(load(t, `
- {name: all, url: "`+all.URL+`", on: [finished, failed, stopped, watchdog, disk], body: "{{.Event}} {{.Job.Name}} {{json .Message}}"}
- {name: few, url: "`+few.URL+`", on: [disk], text: "{{.Job.ID}} disk"}`))
	teller.Start()
	eventually(t, "a first look", func() bool { _, err := os.Stat(s.place); return err == nil })
	s.job("01a", api.StateSucceeded, nil)
	s.job("01b", api.StateLost, nil)
	s.job("01c", api.StateStopped, nil)
	s.alarm("01a", "stall", `no "step"`)
	s.alarm("01a", "disk", "full tomorrow")
	eventually(t, "all", func() bool { return len(all.got()) == 5 && len(few.got()) == 1 })
	teller.Close()
	require.Equal(t, []string{`finished name-01a "it has succeeded"`, `failed name-01b "it is lost"`, `stopped name-01c "it was stopped on request"`,
		`watchdog name-01a "no \"step\""`, `disk name-01a "full tomorrow"`}, all.got())
	require.Contains(t, few.got()[0], `"text":"01a disk"`)
}

// A restart neither forgets nor repeats; a target that hangs keeps no other
// from being told, nor its own notices from being kept.
func TestARestartForgetsNothing(t *testing.T) {
	good, bad := newReceiver(t, 0, 0), newReceiver(t, 1<<30, http.StatusServiceUnavailable)
	s := newStory(t)
	file := `[{name: good, url: "` + good.URL + `"}, {name: bad, url: "` + bad.URL + `"}]`
	teller := s.teller(load(t, file))
	teller.Start()
	eventually(t, "a first look", func() bool { _, err := os.Stat(s.place); return err == nil })
	s.job("01a", api.StateSucceeded, nil)
	eventually(t, "one of them", func() bool { return len(good.got()) == 1 && bad.tried() > 1 })
	eventually(t, "its being kept", func() bool {
		text, err := os.ReadFile(s.place)
		require.NoError(t, err)
		kept := map[string]int64{}
		require.NoError(t, json.Unmarshal(text, &kept))
		return kept["good"] > kept["bad"]
	})
	teller.Close()
	s.job("01b", api.StateSucceeded, nil) // while nobody looks
	bad.mu.Lock()
	bad.fail = 0
	bad.mu.Unlock()
	teller = s.teller(load(t, file))
	teller.Start()
	eventually(t, "the rest", func() bool { return len(good.got()) == 2 && len(bad.got()) == 2 })
	teller.Close()
	require.Contains(t, bad.got()[0], "01a")
	require.Contains(t, good.got()[1], "01b")
}

// A try that is under way when the daemon ends may arrive: it is seen to its end,
// or it would be told again.
func TestATryUnderWayIsFinished(t *testing.T) {
	var tries atomic.Int64
	cut := make(chan bool, 2) // whether the one who asks has gone
	closing := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body) // or it is not noticed
		if tries.Add(1) == 1 {
			<-closing
			select {
			case <-q.Context().Done():
			case <-time.After(grace / 10):
			}
			cut <- q.Context().Err() != nil
		}
	}))
	t.Cleanup(slow.Close)
	s := newStory(t)
	file := `[{name: slow, url: "` + slow.URL + `"}]`
	teller := s.teller(load(t, file))
	teller.Start()
	eventually(t, "a first look", func() bool { _, err := os.Stat(s.place); return err == nil })
	s.job("01a", api.StateSucceeded, nil)
	eventually(t, "a try", func() bool { return tries.Load() == 1 })
	closed := make(chan struct{})
	go func() { teller.Close(); close(closed) }()
	close(closing)
	require.False(t, <-cut)
	<-closed
	s.job("01b", api.StateSucceeded, nil)
	teller = s.teller(load(t, file))
	teller.Start()
	eventually(t, "the other one", func() bool { return teller.lines[0].told.Load() > 0 })
	teller.Close()
	require.EqualValues(t, 2, tries.Load())
}

// Who is told by name is told of everything once, also by another Teller, and
// right after it arrived.
func TestOthersAreToldFromNowOn(t *testing.T) {
	stays, goes, comes := newReceiver(t, 0, 0), newReceiver(t, 0, 0), newReceiver(t, 0, 0)
	s := newStory(t)
	teller := s.teller(load(t, `[{name: stays, url: "`+stays.URL+`"}, {name: goes, url: "`+goes.URL+`"}]`))
	teller.Start()
	eventually(t, "a first look", func() bool { _, err := os.Stat(s.place); return err == nil })
	for i := range 5 {
		s.job(fmt.Sprintf("01%d", i), api.StateSucceeded, nil)
		eventually(t, "both", func() bool { return len(stays.got()) == i+1 && len(goes.got()) > 0 })
		teller.Replace(load(t, `[{name: stays, url: "`+stays.URL+`"}, {name: comes, url: "`+comes.URL+`"}]`))
	}
	s.job("01z", api.StateSucceeded, nil)
	eventually(t, "the last", func() bool { return len(stays.got()) == 6 && len(comes.got()) >= 1 })
	teller.Replace(nil)
	teller.Close()
	require.Len(t, stays.got(), 6, "each once")
	require.Len(t, goes.got(), 1)
	require.NotContains(t, strings.Join(comes.got(), ""), `"010"`, "what was before its time")
}

func TestTooManyNoticesAreDropped(t *testing.T) {
	s := newStory(t)
	teller := s.teller(load(t, `[{command: ["true"]}]`))
	for range 3 * waiting {
		teller.put(teller.lines[0], Notice{})
	}
	require.EqualValues(t, waiting, teller.lines[0].busy.Load())
}

func TestACommandIsToldToo(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "tell")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\ncat >"+dir+"/in; echo \"$1 $FTD_EVENT $FTD_JOB_NAME $FTD_TEXT\" >"+dir+"/out\n"), 0o700))
	target := load(t, `[{command: ["`+script+`", --loud], text: "hello {{.Job.Name}}"}]`)[0]
	require.NoError(t, target.tell(t.Context(), sample(time.Now())))
	out, err := os.ReadFile(filepath.Join(dir, "out"))
	require.NoError(t, err)
	require.Equal(t, "--loud test test hello test\n", string(out))
	in, err := os.ReadFile(filepath.Join(dir, "in"))
	require.NoError(t, err)
	require.True(t, json.Valid(in))

	err = load(t, `[{command: [sh, -c, "echo why >&2; exit 3"]}]`)[0].tell(t.Context(), sample(time.Now()))
	require.ErrorContains(t, err, "exit status 3: why")
	err = load(t, `[{command: [sh, -c, "sleep 600 & sleep 600"], timeout: 200ms}]`)[0].tell(t.Context(), sample(time.Now()))
	require.ErrorContains(t, err, "took longer than")
	err = load(t, `[{command: [/nowhere/at/all]}]`)[0].keepTelling(context.Background(), sample(time.Now()))
	require.ErrorContains(t, err, "cannot be run")
}

func TestFilesThatAreWrong(t *testing.T) {
	for text, says := range map[string]string{
		`[{}]`: "needs a url or a command", `[{url: "http://x", command: [a]}]`: "one of them", `[{url: "ftp://x"}]`: "http://",
		`[{url: "http://x", on: [sometimes]}]`: "no event", `[{url: "http://x", text: "{{.Nobody}}"}]`: "Nobody",
		`[{url: "http://x", body: "{{"}]`: "body", `[{ur: "http://x"}]`: "ur", `[{name: a, url: "http://x"}, {name: a, url: "http://y"}]`: "same name",
		`[{url: "http://x", timeout: -1s}]`: "timeout", `[null]`: "needs a url",
	} {
		path := filepath.Join(t.TempDir(), "notify.yaml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := Load(path)
		require.ErrorContains(t, err, says, text)
		var refused *api.Error
		require.ErrorAs(t, err, &refused)
		require.Contains(t, refused.Remedy, "docs/operate.md")
	}
	_, err := Load(filepath.Join(t.TempDir(), "none"))
	require.Error(t, err)
	targets, err := Load("")
	require.NoError(t, err)
	require.Empty(t, targets)
}

func TestTheTestButton(t *testing.T) {
	hook := newReceiver(t, 0, 0)
	teller := newStory(t).teller(load(t, `[{name: chat, url: "`+hook.URL+`/hidden"}, {name: broken, command: ["false"]}]`))
	results, err := teller.Test(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, results, 2)
	require.Empty(t, results[0].Error)
	require.True(t, strings.HasSuffix(results[0].Target, "/…"), results[0].Target)
	require.Contains(t, results[1].Error, "exit status 1")
	require.Len(t, hook.got(), 1)
	results, err = teller.Test(t.Context(), "chat")
	require.NoError(t, err)
	require.Len(t, results, 1)
	_, err = teller.Test(t.Context(), "nobody")
	require.ErrorContains(t, err, "nobody")
	_, err = newStory(t).teller(nil).Test(t.Context(), "")
	require.ErrorContains(t, err, "nobody to notify")
}

// troubled is a journal that cannot tell of a job, once.
type troubled struct {
	*story
	failed atomic.Bool
}

func (j *troubled) Job(ctx context.Context, id string) (api.Job, error) {
	if !j.failed.Swap(true) {
		return api.Job{}, errors.New("the disk does not answer")
	}
	return j.story.Job(ctx, id)
}

// A journal that does not answer for a moment costs no notice, and doubles none.
func TestAJournalInTroubleIsAskedAgain(t *testing.T) {
	hook := newReceiver(t, 0, 0)
	s := newStory(t)
	teller := New(load(t, `[{url: "`+hook.URL+`", body: "{{.Event}} {{.Message}}"}]`), &troubled{story: s}, nil, s.place, zerolog.Nop())
	s.job("01z", api.StateStopped, nil) // which nobody wants to know
	teller.after, _ = s.LastEvent()
	s.job("01a", api.StateSucceeded, nil)
	s.alarm("01a", "stall", "no step")
	last, _ := s.LastEvent()
	require.ErrorContains(t, teller.look(t.Context(), teller.after, last), "does not answer")
	require.NoError(t, teller.look(t.Context(), teller.after, last))
	teller.work.Go(func() { teller.tell(t.Context(), teller.lines[0]) })
	eventually(t, "both", func() bool { return len(hook.got()) >= 2 })
	require.Equal(t, []string{"finished it has succeeded", "watchdog no step"}, hook.got())
}

// The ids of events begin anew in a journal that was made in the place of one
// that was lost.
func TestAJournalThatBeginsAnewIsReadFromNowOn(t *testing.T) {
	hook := newReceiver(t, 0, 0)
	s := newStory(t)
	require.NoError(t, os.WriteFile(s.place, []byte(`{"chat": 5000}`), 0o600))
	teller := s.teller(load(t, `[{name: chat, url: "`+hook.URL+`"}]`))
	teller.Start()
	eventually(t, "a first look", func() bool {
		text, err := os.ReadFile(s.place)
		return err == nil && !strings.Contains(string(text), "5000")
	})
	s.job("01a", api.StateSucceeded, nil)
	eventually(t, "the notice", func() bool { return len(hook.got()) == 1 })
	teller.Close()
}

// Libraries of the Python environment, which the daemon was started with, would
// break a curl of the system.
func TestACommandHasTheEnvironmentThatWasGiven(t *testing.T) {
	t.Setenv("LD_LIBRARY_PATH", "/of/the/daemon")
	s := newStory(t)
	out := filepath.Join(t.TempDir(), "out")
	teller := New(load(t, `[{command: [sh, -c, "env >`+out+`"]}]`), s, []string{"PATH=" + os.Getenv("PATH")}, s.place, zerolog.Nop())
	results, err := teller.Test(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, results[0].Error)
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	require.NotContains(t, string(text), "LD_LIBRARY_PATH")
	require.Contains(t, string(text), "FTD_EVENT=test")
}
