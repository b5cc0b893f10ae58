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

# Beyond what a busy machine may take for any of these.
limit=25m

echo "== race detector"
# Small trainers have the daemon do all that real ones do. Those have run in make
# test, and gain nothing by a detector that does not see their processes; nor
# does what is long and on one thread, which -short leaves out.
(
	unset FTD_TEST_ENV FTD_TEST_COMPLETE
	mapfile -t plain < <(go list ./... | grep -v -e '/pybridge$' -e '^ftd/cmd$')
	go test -timeout $limit -race -short "${plain[@]}"
)

echo "== a daemon that is killed 40 times, trees that are stopped 100 times"
FTD_CHAOS_KILLS=40 go test -timeout $limit -count=1 -run Chaos ./cmd ./launcher
FTD_STOP_TRIES=100 FTD_LONG_LINE=1000000000 go test -timeout $limit -count=1 -run 'NoOrphan|VeryLongLine' ./launcher

echo "== a training in a cgroup of its own"
# In a mount namespace, since machines with version 1 do not mount version 2.
mkdir -p build/cgroup
if unshare --mount mount -t cgroup2 none build/cgroup 2>/dev/null; then
	unshare --mount bash -c "mount -t cgroup2 none build/cgroup && go test -timeout $limit -count=1 -v -run Cgroup ./launcher"
else
	echo "left out: needs root and a kernel with cgroup v2"
fi

echo "== a clock that is set by a day every three seconds"
scripts/clock.sh "$env"

echo "== the bridge on every Python"
# MindSpore is only in the environment that make test has used already.
unset FTD_TEST_ENV FTD_TEST_COMPLETE
for minor in 3.7 3.9 3.10 3.11 3.12; do
	prefix=$(scripts/pythons.sh "$minor")
	echo "-- Python $minor"
	(
		eval "$(scripts/build.sh --test-env --env "$prefix")"
		go test -timeout $limit -tags python ./pybridge/...
	)
done

echo "== the bridge with the MindSpore of the guide"
(
	scripts/guide.sh build/guide
	export FTD_TEST_ENV=$PWD/build/guide FTD_TEST_COMPLETE=1
	eval "$(scripts/build.sh --test-env --env "$FTD_TEST_ENV")"
	go test -timeout $limit -tags python -run MindSpore ./pybridge
	# The large recipes in full, from a mirror of small files.
	go test -timeout $limit -run TestTheRecipeFor ./recipe
)

echo "== the bridge for a while, with all at once"
scripts/soak.sh "$env" 45s

echo "== the bridge under the race detector, its C side under the address sanitizer"
(
	eval "$(scripts/build.sh --test-env --env "$(scripts/pythons.sh 3.11)")"
	go test -timeout $limit -race -tags python ./pybridge
	# CPython never frees what lives as long as the process, and its end is not
	# finalised: that is no leak. A crash is Go's to report, and a test's to see.
	export ASAN_OPTIONS=detect_leaks=0:handle_segv=0
	go test -timeout $limit -asan -tags python ./pybridge
)

echo "== the bridge on 64-bit ARM"
scripts/arm64.sh

echo "== the guide's own versions"
scripts/test-guide.sh
# The daemon of make test, and a training in the guide's environment.
FTD_TEST_ENV=$env FTD_TEST_OTHER_ENV=$PWD/build/guide go test -timeout $limit -count=1 -run InAnotherEnvironment ./cmd

echo "== metrics and alerts, with Prometheus itself"
FTD_TEST_PROMETHEUS=$(scripts/prometheus.sh) go test -timeout $limit -count=1 -run 'Promtool|Prometheus' ./daemon ./daemon/metrics

echo "== the API under invented requests"
scripts/fuzz.sh "$env"
