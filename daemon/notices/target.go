package notices

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/template"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Target is somebody to tell, and how.
type Target struct {
	// Name is what logs and tests call it.
	Name string `yaml:"name"`
	// URL is a webhook; Command a program with its arguments. One of them.
	URL     string   `yaml:"url"`
	Command []string `yaml:"command"`
	// On are the events; empty means finished, failed, watchdog and disk.
	On []string `yaml:"on"`
	// Text is the template of the sentence, Body that of the whole request.
	Text    string            `yaml:"text"`
	Body    string            `yaml:"body"`
	Headers map[string]string `yaml:"headers"`
	// Timeout is that of one try.
	Timeout time.Duration `yaml:"timeout"`
	// GiveUp is how long it is tried again.
	GiveUp time.Duration `yaml:"give_up"`

	text, body *template.Template
	pause      time.Duration // before the second try
	environ    []string      // of Command
}

// defaultText is the sentence where a target has no template of its own.
const defaultText = `ftd: {{.Job.Name}} {{.Event}}: {{.Message}}{{with .Remedy}} ({{.}}){{end}}`

// String names a target without its secrets: addresses of webhooks have them
// in the path.
func (t *Target) String() string {
	if t.URL != "" {
		if u, err := url.Parse(t.URL); err == nil {
			return u.Scheme + "://" + u.Host + "/…"
		}
		return "a webhook"
	}
	return filepath.Base(t.Command[0])
}

func (t *Target) wants(event string) bool { return slices.Contains(t.On, event) }

// keepTelling tells a notice until it arrives, is refused, or GiveUp is over.
func (t *Target) keepTelling(ctx context.Context, n Notice) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = t.pause, 5*time.Minute
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		try, cancel := lingering(ctx)
		defer cancel()
		return struct{}{}, t.tell(try, n)
	},
		backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(t.GiveUp))
	return err
}

// grace is how long a try may go on that is under way when a Teller is closed.
// One that is cut off may have arrived all the same, and would be told again
// after the next start.
const grace = 2 * time.Second

// lingering returns a context that ends grace after ctx.
func lingering(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return late, func() {
		stop()
		cancel()
	}
}

// tell tells a notice once. The error holds no secret.
func (t *Target) tell(ctx context.Context, n Notice) error {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	body, text, err := t.fill(n)
	if err != nil {
		return backoff.Permanent(err)
	}
	n.Text = text
	if t.URL != "" {
		return t.post(ctx, body)
	}
	return t.run(ctx, n, body)
}

// fill fills the templates in.
func (t *Target) fill(n Notice) (body []byte, text string, err error) {
	var sentence strings.Builder
	if err := t.text.Execute(&sentence, n); err != nil {
		return nil, "", fmt.Errorf("the template text: %w", err)
	}
	n.Text = sentence.String()
	if t.body == nil {
		body, err = json.Marshal(n)
		return body, n.Text, err
	}
	var whole bytes.Buffer
	if err := t.body.Execute(&whole, n); err != nil {
		return nil, "", fmt.Errorf("the template body: %w", err)
	}
	return whole.Bytes(), n.Text, nil
}

// client follows a redirect only where it asks for the same request: after the
// others it would send a GET of nothing, and take the page it gets for success.
var client = &http.Client{CheckRedirect: func(next *http.Request, before []*http.Request) error {
	if next.Method != http.MethodPost {
		return http.ErrUseLastResponse
	}
	if len(before) >= 10 {
		return errors.New("it redirects without an end")
	}
	return nil
}}

func (t *Target) post(ctx context.Context, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(body))
	if err != nil {
		return backoff.Permanent(fmt.Errorf("the address of %s is none", t))
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "ftd")
	for name, value := range t.Headers {
		r.Header.Set(name, value)
	}
	answer, err := client.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address
		}
		return fmt.Errorf("%s does not answer: %w", t, err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)) // so that the connection can be used again
	switch {
	case answer.StatusCode < 300:
		return nil
	case answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode >= 500:
		return fmt.Errorf("%s answered %s", t, answer.Status)
	case answer.StatusCode < 400:
		return backoff.Permanent(fmt.Errorf("%s has moved (%s): the address to write is another one", t, answer.Status))
	}
	return backoff.Permanent(fmt.Errorf("%s refused it: %s", t, answer.Status))
}

// run runs the command: the notice is its input, and in its environment. It is
// ended with all that it started.
func (t *Target) run(ctx context.Context, n Notice, body []byte) error {
	cmd := exec.CommandContext(ctx, t.Command[0], t.Command[1:]...)
	cmd.Env = append(slices.Clone(t.environ), "FTD_EVENT="+n.Event, "FTD_JOB="+n.Job.ID, "FTD_JOB_NAME="+n.Job.Name,
		"FTD_JOB_STATE="+string(n.Job.State), "FTD_TEXT="+n.Text)
	cmd.Stdin = bytes.NewReader(body)
	var talk tail
	cmd.Stdout, cmd.Stderr = &talk, &talk
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s took longer than %s", t, t.Timeout)
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission), errors.Is(err, exec.ErrNotFound):
		return backoff.Permanent(fmt.Errorf("%s cannot be run: %w", t, err))
	}
	return fmt.Errorf("%s ended with %w: %s", t, err, strings.TrimSpace(string(talk)))
}

// tail keeps the end of what a command says.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	const most = 500
	*t = append(*t, p...)
	*t = (*t)[max(len(*t)-most, 0):]
	return len(p), nil
}
