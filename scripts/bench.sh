#!/usr/bin/env bash
# Measures the figures of docs/figures.md: one JSON object a line on stdout, for
# people on stderr. The binaries must be built. Takes about five minutes; what
# else the machine does meanwhile makes the figures worse.
#
# usage: scripts/bench.sh ENV
set -euo pipefail
cd "$(dirname "$0")/.."
env=${1:?usage: scripts/bench.sh ENV}

# A setting of this shell must not reach the daemons that are measured.
bin=${FTD_TEST_BIN:-$PWD/bin}
checkout=${FTD_TEST_CHECKOUT:-}
for name in $(compgen -e FTD_ || true); do
	unset "$name"
done
export FTD_TEST_ENV=$env FTD_TEST_BIN=$bin FTD_TEST_COMPLETE=1
# A checkout of mindformers, whose original scripts are peers then.
[ -z "$checkout" ] || export FTD_TEST_CHECKOUT=$checkout
if ! command -v mtail >/dev/null; then
	echo "mtail, a peer, is not installed; install with: apt-get install mtail" >&2
fi

eval "$(scripts/build.sh --test-env --env "$env")"
go run ./scripts/bench
