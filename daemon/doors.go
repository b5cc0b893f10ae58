package daemon

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/user"
	"strconv"

	"ftd/api"
	"ftd/daemon/handover"
	"ftd/daemon/server"
	"ftd/daemon/settings"
)

// accessOf says who may use the socket.
func accessOf(s *settings.Settings) (server.Access, error) {
	a := server.Access{Owner: uint32(os.Geteuid()), ReadForOthers: s.ReadForOthers}
	if s.Group == "" {
		return a, nil
	}
	group, err := user.LookupGroup(s.Group)
	if err != nil {
		return a, api.Errorf(api.CodeSettings, "there is no group %q on this machine", s.Group).
			WithRemedy("name one that `getent group` shows, or leave the setting `group` out")
	}
	id, err := strconv.ParseUint(group.Gid, 10, 32)
	if err != nil {
		return a, err
	}
	gid := uint32(id)
	a.Group = &gid
	return a, nil
}

// openSocket listens for clients, or goes on listening. A socket of systemd's has
// the mode that its unit says.
func (d *daemon) openSocket(ctx context.Context, given handover.Bundle) (err error) {
	path, access := d.settings().Socket, d.server.Access
	open := access.Group != nil || access.ReadForOthers
	if d.socket, d.borrowed, err = given.Listener(handover.Socket, path); err != nil || d.borrowed {
		return err
	}
	if d.socket == nil {
		d.socket, err = server.Listen(ctx, path, open)
	} else {
		d.socket, err = server.Inherit(ctx, d.socket, open)
	}
	if dir := server.Closed(path, access.Group); err == nil && open && dir != "" {
		d.log.Warn().Str("directory", dir).Msg("others may use the daemon, but cannot get to its socket: open the directory to them, or choose another socket")
	}
	return err
}

// keepSocket puts the socket back that somebody has removed, as who tidies a
// directory up does, or systemd-logind at the end of a session. systemd's own
// is systemd's to put back.
func (d *daemon) keepSocket(ctx context.Context) {
	var err error
	if s, ours := d.socket.(*server.Socket); ours && !d.borrowed {
		var back bool
		if back, err = s.Keep(ctx); back {
			d.log.Warn().Str("socket", d.socket.Addr().String()).Msg("the socket was removed; it is there again")
		}
	} else if path := d.socket.Addr().String(); d.borrowed && path != "" && path[0] != '@' {
		if _, gone := os.Lstat(path); errors.Is(gone, fs.ErrNotExist) {
			err = api.Errorf(api.CodeConflict, "systemd's socket %s was removed, and nobody reaches the daemon", path).
				WithRemedy("have systemd put it back: systemctl restart ftd.socket ftd (with --user for a daemon of your own); trainings go on")
		}
	}
	says := ""
	if err != nil {
		says = err.Error()
	}
	if says != d.unreachable && err != nil {
		d.log.Error().Err(err).Msg("NOBODY REACHES THIS DAEMON; jobs and trainings go on")
	}
	d.unreachable = says
	d.notify.note(ofSocket, says)
}
