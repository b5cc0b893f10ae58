#!/usr/bin/env bash
# What takes longer than make test may: the linters, the race detector, and
# the bridge on every Python that ftd supports.
#
# usage: scripts/test-deep.sh ENV
set -euo pipefail
cd "$(dirname "$0")/.."
env=${1:?usage: scripts/test-deep.sh ENV}
for name in $(compgen -e FTD_ || true); do
	unset "$name"
done
export FTD_TEST_ENV=$env FTD_TEST_BIN=$PWD/bin FTD_TEST_COMPLETE=1

echo "== linters"
scripts/lint.sh "$env"

echo "== race detector"
mapfile -t plain < <(go list ./... | grep -v -e '/pybridge$' -e '^ftd/cmd$')
go test -race "${plain[@]}"

echo "== the bridge on every Python"
# MindSpore is only in the environment that make test has used already.
unset FTD_TEST_ENV FTD_TEST_COMPLETE
for minor in 3.7 3.9 3.10 3.11 3.12; do
	prefix=$(scripts/pythons.sh "$minor")
	echo "-- Python $minor"
	(
		eval "$(scripts/build.sh --test-env --env "$prefix")"
		go test -tags python ./pybridge/...
	)
done
