#!/usr/bin/env bash
# Runs the tiny recipes from start to end on the guide's own versions: Python
# 3.7.9, MindSpore 2.0.0 and mindformers 0.8.0, with binaries built for them;
# and the tests of the Python steps, those of mindformers' own converters among
# them, which need torch. About six minutes and, the first time, a download of
# 1.3 GB.
#
# usage: scripts/test-guide.sh
set -euo pipefail
cd "$(dirname "$0")/.."
env=$PWD/build/guide
# A checkout of mindformers 0.x: rows are compared with those of its scripts.
checkout=${FTD_TEST_CHECKOUT:-}
for name in $(compgen -e FTD_ || true); do
	unset "$name"
done

scripts/guide.sh "$env"
torch=$PWD/build/guide-torch
scripts/guide-torch.sh "$env" "$torch"
# Not into bin and libexec: those are for the environment of make build.
scripts/build.sh --env "$env" --out "$PWD/build/guide-out"
export FTD_TEST_ENV=$env FTD_TEST_BIN=$PWD/build/guide-out/bin FTD_TEST_COMPLETE=1
[ -z "$checkout" ] || export FTD_TEST_CHECKOUT=$checkout
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$PWD/pybridge/py:$PWD/recipe/py:$torch "$env/bin/python" -m unittest discover --start-directory recipe/py/tests --buffer
PYTHONPATH=$torch go test -count=1 -run TestARecipeUses ./recipe
go test -count=1 -timeout 20m -run 'TestTiny|TestDaemonKilledInTheMiddle' ./cmd
