#!/usr/bin/env bash
# Creates the Python environment that the demo and the tests train in: a
# virtual environment with pinned MindSpore and mindformers wheels for CPU.
# Does nothing if it is there and complete. About 65 s and 3.2 GB.
#
# usage: scripts/env.sh DIR           (PYTHON= chooses the Python)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: scripts/env.sh DIR}

python=$("$here/python.sh")
minor=$("$python" -c 'import sys; print("cp%d%d" % sys.version_info[:2])')
lock=$here/env/$minor.txt
# The stamp names the Python and the lock file, so that a changed pin or
# another PYTHON makes a new environment instead of a mixed one.
stamp="$("$python" -c 'import sys; print(sys.version.split()[0], sys.base_prefix)') $(sha256sum <"$lock")"

if [ -f "$dir/.complete" ] && [ "$(cat "$dir/.complete")" = "$stamp" ]; then
	exit
fi
# Only what this script made is thrown away: a directory of someone else's is not.
if [ -e "$dir" ] && [ ! -f "$dir/.made-by-ftd" ]; then
	echo "$dir exists and was not made by scripts/env.sh; remove it or give another directory" >&2
	exit 1
fi
mkdir -p "$(dirname "$dir")"
free=$(df -Pk "$(dirname "$dir")" | awk 'NR == 2 {print int($4 / 1048576)}')
if [ "$free" -lt 5 ]; then
	echo "$(dirname "$dir") has $free GB free; the environment needs 5 GB while it is installed" >&2
	exit 1
fi
rm -rf "$dir"
mkdir -p "$dir"
touch "$dir/.made-by-ftd"
echo "creating the environment $dir with $python (MindSpore 2.7.0, mindformers 1.6.0; about a minute)"
"$python" -m venv "$dir"
"$dir/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --requirement "$lock"
echo "$stamp" >"$dir/.complete"
