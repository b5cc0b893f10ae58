#!/usr/bin/env bash
# Runs all tests: Go without Python, Go with Python inside, Python, and the
# four binaries together on real MindSpore. The binaries must be built.
#
# usage: scripts/test.sh ENV
set -euo pipefail
cd "$(dirname "$0")/.."
env=${1:?usage: scripts/test.sh ENV}

# A setting of this shell must not reach the daemons that tests start.
for name in $(compgen -e FTD_ || true); do
	unset "$name"
done
# What tests need that is not in the checkout. They fail, not skip, without it
# when FTD_TEST_COMPLETE is set.
export FTD_TEST_ENV=$env FTD_TEST_BIN=$PWD/bin FTD_TEST_COMPLETE=1

# A limit that only what hangs can reach: a busy machine of two cores may take
# ten minutes, Go's own limit, for the recipes on MindSpore alone.
limit=25m

# The tests of ./cmd run programs that Go's cache of results does not see.
FTD_TEST_RUN=$(date +%s%N)
export FTD_TEST_RUN

# The two that take longest come first and run side by side; the others take
# the place of the one that ends before.
echo "testing; the first package takes longest, up to ten minutes on two cores"
mapfile -t others < <(go list ./... | grep -v -e '/pybridge$' -e '^ftd/daemon$' -e '^ftd/cmd$' -e '^ftd/recipe$')
go test -timeout $limit ./recipe ./cmd "${others[@]}"
go test -tags man -run Manual ./cmd/ftctl

(
	eval "$(scripts/build.sh --test-env --env "$env")"
	go test -timeout $limit -tags python ./pybridge/... ./daemon ./cmd/ftd-python/...
)

# No .pyc beside the sources: they are embedded into the binary as they are.
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$PWD/pybridge/py:$PWD/recipe/py "$env/bin/python" -m unittest discover --start-directory recipe/py/tests --buffer
