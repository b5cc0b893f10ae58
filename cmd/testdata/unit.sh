#!/bin/bash
# Told inside a container with a systemd of its own: install, train, restart,
# restart in place, upgrade, uninstall; first the service of the system, then
# that of one user. The last line says that all went well.
# usage: unit.sh CHECKOUT ENV BUILT
set -euxo pipefail
checkout=$1 env=$2 built=$3
socket=/run/ftd/ftd.sock

# The owner of the trainings; the interpreter may lie in root's home.
useradd --create-home trainer
useradd --create-home friend
chmod 0755 /root
cp "$checkout/testdata/trainer/"*.py /home/trainer/
mkdir -p /srv/runs && chown trainer /srv/runs
as_trainer() { runuser -u trainer -- env HOME=/home/trainer "$@"; }
ftctl() { as_trainer /usr/local/bin/ftctl --socket "$socket" "$@"; }
manager() { systemctl "$@"; }
main_pid() { manager show ftd --property=MainPID --value; }
step() { ftctl show "$1" -o json | python3 -c 'import json, sys; t = json.load(sys.stdin).get("training") or {}; print(t.get("steps_done", 0))'; }
eventually() { # COMMAND: until it succeeds
	for _ in $(seq 300); do
		if "$@"; then return; fi
		sleep 0.1 # for the next look
	done
	return 1
}
# What lies there: an installation that was removed leaves all as it was.
lies() { find "$@" \( -type f -printf '%p %M %u %s %T@\n' -o -printf '%p %M %u %l\n' \) | sort; }
of_system() {
	lies /usr/local /etc -not -path '/usr/local/go/*'
	find /var/log -type d -not -path '/var/log/journal/*'
}
of_friend() { lies /home/friend -not -path '/home/friend/.local*'; }
beyond() { [ "$(step "$1")" -gt "$2" ]; }
status() { manager show ftd --property=StatusText | grep -q "$1"; }

# An administrator who keeps files to himself, in the directory of the programs.
of_system >/tmp/before
(umask 077 && cd "$built" && "$checkout/scripts/install.sh" --system --env "$env" --from . --run-as trainer)
systemctl is-active ftd.service ftd.socket
systemctl is-enabled ftd.service ftd.socket
eventually status "no jobs at work"
first=$(main_pid)
[ "$(stat -c %U "/proc/$first")" = trainer ]

# A training that writes to its home, to /tmp, and to a disk that the unit names.
job=$(ftctl train --detach --dir /home/trainer -- sh -c \
	'echo $$ >/tmp/of-training; date >/srv/runs/begun; exec python3 trainer.py --steps 1500 --step-ms 10 --save-every 500 --out /home/trainer/output')
eventually beyond "$job" 10
eventually status "jobs: 1 running"
training=$(cat /tmp/of-training)
[ "$(stat -c %U "/proc/$training")" = trainer ]

# What it inherits: no other file may be written, no privilege gained.
grep 'NoNewPrivs:.*1' "/proc/$training/status"
nsenter --target "$training" --mount -- sh -c '! touch /etc/of-training'

# It outlives a restart of the service, and a follower does not notice.
ftctl logs -f "$job" >/srv/followed &
follower=$!
systemctl restart ftd.service
second=$(main_pid)
[ "$first" != "$second" ]
kill -0 "$training"
at=$(step "$job")
eventually beyond "$job" "$at"

# In place: the process stays, and systemd knows it as ready.
ftctl restart
[ "$(main_pid)" = "$second" ]
systemctl is-active ftd.service
systemctl reload ftd.service
[ "$(systemctl show ftd --property=NRestarts --value)" = 0 ]

# An upgrade is the same again.
"$checkout/scripts/install.sh" --system --env "$env" --from "$built" --run-as trainer
[ "$(main_pid)" = "$second" ]
kill -0 "$training"

# A daemon that is killed is started again, and finds the training.
kill -9 "$second"
eventually ftctl version
ftctl wait -q "$job"
[ "$(step "$job")" = 1500 ]
wait "$follower"
cmp /srv/followed "/var/lib/ftd/runs/$job/train.1/rank_0.log"
as_trainer test -s /tmp/of-training
find /home/trainer/output /srv/runs -type f

# Its lines in the journal have their priorities, and the job's id.
journalctl --flush --sync
journalctl -u ftd -o json --no-pager | python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
ours = [entry for entry in lines if sys.argv[1] in str(entry["MESSAGE"])]
assert ours and all(entry["PRIORITY"] in "4567" for entry in ours), lines
assert not any("<6>" in str(entry["MESSAGE"]) for entry in lines), lines
' "job=$job"

# A mistake in the settings is said by everybody, and costs nothing.
echo 'slots: none' >>/etc/ftd/ftd.yaml
! systemctl reload ftd.service || exit 1
eventually status "the settings stay as they are: /etc/ftd/ftd.yaml:2"
systemctl is-active ftd.service
sed -i '$d' /etc/ftd/ftd.yaml
systemctl reload ftd.service
eventually status "no jobs at work$"

systemctl stop ftd.socket ftd.service
[ "$(systemctl show ftd --property=Result --value)" = success ] # it was not killed
"$checkout/scripts/install.sh" --uninstall --system
diff /tmp/before <(of_system)
[ -d "/var/lib/ftd/runs/$job" ]
[ ! -e /run/ftd ]

# The service of one user, whose systemd needs no session. The shell is that of
# somebody who has come by su, and does not know of it.
cp "$checkout/testdata/trainer/"*.py /home/friend/
loginctl enable-linger friend
runtime=/run/user/$(id -u friend)
eventually test -S "$runtime/systemd/private"
as_friend() { runuser -u friend -- env --ignore-environment HOME=/home/friend PATH="$PATH" "$@"; }
manager() { as_friend env XDG_RUNTIME_DIR="$runtime" systemctl --user "$@"; }
ftctl() { as_friend env XDG_RUNTIME_DIR="$runtime" "/home/friend/my own/bin/ftctl" "$@"; }
of_friend >/tmp/before
as_friend "$checkout/scripts/install.sh" --user --env "$env" --from "$built" --prefix "/home/friend/my own" --no-start
# A daemon that was started without systemd hands its training to the service.
as_friend env XDG_RUNTIME_DIR="$runtime" setsid "/home/friend/my own/bin/ftd" &
eventually ftctl version
job=$(ftctl train --detach --dir /home/friend -- sh -c \
	'echo $$ >/tmp/of-friend; exec python3 -B trainer.py --steps 600 --step-ms 10 --save-every 200 --out /home/friend/output')
eventually beyond "$job" 10
as_friend "$checkout/scripts/install.sh" --user --env "$env" --from "$built" --prefix "/home/friend/my own" | tee /tmp/said
grep -q "ended the daemon that ran without systemd" /tmp/said
grep -q "enabled and started" /tmp/said
manager is-active ftd.service ftd.socket
manager is-enabled ftd.service ftd.socket
first=$(main_pid)
[ "$(stat -c %U "/proc/$first")" = friend ]
eventually status "jobs: 1 running"
training=$(cat /tmp/of-friend)
manager restart ftd.service
second=$(main_pid)
[ "$first" != "$second" ]
kill -0 "$training"
at=$(step "$job")
eventually beyond "$job" "$at"
as_friend "$checkout/scripts/install.sh" --user --env "$env" --from "$built" --prefix "/home/friend/my own"
[ "$(main_pid)" = "$second" ]
manager reload ftd.service
ftctl wait -q "$job"
[ "$(step "$job")" = 600 ]
test -s /tmp/of-friend
find /home/friend/output -type f | grep -q .
# One that begins under the unit.
ftctl train --dir /home/friend -- sh -c 'grep NoNewPrivs:.*1 /proc/self/status && date >/tmp/of-unit && date >output/of-unit'
test -s /tmp/of-unit
rm -r /home/friend/output /tmp/of-friend /tmp/of-unit
as_friend "$checkout/scripts/install.sh" --uninstall --user --prefix "/home/friend/my own"
[ ! -e "/proc/$second" ]
diff /tmp/before <(of_friend)
[ -z "$(find /home/friend/.local -not -path '*/.local/state*' -not -path /home/friend/.local)" ]
[ -d "/home/friend/.local/state/ftd/runs/$job" ]
echo "the story is told"
