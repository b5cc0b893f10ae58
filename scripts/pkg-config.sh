#!/bin/sh
# Answers what cgo asks pkg-config about python3, from the file that build.sh
# wrote, on machines that have no pkg-config.
#
# usage: PKG_CONFIG=scripts/pkg-config.sh PKG_CONFIG_PATH=DIR go build ...
set -eu
for word in "$@"; do
	case $word in
	--cflags) key=Cflags ;;
	--libs) key=Libs ;;
	esac
done
sed -n "s/^$key: //p" "${PKG_CONFIG_PATH%%:*}/python3.pc"
