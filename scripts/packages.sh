#!/usr/bin/env bash
# Sees to it that commands are there which a script needs: installs the Debian
# packages that have them where it may, and says which are missing where not.
#
# usage: scripts/packages.sh WHAT-FOR FILE-OR-COMMAND=PACKAGE...
set -euo pipefail
purpose=${1:?usage: scripts/packages.sh WHAT-FOR FILE-OR-COMMAND=PACKAGE...}
shift

packages=()
for pair in "$@"; do
	wanted=${pair%%=*}
	[ -e "$wanted" ] || command -v "$wanted" >/dev/null || packages+=("${pair#*=}")
done
[ ${#packages[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "$purpose needs what is not installed here; on Debian, as root: apt-get install ${packages[*]}" >&2
	exit 1
fi
echo "installing for $purpose: ${packages[*]}" >&2
{
	apt-get update
	DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${packages[@]}"
} >&2
