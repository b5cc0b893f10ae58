#!/usr/bin/env bash
# Has the bridge do all that it can be asked for, at once and in no order, for a
# while, and fails if memory, threads, descriptors or goroutines grow meanwhile.
# A quarter of that time is spent on warming up before.
#
# usage: scripts/soak.sh ENV TIME          TIME as Go writes it: 45s, 10m
set -euo pipefail
cd "$(dirname "$0")/.."
usage="usage: scripts/soak.sh ENV TIME"
env=${1:?$usage}
export FTD_TEST_ENV=$env FTD_TEST_SOAK=${2:?$usage}

eval "$(scripts/build.sh --test-env --env "$env")"
go test -tags python -count=1 -timeout 0 -v -run TestSoak ./pybridge
