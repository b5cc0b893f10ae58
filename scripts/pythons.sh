#!/usr/bin/env bash
# Fetches a whole CPython (headers and shared library included) for the tests
# of the bridge, unpacks it once, and prints the prefix it is in. They are the
# ones that the bytedeco project publishes as Maven artifacts.
#
# usage: scripts/pythons.sh 3.7|3.9|3.10|3.11|3.12
#        scripts/pythons.sh 3.11 arm64     one for 64-bit ARM, whose bin/python
#            runs it in qemu; scripts/arm64.sh installs that
set -euo pipefail
cd "$(dirname "$0")/.."

machine=${2:-x86_64}
case ${1:-}-$machine in
3.7-x86_64) version=3.7.9-1.5.4 ;;
3.9-x86_64) version=3.9.6-1.5.6 ;;
3.10-x86_64) version=3.10.8-1.5.8 ;;
3.11-x86_64 | 3.11-arm64) version=3.11.3-1.5.9 ;;
3.12-x86_64 | 3.12-arm64) version=3.12.1-1.5.10 ;;
*)
	echo "usage: scripts/pythons.sh 3.7|3.9|3.10|3.11|3.12, or 3.11|3.12 arm64" >&2
	exit 2
	;;
esac
minor=$1
name=$version
[ "$machine" = x86_64 ] || name=$version-$machine
prefix=$PWD/build/pythons/$name
if [ -f "$prefix/.complete" ]; then
	echo "$prefix"
	exit
fi
scripts/packages.sh "fetching CPython $minor" mvn=maven

rm -rf "$prefix" "$prefix.new"
mkdir -p "$prefix.new"
mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
	-Dartifact="org.bytedeco:cpython:$version:jar:linux-$machine" -DoutputDirectory="$prefix.new" >&2
python3 -m zipfile -e "$prefix.new"/cpython-*.jar "$prefix.new/jar"
mv "$prefix.new/jar/org/bytedeco/cpython/linux-$machine" "$prefix"
rm -rf "$prefix.new"
# The archive keeps no modes and puts the libraries beside bin; a prefix has
# them in lib, where both the loader's path and sysconfig's readers look.
chmod -R u+w "$prefix"
chmod +x "$prefix"/bin/*
if [ "$machine" = x86_64 ]; then
	ln -sf python3 "$prefix/bin/python"
else
	# A script, which the kernel can start without knowing the emulator.
	rm -f "$prefix/bin/python"
	cat >"$prefix/bin/python" <<-PYTHON
		#!/bin/sh
		exec qemu-aarch64-static -0 "\$0" -L /usr/aarch64-linux-gnu "$prefix/bin/python$minor" "\$@"
	PYTHON
	chmod +x "$prefix/bin/python"
fi
for library in "$prefix"/*.so*; do
	ln -sf "../$(basename "$library")" "$prefix/lib/"
done
touch "$prefix/.complete"
echo "$prefix"
