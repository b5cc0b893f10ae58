package daemon

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"ftd/api"
	"ftd/daemon/notices"
	"ftd/daemon/settings"
)

// atOnce are the settings that a running daemon can take over; all others are
// read at the start, for which a restart in place is enough.
var atOnce = map[string]func(d *daemon, s *settings.Settings) error{
	"log_level":     func(_ *daemon, s *settings.Settings) error { return setLevel(s.LogLevel) },
	"restart_above": func(*daemon, *settings.Settings) error { return nil }, // it is looked at each time
	"notify":        (*daemon).retell,
	"slots": func(d *daemon, s *settings.Settings) error {
		d.engine.SetSlots(s.Slots)
		return nil
	},
}

// reading is what came of reading the settings the last time.
type reading struct {
	sync.Mutex            // held while settings are replaced
	waiting    []string   // settings that take effect with a restart
	failed     *api.Error // why nothing was taken over, nil if it was
}

// Reload reads the settings again, with all files that they name and that can
// be taken over. What a person had changed by [daemon.SetSetting] is forgotten:
// the file says it all. If anything in them is wrong, nothing changes.
func (d *daemon) Reload() (api.Reload, error) {
	d.notify.reloading()
	defer d.notify.ready()
	d.reading.Lock()
	defer d.reading.Unlock()
	changed, err := d.reread()
	d.reading.failed = nil
	if err != nil {
		if !errors.As(err, &d.reading.failed) {
			d.reading.failed = api.Errorf(api.CodeSettings, "%v", err)
		}
		d.notify.note(ofSettings, "the settings stay as they are: "+err.Error())
		d.log.Error().Err(err).Msg("the settings stay as they are")
		return api.Reload{}, err
	}
	d.notify.note(ofSettings, "")
	event := d.log.Info().Strs("changed", changed)
	if len(d.reading.waiting) > 0 {
		event = event.Strs("after_restart", d.reading.waiting).Str("to_do", "ftctl restart")
	}
	event.Msg("settings read again")
	return api.Reload{Changed: changed, Waiting: d.reading.waiting}, nil
}

// reread takes over what can be, and returns which settings have changed. The
// caller holds reading.
func (d *daemon) reread() (changed []string, err error) {
	read, err := settings.Load(d.args)
	if err != nil {
		return nil, err
	}
	if err := protected(read); err != nil {
		return nil, err
	}
	changed, waiting := []string{}, []string{}
	for _, name := range d.settings().Differing(read) {
		if atOnce[name] != nil {
			changed = append(changed, name)
		} else {
			waiting = append(waiting, name)
		}
	}
	// Always, for the file may have changed and its name not; and first, for it
	// is the only one that may be refused.
	take := append([]string{"notify"}, slices.DeleteFunc(slices.Clone(changed), func(name string) bool { return name == "notify" })...)
	if err := d.adopt(read, take...); err != nil {
		return nil, err
	}
	d.reading.waiting = waiting
	return changed, nil
}

// retell reads anew whom to notify.
func (d *daemon) retell(s *settings.Settings) error {
	targets, err := notices.Load(s.Notify)
	if err != nil {
		return err
	}
	d.notices.Replace(targets)
	return nil
}

// adopt takes some settings over from others, and lets them take effect. The
// caller holds reading.
func (d *daemon) adopt(from *settings.Settings, names ...string) error {
	adopted, err := d.settings().Adopt(from, names...)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := atOnce[name](d, adopted); err != nil {
			return err
		}
	}
	d.current.Store(adopted)
	return nil
}

// Settings are the effective ones.
func (d *daemon) Settings() api.Settings {
	s := d.settings()
	d.reading.Lock()
	list := api.Settings{File: s.File, Settings: []api.Setting{}, Waiting: d.reading.waiting, Failed: d.reading.failed,
		Metrics: d.metrics.failure()}
	d.reading.Unlock()
	for _, v := range s.Values() {
		list.Settings = append(list.Settings, api.Setting{
			Name: v.Name, Value: v.Value, Origin: v.Origin, Doc: strings.ReplaceAll(v.Doc, "`", ""), AtOnce: atOnce[v.Name] != nil,
		})
	}
	return list
}

// SetSetting changes a setting until the settings are read the next time.
func (d *daemon) SetSetting(name, value string) error {
	if !slices.ContainsFunc(d.settings().Values(), func(v settings.Value) bool { return v.Name == name }) {
		return api.Errorf(api.CodeNotFound, "there is no setting %q", name).WithRemedy("`ftctl config` lists the settings")
	}
	if atOnce[name] == nil {
		names := slices.Sorted(maps.Keys(atOnce))
		return api.Errorf(api.CodeConflict, "%s cannot be changed while the daemon runs, only %s can", name, strings.Join(names, ", ")).
			WithRemedy("set it in the settings file, then: ftctl restart")
	}
	if _, err := settings.Load(d.args); err != nil {
		return err // what is wrong already is not who asks to blame for
	}
	set, err := settings.LoadWith(d.args, name, value, "set with ftctl config set")
	if wrong, ok := errors.AsType[*api.Error](err); ok {
		return api.Errorf(api.CodeBadRequest, "%s", wrong.Message).WithRemedy("%s", wrong.Remedy)
	}
	if err != nil {
		return err
	}
	d.reading.Lock()
	defer d.reading.Unlock()
	if err := d.adopt(set, name); err != nil {
		return err
	}
	d.log.Info().Str("setting", name).Str("value", value).Msg("a setting was changed")
	return nil
}
