package server

import (
	"net/http"

	"ftd/api"
)

// browser refuses what only a web page would send. A page cannot reach a Unix
// socket by itself, but people forward sockets to TCP ports, and there any page
// they have open could try.
func browser(r *http.Request) *api.Error {
	// Sec-Fetch-Site comes with every request of a browser, also where a page
	// asks for no Referer and a GET has no Origin.
	for _, name := range []string{"Origin", "Referer", "Sec-Fetch-Site"} {
		if len(r.Header.Values(name)) > 0 {
			return api.Errorf(api.CodeDenied, "requests from web pages are refused: this one has the header %s", name)
		}
	}
	switch r.Host {
	case "ftd", "localhost", "": // the client's, curl's
		return nil
	}
	return api.Errorf(api.CodeDenied, "the Host %q is not this daemon's", r.Host).
		WithRemedy("with curl: curl --unix-socket SOCKET http://localhost/v1/version")
}

// hygiene keeps browsers that got an answer all the same from using it.
func hygiene(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("Cache-Control", "no-store")
}
