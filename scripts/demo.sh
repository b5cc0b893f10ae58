#!/usr/bin/env bash
# Shows the whole of ftd on this machine: a private daemon in a temporary
# state directory trains a tiny LLaMA. Exit status 0 only if the training
# succeeded and its checkpoint was verified. The daemon is gone afterwards;
# the directory stays, because the trained model is in it.
#
# usage: scripts/demo.sh ENV
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
env=${1:?usage: scripts/demo.sh ENV}

state=$(mktemp -d "${TMPDIR:-/tmp}/ftd-demo.XXXXXX")
export FTD_STATE_DIR=$state/state FTD_SOCKET=$state/ftd.sock FTD_ENV=$env
# A port of the kernel's choosing: a demo must not collide with a service.
export FTD_METRICS_ADDRESS=127.0.0.1:0
# The settings of a service on this machine are not the demo's.
export FTD_CONFIG=/dev/null

"$root/bin/ftd" >"$state/daemon.log" 2>&1 &
daemon=$!

finish() {
	status=$?
	trap - EXIT INT TERM
	# The daemon leaves trainings running when it ends; a demo must not.
	"$root/bin/ftctl" ps -q 2>/dev/null | while read -r job; do
		"$root/bin/ftctl" stop "$job" >/dev/null 2>&1 || true
	done
	kill "$daemon" 2>/dev/null || true
	wait "$daemon" 2>/dev/null || true
	if [ "$status" -ne 0 ]; then
		echo "the demo failed; everything it wrote is in $state, the daemon's log in $state/daemon.log" >&2
	else
		echo "the model and all logs stay in $state until you remove it"
	fi
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

if ! "$root/bin/ftctl" version --wait 15s >/dev/null; then
	echo "the daemon did not start:" >&2
	tail -n 5 "$state/daemon.log" >&2
	exit 1
fi
"$root/bin/ftctl" run tiny-llama
