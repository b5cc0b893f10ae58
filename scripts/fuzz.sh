#!/usr/bin/env bash
# Asks a real daemon what nobody in their right mind would ask: schemathesis
# makes requests up from the daemon's own OpenAPI document. No answer may be a
# 5xx, and none may differ from what the document says. Takes two minutes.
#
# usage: scripts/fuzz.sh ENV          (the binaries must be built)
set -euo pipefail
cd "$(dirname "$0")/.."
env=${1:?usage: scripts/fuzz.sh ENV}
tools=$PWD/build/fuzz
lock=scripts/env/fuzz.txt

stamp=$(sha256sum <"$lock")
if [ "$(cat "$tools/.complete" 2>/dev/null)" != "$stamp" ]; then
	rm -rf "$tools"
	"$(scripts/python.sh)" -m venv "$tools"
	"$tools/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --requirement "$lock"
	echo "$stamp" >"$tools/.complete"
fi
export FTD_TEST_ENV=$env FTD_TEST_BIN=${FTD_TEST_BIN:-$PWD/bin} FTD_TEST_COMPLETE=1 FTD_TEST_SCHEMATHESIS=$tools/bin/schemathesis
go test -count=1 -run Schemathesis ./cmd
