package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The daemon tells a real webhook of a real job; the button works before.
func TestNotifications(t *testing.T) {
	told := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(body)
		told <- string(body)
	}))
	defer hook.Close()
	file := filepath.Join(t.TempDir(), "notify.yaml")
	require.NoError(t, os.WriteFile(file, []byte("- {name: hook, url: '"+hook.URL+"/hidden', body: '{{.Event}} {{.Job.Name}} {{.Message}}'}\n"), 0o600))
	t.Setenv("FTD_NOTIFY", file)
	h := newHouse(t)
	out, talk, status := run(t, "notify", "test")
	require.Zero(t, status, talk)
	require.Regexp(t, `hook +http://127.0.0.1:\d+/… +told`, out)
	require.Equal(t, "test test this is a test of ftd's notifications", <-told)
	h.ended(h.submit("true"))
	require.Equal(t, "finished true it has succeeded", <-told)
	h.ended(h.submit("false"))
	require.Equal(t, "failed false the training ended with status 1", <-told)

	hook.Close()
	out, talk, status = run(t, "notify", "test", "hook")
	require.Equal(t, exitFailed, status)
	require.Contains(t, out, "does not answer")
	require.NotContains(t, out, "hidden")
	require.Contains(t, talk, "what to do: ")
}

// A setting and the file of those who are notified are read again on request,
// and what is wrong with them is said with its line.
func TestReload(t *testing.T) {
	file := filepath.Join(t.TempDir(), "notify.yaml")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write("- {name: a, command: ['true']}\n")
	t.Setenv("FTD_NOTIFY", file)
	newHouse(t)
	out, talk, status := run(t, "reload")
	require.Zero(t, status, talk)
	require.Equal(t, "read again; no setting has changed\n", out)
	_, talk, status = run(t, "config", "set", "slots", "3")
	require.Zero(t, status, talk)
	out, _, _ = run(t, "reload")
	require.Equal(t, "changed: slots\n", out)

	write("- {name: b, command: ['true']}\n- {name: c}\n")
	_, talk, status = run(t, "reload")
	require.Equal(t, exitFailed, status)
	require.Contains(t, talk, file+":2: c: it needs a url or a command")
	require.Contains(t, talk, "what to do: ")
	_, talk, _ = run(t, "config")
	require.Contains(t, talk, "the last reading failed: "+file+":2")
	out, _, _ = run(t, "notify", "test")
	require.Regexp(t, `(?m)^a +true +told$`, out)
	write("- {name: b, command: ['true']}\n")
	out, _, _ = run(t, "reload", "-o", "json")
	require.JSONEq(t, `{"changed": [], "waiting": []}`, out)
	_, talk, _ = run(t, "config")
	require.Empty(t, talk)
	out, _, _ = run(t, "notify", "test")
	require.Regexp(t, `(?m)^b +true +told$`, out)
}

func TestNobodyToNotify(t *testing.T) {
	newHouse(t)
	_, talk, status := run(t, "notify", "test")
	require.Equal(t, exitFailed, status)
	require.Contains(t, talk, "the setting notify")
}
