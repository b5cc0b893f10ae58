#!/usr/bin/env bash
# Builds ftd for a Python environment and installs it, as a service where there
# is systemd. Twice is an upgrade: it costs no training, and who follows one
# notices nothing.
#
# usage: scripts/install.sh --env ENV [--system | --user] [--prefix DIR] [--run-as USER] [--from DIR] [--no-start]
#        scripts/install.sh --uninstall [--system | --user] [--prefix DIR]
#
#   --system     for all of the machine, below /usr/local (default for root)
#   --user       for you alone, below ~/.local (default for others)
#   --run-as     the user of the system service; default: the owner of ENV
#   --from DIR   what was built before, with DIR/bin, DIR/libexec and DIR/share, instead of building
#   --no-start   install only
#
# DESTDIR=DIR puts all files below DIR and starts nothing, for packages. Jobs,
# checkpoints and settings that you changed are never removed.
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."
umask 022 # others run what is installed

usage() {
	sed -n '/^# usage:/,/^[^#]/s/^# \{0,1\}//p' scripts/install.sh >&2
	exit 2
}

die() {
	echo "install.sh: $1" >&2
	exit 1
}

say() { printf '%s\n' "$1"; }

# from_here PATH is the path as whoever calls this script means it.
from_here() { case $1 in '' | /*) echo "$1" ;; *) echo "$here/$1" ;; esac }

env='' mode='' prefix='' run_as='' from='' start=yes action=install
while [ $# -gt 0 ]; do
	case $1 in
	--env | --prefix | --run-as | --from) [ -n "${2:-}" ] || die "$1 needs a value; scripts/install.sh alone says how it is used" ;;
	esac
	case $1 in
	--env) env=$2 && shift 2 ;;
	--prefix) prefix=$2 && shift 2 ;;
	--run-as) run_as=$2 && shift 2 ;;
	--from) from=$2 && shift 2 ;;
	--system | --user) mode=${1#--} && shift ;;
	--no-start) start=no && shift ;;
	--uninstall) action=uninstall && shift ;;
	*) usage ;;
	esac
done
env=$(from_here "$env") prefix=$(from_here "$prefix") from=$(from_here "$from") dest=$(from_here "${DESTDIR:-}")
if [ -z "$mode" ]; then
	mode=user
	[ "$(id -u)" -ne 0 ] || mode=system
fi
if [ "$mode" = system ]; then
	prefix=${prefix:-/usr/local}
	units=/etc/systemd/system settings=/etc/ftd/ftd.yaml state=/var/lib/ftd source=scripts/systemd scope=''
	[ -n "$dest" ] || [ "$(id -u)" -eq 0 ] || die "--system needs root; --user installs for you alone"
else
	prefix=${prefix:-$HOME/.local}
	config=${XDG_CONFIG_HOME:-$HOME/.config}
	units=$config/systemd/user settings=$config/ftd/ftd.yaml
	state=${XDG_STATE_HOME:-$HOME/.local/state}/ftd source=scripts/systemd/user scope='--user '
	# Where the services of older versions had it.
	[ ! -f "$config/ftd/journal.db" ] || state=$config/ftd
	# Who has become this user by su or sudo has no such variable, and may have a systemd.
	runtime=/run/user/$(id -u)
	[ -n "${XDG_RUNTIME_DIR:-}" ] || [ ! -d "$runtime" ] || export XDG_RUNTIME_DIR=$runtime
fi
case $prefix$units$state in
*[\"\\\$%\|\&\']* | *$'\n'*) die "systemd could not read the path $prefix in a unit: choose one without quotes, \\, \$, %, | and &" ;;
esac
# What is installed, a line each: "mode MODE", "dir DIR" (that was not there),
# "file FILE", "settings SHA256 FILE" (as this script has left it). The paths are
# those without DESTDIR.
manifest=$prefix/share/ftd/manifest
# The settings file as it was before, if there was one.
before=$prefix/share/ftd/ftd.yaml.before
# The next manifest, in the making.
list=''

# systemd as this mode sees it; false where there is none, or nothing is to be started.
systemd() {
	[ -z "$dest" ] && [ -d /run/systemd/system ] || return 1
	if [ "$mode" = system ]; then
		systemctl "$@"
	else
		systemctl --user "$@"
	fi
}
has_systemd() { systemd show --property=Version >/dev/null 2>&1; }

# listed KIND prints the paths of a kind, as the manifest has them.
listed() { sed -n "s/^$1 //p" "$dest$manifest" 2>/dev/null || true; }

checksum() { sha256sum <"$1" | cut -d' ' -f1; }

# make_dir DIR makes a directory, and takes note of each that was not there.
make_dir() {
	local dir=$1 missing=()
	while [ ! -d "$dest$dir" ] && [ "$dir" != / ]; do
		missing=("$dir" "${missing[@]}")
		dir=$(dirname "$dir")
	done
	for dir in "${missing[@]}"; do
		mkdir "$dest$dir"
		echo "dir $dir" >>"$list"
	done
}

# plain is the pid of the daemon that answers and was not started by systemd, if
# it runs what is installed here.
plain() {
	local pid
	pid=$("$prefix/bin/ftctl" version -o json 2>/dev/null | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p') || return 0
	case $(readlink "/proc/${pid:-none}/exe") in "$(realpath "$prefix")"/libexec/ftd/*) echo "$pid" ;; esac
}

# end PID ends a daemon, which costs its trainings nothing.
end() {
	kill "$1" 2>/dev/null || return 0
	for _ in $(seq 100); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	die "the daemon (process $1) does not end"
}

uninstall() {
	local mine told pid sum file dirs dir
	[ -f "$dest$manifest" ] || die "nothing of ftd is installed below $dest$prefix; --prefix names another place"
	mine=$(listed mode)
	[ "$mine" = "$mode" ] || die "what is below $dest$prefix was installed with --$mine: add that"
	if has_systemd; then
		# Trainings go on: see KillMode in the unit.
		systemd disable --now ftd.service ftd.socket 2>/dev/null || true
	elif [ -z "$dest" ]; then
		# No unit tells the daemon where its state is.
		told=$("$prefix/bin/ftd" config 2>/dev/null | awk -F '   +' '$1 == "state_dir" { print $2 }') || true
		state=${told:-$state}
		pid=$(plain)
		[ -z "$pid" ] || { end "$pid" && say "ended the daemon (process $pid)"; }
	fi
	listed settings | while read -r sum file; do
		if [ ! -f "$dest$file" ]; then
			continue
		elif [ "$(checksum "$dest$file")" != "$sum" ]; then
			say "kept, because it was changed: $dest$file"
		elif [ -f "$dest$before" ]; then
			cp -p "$dest$before" "$dest$file"
		else
			rm -f "$dest$file"
		fi
	done
	listed file | while IFS= read -r file; do
		rm -f "$dest$file"
	done
	dirs=$({
		listed dir
		# systemd made these for the service.
		[ "$mode" != system ] || printf '%s\n' /var/log/ftd /etc/ftd /run/ftd
	} | sort -r) # the deepest first
	rm -f "$dest$before" "$dest$manifest"
	while IFS= read -r dir; do
		rmdir "$dest$dir" 2>/dev/null || true # others may have put something there
	done <<<"$dirs"
	if has_systemd; then
		systemd daemon-reload
	fi
	say "removed ftd from $dest$prefix; jobs and checkpoints stay in $state, and trainings that run go on"
}

# put FILE TARGET MODE installs a file as a whole: what runs keeps the old one.
put() {
	make_dir "${2%/*}"
	install -m "$3" "$1" "$dest$2.new"
	mv -f "$dest$2.new" "$dest$2"
	echo "file $2" >>"$list"
}

# manual installs a page for each verb.
manual() {
	for page in "$from"/share/man/man1/*.1; do
		[ ! -f "$page" ] || put "$page" "$prefix/share/man/man1/${page##*/}" 0644
	done
}

# completion installs what lets shells complete verbs, jobs and recipes.
completion() {
	local script
	script=$(mktemp)
	for place in bash:bash-completion/completions/ftctl zsh:zsh/site-functions/_ftctl fish:fish/vendor_completions.d/ftctl.fish; do
		"$dest$prefix/bin/ftctl" completion "${place%%:*}" >"$script" || break # made for another machine
		put "$script" "$prefix/share/${place#*:}" 0644
	done
	rm -f "$script"
}

# unit FILE installs a unit; it says whether the unit is another one than before.
unit() {
	local filled
	filled=$(mktemp)
	# In a unit's Documentation a space is %20, and a % is %%.
	sed -e "s|@PREFIX_URI@|${prefix// /%%20}|g" -e "s|@PREFIX@|$prefix|g" -e "s|@USER@|$run_as|g" -e "s|@GROUP@|$group|g" \
		-e "s|@WRITABLE@|$writable|g" -e "s|@MODE@|$socket_mode|g" -e "s|@STATE@|$state|g" "$source/$1" >"$filled"
	cmp -s "$filled" "$dest$units/$1" || units_changed=yes
	put "$filled" "$units/$1" 0644
	rm -f "$filled"
}

# settle writes the environment into the settings file, and nothing else of it.
settle() {
	local file=$dest$settings left
	make_dir "$(dirname "$settings")"
	left=$(listed settings)
	if [ -z "$left" ] && [ -f "$file" ]; then # a file of somebody's own
		make_dir "$(dirname "$before")"
		cp -p "$file" "$dest$before"
	fi
	if [ -n "$left" ] && [ -f "$file" ] && [ "${left%% *}" != "$(checksum "$file")" ]; then
		left=changed
	fi
	if grep -q '^env:' "$file" 2>/dev/null; then
		sed -i "s|^env:.*|env: $env|" "$file"
	else
		[ ! -s "$file" ] || [ -z "$(tail -c 1 "$file")" ] || echo >>"$file"
		printf 'env: %s\n' "$env" >>"$file"
	fi
	# What a person has changed is theirs from then on.
	[ "$left" = changed ] || left=$(checksum "$file")
	echo "settings $left $settings" >>"$list"
	say "settings: $file (env: $env)"
}

# service works out who the system service is and what it may write.
service() {
	local home
	run_as=${run_as:-$(stat -Lc %U "$env")}
	group=$(id -gn "$run_as" 2>/dev/null) || die "there is no user $run_as; --run-as names another one"
	if [ -z "$dest" ]; then
		runuser -u "$run_as" -- test -x "$env/bin/python" ||
			die "$run_as cannot run $env/bin/python: open the directories above it to that user, or choose another one with --run-as"
		[ "$run_as" != root ] || say "the environment belongs to root, and so will the service and what trainings write; --run-as names another user"
	fi
	writable='-/home -/tmp -/var/tmp -/data -/mnt -/srv -/opt'
	home=$(getent passwd "$run_as" | cut -d: -f6) || home=''
	case $home in '' | / | /home/*) ;; *) writable="$writable \"-$home\"" ;; esac
	writable="$writable -$env"
}

install_all() {
	[ -n "$env" ] || usage
	[ -d "$env" ] || die "there is no environment $env"
	[ -n "$dest" ] || [ -e "$env/bin/python" ] || die "$env is no Python environment: it has no bin/python; --env names the directory of a venv or of a conda environment"
	env=$(cd "$env" && pwd)
	case $env in
	*[[:space:]\"\\\$%\|\&\']*) die "the path of the environment must be without spaces, quotes, \\, \$, %, | and &: the variable LD_PRELOAD and the first lines of Python's scripts could not name it" ;;
	esac
	if [ -f "$dest$manifest" ] && [ "$(listed mode)" != "$mode" ]; then
		die "what is below $dest$prefix was installed with --$(listed mode): add that, or choose another --prefix"
	fi
	group='' writable=''
	[ "$mode" = user ] || service
	# The socket lets everybody in; the daemon looks at who it is.
	socket_mode=0666
	units_changed=no

	list=$(mktemp)
	trap 'rm -f "$list"' EXIT
	if [ -z "$from" ]; then
		from=$(mktemp -d)
		trap 'rm -rf "$list" "$from"' EXIT
		scripts/build.sh --env "$env" --out "$from"
	fi
	local daemons=("$from"/libexec/ftd/ftd-cp[0-9]*)
	[ -x "${daemons[0]}" ] || die "there is no libexec/ftd/ftd-cp* in $from; build it with: scripts/build.sh --env $env --out $from"
	[ -z "$dest" ] || mkdir -p "$dest"
	{
		echo "mode $mode"
		listed dir | sed 's/^/dir /'
	} >"$list"
	for name in ftd ftctl ftd-shim; do
		put "$from/bin/$name" "$prefix/bin/$name" 0755
	done
	for daemon in "${daemons[@]}"; do
		put "$daemon" "$prefix/libexec/ftd/${daemon##*/}" 0755
	done
	for page in docs/*.md; do
		put "$page" "$prefix/share/doc/ftd/${page##*/}" 0644
	done
	manual
	completion
	unit ftd.service
	unit ftd.socket
	settle
	# What an older version had installed and this one has not.
	listed file | grep -vxFf <(sed -n 's/^file //p' "$list") | while IFS= read -r file; do
		rm -f "$dest$file"
	done || true # nothing
	make_dir "$(dirname "$manifest")"
	sort -u "$list" | install -m 0644 /dev/stdin "$dest$manifest"
	say "installed: $dest$prefix/bin/{ftd,ftctl,ftd-shim}, $dest$prefix/libexec/ftd, $dest$units/ftd.{service,socket}"
	[ -n "$dest" ] || [ "$start" = no ] || begin
}

# begin starts the daemon, or makes the one that runs become the new one.
begin() {
	local ftctl=$prefix/bin/ftctl pid
	if ! has_systemd; then
		if "$ftctl" version >/dev/null 2>&1; then
			"$ftctl" restart --no-wait
		else
			say "there is no systemd here; start it with: $ftctl up"
		fi
		return
	fi
	systemd daemon-reload
	if ! systemd --quiet is-active ftd.service; then
		pid=$(plain)
		[ -z "$pid" ] || { end "$pid" && say "ended the daemon that ran without systemd (process $pid); the service goes on with its jobs"; }
		systemd enable --now ftd.socket ftd.service || die "the service does not start; journalctl $scope-u ftd says why"
		say "enabled and started: ftd.service, ftd.socket"
	elif [ "$units_changed" = yes ]; then
		systemd restart ftd.service # trainings go on: see KillMode in the unit
		say "restarted: ftd.service, because the unit has changed"
	else
		FTD_SOCKET=$(socket) "$ftctl" restart --no-wait
	fi
	[ "$mode" = system ] || [ "$(loginctl show-user "$(id -un)" --property=Linger --value 2>/dev/null)" = yes ] ||
		say "it ends when you log out; to keep it: loginctl enable-linger"
}

socket() {
	if [ "$mode" = system ]; then
		echo /run/ftd/ftd.sock
	else
		echo "${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/ftd/ftd.sock"
	fi
}

if [ "$action" = uninstall ]; then
	uninstall
else
	install_all
fi
