#!/usr/bin/env bash
# Prints the directory of Debian's prometheus and promtool. They are taken from
# the package, unpacked below build/ and not installed: no service, no user.
#
# usage: scripts/prometheus.sh
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$PWD/build/prometheus

if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
	dirname "$(command -v promtool)"
	exit
fi
if [ ! -x "$dir/usr/bin/promtool" ]; then
	if ! command -v apt-get >/dev/null; then
		echo "prometheus and promtool are needed: install your system's package, or put them into PATH" >&2
		exit 1
	fi
	mkdir -p "$dir"
	(
		cd "$dir"
		apt-get download prometheus || { apt-get update && apt-get download prometheus; }
		dpkg --extract prometheus_*.deb .
	) >&2
fi
echo "$dir/usr/bin"
