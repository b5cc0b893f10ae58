package daemon

import (
	"strings"

	"ftd/daemon/cards"
	"ftd/daemon/settings"
	"ftd/launcher/devices"
)

// cardsOf says which accelerator cards are handed out; nil is none. environ is
// what the daemon was started with: its own ASCEND_RT_VISIBLE_DEVICES limits
// what trainings get.
func cardsOf(s *settings.Settings, environ []string) *cards.Config {
	list, managed := s.CardList()
	if !managed {
		return nil
	}
	ignore := s.Foreign == settings.ForeignIgnore
	if len(list) > 0 && ignore {
		return &cards.Config{Only: list, Ignore: true} // taken on trust
	}
	path := s.NPUSMI
	if path == "" {
		path = devices.Find()
	}
	if len(list) == 0 {
		visible, given := lookup(environ, "ASCEND_RT_VISIBLE_DEVICES")
		list = devices.Visible(visible)
		if path == "" || given && len(list) == 0 {
			return nil
		}
	}
	if path == "" {
		path = devices.Program // whoever waits is told that it is missing
	}
	smi := &devices.SMI{Path: path, Env: environ}
	return &cards.Config{Look: smi.Look, Only: list, Ignore: ignore}
}

func lookup(environ []string, name string) (value string, ok bool) {
	for _, entry := range environ {
		if v, found := strings.CutPrefix(entry, name+"="); found {
			return v, true
		}
	}
	return "", false
}
