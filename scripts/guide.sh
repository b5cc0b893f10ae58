#!/usr/bin/env bash
# Creates the environment of the guide that ftd automates: Python 3.7.9 with
# MindSpore 2.0.0 and mindformers 0.8.0, on a CPU. Does nothing if it is there
# and complete. About a minute and 2.9 GB.
#
# usage: scripts/guide.sh DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: scripts/guide.sh DIR}
lock=$here/env/guide.txt

prefix=$("$here/pythons.sh" 3.7)
# A changed pin or script makes a new environment instead of a mixed one.
stamp="$prefix $(cat "$lock" "$0" | sha256sum)"
if [ -f "$dir/.complete" ] && [ "$(cat "$dir/.complete")" = "$stamp" ]; then
	exit
fi
# Only what this script made is thrown away: a directory of someone else's is not.
if [ -e "$dir" ] && [ ! -f "$dir/.made-by-ftd" ]; then
	echo "$dir exists and was not made by scripts/guide.sh; remove it or give another directory" >&2
	exit 1
fi
mkdir -p "$(dirname "$dir")"
free=$(df -Pk "$(dirname "$dir")" | awk 'NR == 2 {print int($4 / 1048576)}')
if [ "$free" -lt 4 ]; then
	echo "$(dirname "$dir") has $free GB free; the environment needs 4 GB while it is installed" >&2
	exit 1
fi
rm -rf "$dir"
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
touch "$dir/.made-by-ftd"
echo "creating the guide's environment $dir (Python 3.7.9, MindSpore 2.0.0, mindformers 0.8.0; about a minute)"
"$prefix/bin/python" -m venv "$dir"

# The pip of this Python unpacks all packages in the temporary directory before
# it installs the first: 6 GB. A newer one, which does not stay, unpacks them in place.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$dir/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --target "$scratch/pip" pip==24.0
PYTHONPATH=$scratch/pip "$dir/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --no-deps --requirement "$lock"

# This Python was built without sqlite3, which MindSpore's data sets import.
# The compiled half of pysqlite3 is the module that the standard library lacks.
packages=$("$dir/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
for module in "$packages"/pysqlite3/_sqlite3.*.so; do
	ln -s "pysqlite3/$(basename "$module")" "$packages/"
done

# mindformers writes ./output wherever it is imported.
(cd "$scratch" && "$dir/bin/python" -c 'import sqlite3, mindspore.mindrecord, mindformers.trainer')
echo "$stamp" >"$dir/.complete"
