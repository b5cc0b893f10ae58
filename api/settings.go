package api

import (
	"context"
	"net/http"
	"net/url"
)

// Settings is the answer of GET /v1/settings.
type Settings struct {
	// File is the settings file that was read; empty if there is none.
	File     string    `json:"file,omitempty"`
	Settings []Setting `json:"settings"`
	// Waiting names the settings that were read again and have other values
	// now, which take effect with a restart.
	Waiting []string `json:"waiting,omitempty"`
	// Failed is why the last reading changed nothing; nil if there was none,
	// or nothing wrong with it.
	Failed *Error `json:"failed,omitempty"`
	// Metrics is why nobody can scrape them at their address; nil if one can,
	// or is not to.
	Metrics *Error `json:"metrics,omitempty"`
}

// Reload is the answer of POST /v1/reload: the settings that have changed.
type Reload struct {
	Changed []string `json:"changed"` // and have taken effect
	Waiting []string `json:"waiting"` // and take effect with a restart
}

// Setting is one effective setting of the daemon.
type Setting struct {
	Name  string `json:"name"`
	Value any    `json:"value"` // text, a number or a truth value
	// Origin is where the value came from: "default", FILE:LINE,
	// "environment FTD_SLOTS", "flag --slots".
	Origin string `json:"origin"`
	Doc    string `json:"doc"`
	// AtOnce says that it can be changed while the daemon runs. All others
	// take effect with a restart.
	AtOnce bool `json:"at_once"`
}

// SettingChange is the body of PUT /v1/settings/{name}.
type SettingChange struct {
	Value string `json:"value"`
}

// Settings returns the daemon's effective settings.
func (c *Client) Settings(ctx context.Context) (*Settings, error) {
	return fetch[Settings](ctx, c, http.MethodGet, "/v1/settings", nil, nil)
}

// SetSetting changes a setting of the running daemon, until it reads its
// settings again.
func (c *Client) SetSetting(ctx context.Context, name, value string) (*Settings, error) {
	return fetch[Settings](ctx, c, http.MethodPut, "/v1/settings/"+url.PathEscape(name), nil, SettingChange{Value: value})
}

// Reload makes the daemon read its settings again, and whom to notify. If
// anything in the files is wrong, nothing changes, and the error says what.
func (c *Client) Reload(ctx context.Context) (*Reload, error) {
	return fetch[Reload](ctx, c, http.MethodPost, "/v1/reload", nil, nil)
}

// Restart asks the daemon to restart in place, which it does as soon as no step
// is at work but trainings. It answers before: the restart is over when
// [Version.Started] has changed.
func (c *Client) Restart(ctx context.Context) error {
	_, err := fetch[struct{}](ctx, c, http.MethodPost, "/v1/restart", nil, nil)
	return err
}
