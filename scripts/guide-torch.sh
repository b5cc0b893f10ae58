#!/usr/bin/env bash
# Puts torch and transformers for the guide's environment into a directory beside
# it: mindformers' own converters need them, and nothing else may find them. Does
# nothing if they are there. A minute, a download of 760 MB, and 1.6 GB.
#
# usage: scripts/guide-torch.sh ENV DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
env=${1:?usage: scripts/guide-torch.sh ENV DIR}
dir=${2:?usage: scripts/guide-torch.sh ENV DIR}
lock=$here/env/guide-torch.txt

stamp=$(cat "$lock" "$0" | sha256sum)
if [ -f "$dir/.complete" ] && [ "$(cat "$dir/.complete")" = "$stamp" ]; then
	exit
fi
# Only what this script made is thrown away: a directory of someone else's is not.
if [ -e "$dir" ] && [ ! -f "$dir/.made-by-ftd" ]; then
	echo "$dir exists and was not made by scripts/guide-torch.sh; remove it or give another directory" >&2
	exit 1
fi
mkdir -p "$(dirname "$dir")"
free=$(df -Pk "$(dirname "$dir")" | awk 'NR == 2 {print int($4 / 1048576)}')
if [ "$free" -lt 5 ]; then
	echo "$(dirname "$dir") has $free GB free; torch needs 5 GB while it is installed" >&2
	exit 1
fi
rm -rf "$dir"
mkdir -p "$dir"
touch "$dir/.made-by-ftd"
echo "installing torch for the guide's environment into $dir (760 MB, a minute)"
# Beside what it is moved to, so that nothing is copied from another disk.
scratch=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
TMPDIR=$scratch "$env/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --no-deps --no-compile --no-cache-dir --target "$dir" --requirement "$lock"
echo "$stamp" >"$dir/.complete"
