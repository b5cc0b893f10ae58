#!/usr/bin/env bash
# Prints the path of a Python that ftd can be built against: one of 3.9, 3.10
# or 3.11 that has its headers, its shared library and the venv module.
#
# usage: scripts/python.sh            looks for one, newest first
#        PYTHON=/path/to/python scripts/python.sh    takes that one or says why not
set -euo pipefail

# missing PYTHON: prints what a Python lacks, nothing if it lacks nothing.
missing() {
	"$1" - <<'PY' 2>/dev/null || echo "it does not start"
import os, sys, sysconfig
lacks = []
if not (3, 9) <= sys.version_info[:2] <= (3, 11):
    lacks.append("it is Python %d.%d; MindSpore 2.7.0 has wheels for 3.9, 3.10 and 3.11" % sys.version_info[:2])
if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    lacks.append("its headers (Python.h)")
name = sysconfig.get_config_var("INSTSONAME") or ""
places = [sysconfig.get_config_var("LIBDIR") or "", os.path.join(sys.base_prefix, "lib")]
multiarch = sysconfig.get_config_var("MULTIARCH")
if multiarch:
    places.append(os.path.join("/usr/lib", multiarch))
if ".so" not in name or not any(os.path.exists(os.path.join(p, name)) for p in places):
    lacks.append("its shared library (libpython)")
try:
    import ensurepip, venv
except ImportError:
    lacks.append("the venv module")
print(", ".join(lacks))
PY
}

if [ -n "${PYTHON:-}" ]; then
	if ! command -v "$PYTHON" >/dev/null; then
		echo "PYTHON=$PYTHON is not there; give the path of a Python 3.9, 3.10 or 3.11" >&2
		exit 1
	fi
	lacks=$(missing "$PYTHON")
	if [ -n "$lacks" ]; then
		echo "PYTHON=$PYTHON lacks: $lacks; on Debian: apt-get install python3-dev python3-venv" >&2
		exit 1
	fi
	exec "$PYTHON" -c 'import sys; print(sys.executable)'
fi

for name in python3.11 python3.10 python3.9 python3; do
	# Every one on the PATH: the first may be a shim for a version that is not
	# selected, or lack what a later one has.
	while read -r python; do
		if [ -n "$python" ] && [ -z "$(missing "$python")" ]; then
			# Its own word for where it is: a pyenv shim is a shell script.
			exec "$python" -c 'import sys; print(sys.executable)'
		fi
	done < <(type -ap "$name")
done
echo "no Python 3.9, 3.10 or 3.11 with headers and shared library was found; on Debian: apt-get install python3-dev python3-venv (or PYTHON=/path/to/python)" >&2
exit 1
