package api

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Older compares two versions of the program, such as "v1.2" and "v1.10.1-4-gabc":
// -1 if a is older than b, 1 if it is newer, 0 if that cannot be told.
func Older(a, b string) int {
	x, y := numbers(a), numbers(b)
	for i := range min(len(x), len(y)) {
		switch {
		case x[i] < y[i]:
			return -1
		case x[i] > y[i]:
			return 1
		}
	}
	return 0
}

// numbers are those of a version: 1, 2, 0 and 4 of "v1.2-4-gabc", since commits
// after a release come after it; none of what is not a version.
func numbers(version string) []int {
	release, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), "-")
	parts := strings.Split(release, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return nil
	}
	var all [4]int
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil {
			return nil
		}
		all[i] = n
	}
	commits, _, _ := strings.Cut(rest, "-")
	all[3], _ = strconv.Atoi(commits)
	return all[:]
}

// Ages says in words how the daemon's version stands to the client's, and what
// to do about it; "" if they are the same, or one of them is not known.
func Ages(client, daemon string) (words, remedy string) {
	if client == daemon || client == "" || daemon == "" {
		return "", ""
	}
	both := fmt.Sprintf("ftd is %s and ftctl is %s", daemon, client)
	switch Older(daemon, client) {
	case -1:
		return "this ftd is older: " + both, "if the newer one is installed already, make it the one that runs: ftctl restart; else install it: scripts/install.sh --env ENV"
	case 1:
		return "this ftctl is older: " + both, "use the ftctl that was installed with that ftd"
	}
	return both, "use an ftctl and an ftd of the same version: scripts/install.sh --env ENV installs both, ftctl restart makes the installed ftd the one that runs"
}

// compare tells Differs of a daemon of another version.
func (c *Client) compare(answer http.Header) {
	daemon, other := answer.Get(HeaderVersion), answer.Get(HeaderAPI) != strconv.Itoa(APIVersion)
	if c.Differs != nil && (other || daemon != c.Version) {
		c.differs.Do(func() { c.Differs(daemon, other) })
	}
}

// explain adds to a refusal what may be its reason: the other side is of another
// version, and does not know what it was asked.
func (c *Client) explain(resp *http.Response, e *Error) *Error {
	daemon := resp.Header.Get(HeaderVersion)
	words, remedy := Ages(c.Version, daemon)
	if words == "" {
		return e
	}
	switch {
	case e.Code == CodeNoRoute, resp.StatusCode == http.StatusMethodNotAllowed:
		what := fmt.Sprintf("it has no %s %s", resp.Request.Method, resp.Request.URL.Path)
		if Older(daemon, c.Version) > 0 {
			what = fmt.Sprintf("there is no %s %s any more", resp.Request.Method, resp.Request.URL.Path)
		}
		return Errorf(CodeNoRoute, "%s; %s", words, what).WithRemedy("%s", remedy)
	case e.Code == CodeBadRequest:
		if e.Remedy != "" {
			remedy = e.Remedy + "; or: " + remedy
		}
		return Errorf(e.Code, "%s (%s)", e.Message, words).WithRemedy("%s", remedy)
	}
	return e
}
