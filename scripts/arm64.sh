#!/usr/bin/env bash
# Tests the bridge for 64-bit ARM, which is what Ascend hosts are, on any
# machine: cross-compiled, linked to a real CPython for ARM and run in qemu.
# What would have to start this very program again, such as a worker, is
# skipped, since the kernel cannot execute programs of another machine.
#
# Needs qemu and a cross-compiler; on Debian, as root, they are installed.
#
# usage: scripts/arm64.sh [ARGUMENTS OF go test]
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/packages.sh "testing the bridge for 64-bit ARM" \
	qemu-aarch64-static=qemu-user-static \
	aarch64-linux-gnu-gcc=gcc-aarch64-linux-gnu \
	/usr/aarch64-linux-gnu/lib/libc.so.6=libc6-dev-arm64-cross

prefix=$(scripts/pythons.sh 3.11 arm64)
export GOARCH=arm64 CC=aarch64-linux-gnu-gcc
eval "$(scripts/build.sh --test-env --env "$prefix")"
export FTD_TEST_EMULATOR="qemu-aarch64-static -L /usr/aarch64-linux-gnu"
unset FTD_TEST_ENV FTD_TEST_COMPLETE
go test -tags python -exec "$FTD_TEST_EMULATOR" "$@" ./pybridge/...
