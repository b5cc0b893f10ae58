#!/usr/bin/env bash
# Fetches a whole CPython (headers and shared library included) for the tests
# of the bridge, unpacks it once, and prints the prefix it is in. They are the
# ones that the bytedeco project publishes as Maven artifacts.
#
# usage: scripts/pythons.sh 3.7|3.9|3.10|3.11|3.12
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-} in
3.7) version=3.7.9-1.5.4 ;;
3.9) version=3.9.6-1.5.6 ;;
3.10) version=3.10.8-1.5.8 ;;
3.11) version=3.11.3-1.5.9 ;;
3.12) version=3.12.1-1.5.10 ;;
*)
	echo "usage: scripts/pythons.sh 3.7|3.9|3.10|3.11|3.12" >&2
	exit 2
	;;
esac
minor=$1
prefix=$PWD/build/pythons/$version
if [ -f "$prefix/.complete" ]; then
	echo "$prefix"
	exit
fi
if ! command -v mvn >/dev/null; then
	echo "fetching CPython $minor needs Maven; on Debian: apt-get install maven" >&2
	exit 1
fi

rm -rf "$prefix" "$prefix.new"
mkdir -p "$prefix.new"
mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
	-Dartifact="org.bytedeco:cpython:$version:jar:linux-x86_64" -DoutputDirectory="$prefix.new" >&2
python3 -m zipfile -e "$prefix.new"/cpython-*.jar "$prefix.new/jar"
mv "$prefix.new/jar/org/bytedeco/cpython/linux-x86_64" "$prefix"
rm -rf "$prefix.new"
# The archive keeps no modes and puts the libraries beside bin; a prefix has
# them in lib, where both the loader's path and sysconfig's readers look.
chmod -R u+w "$prefix"
chmod +x "$prefix"/bin/*
ln -sf python3 "$prefix/bin/python"
for library in "$prefix"/*.so*; do
	ln -sf "../$(basename "$library")" "$prefix/lib/"
done
touch "$prefix/.complete"
echo "$prefix"
