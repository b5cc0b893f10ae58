#!/usr/bin/env bash
# Builds ftd for one Python environment: bin/ftd, bin/ftctl and bin/ftd-shim,
# which are static and the same for all, and the daemon with that Python
# inside, libexec/ftd/ftd-cpXY. Daemons for several Pythons live side by side.
#
# usage: scripts/build.sh --env ENV [--out DIR]     build into DIR/bin, DIR/libexec
#        scripts/build.sh --env ENV --test-env      print the settings with which
#            "go test -tags python" finds this Python, for a shell's eval
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
	sed -n '/^# usage:/,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

die() {
	echo "$1" >&2
	exit 1
}

env=${FTD_ENV:-} out=$PWD mode=build
while [ $# -gt 0 ]; do
	case $1 in
	--env) env=${2:?--env needs a directory} && shift 2 ;;
	--out) out=${2:?--out needs a directory} && shift 2 ;;
	--test-env) mode=test-env && shift ;;
	*) usage ;;
	esac
done
[ -n "$env" ] || usage
[ -d "$env" ] || die "there is no environment $env; give the directory of a venv or conda environment: make build ENV=/path/to/env"
env=$(cd "$env" && pwd)

python=
for name in python python3; do
	if [ -x "$env/bin/$name" ]; then
		python=$env/bin/$name
		break
	fi
done
[ -n "$python" ] || die "$env has no bin/python, so it is no Python environment; give the directory of a venv or conda environment"

# A Python that was unpacked somewhere else than it was built for may not find
# its own library; every other one does without this.
library_path=
if ! "$python" -c '' 2>/dev/null; then
	library_path=$env/lib:$env
fi

# One child tells everything. -S -E -s: nothing of the packages or the user's
# settings is wanted, only how this interpreter was built.
described=$(LD_LIBRARY_PATH=$library_path${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$python" -S -E -s - <<'PY'
import glob, os, sys, sysconfig

config = sysconfig.get_config_var
minor = "%d.%d" % sys.version_info[:2]
stem = "python%s%s" % (minor, getattr(sys, "abiflags", ""))
base = sys.base_prefix
# Its own prefix first: what it was built to be may be another installation.
includes = [os.path.join(base, "include", stem), sysconfig.get_path("include")]
libraries = [os.path.join(base, "lib"), config("LIBDIR"), base]
if base == "/usr" and config("MULTIARCH"):
    libraries.append(os.path.join("/usr/lib", config("MULTIARCH")))


def first(folders, *names):
    for folder in folders:
        for name in names:
            if folder and glob.glob(os.path.join(folder, name)):
                return folder
    return ""


print("minor=" + minor)
print("version=%d.%d.%d" % sys.version_info[:3])
print("stem=" + stem)
print("include=" + first(includes, "Python.h"))
print("libdir=" + first(libraries, "lib%s.so" % stem, "lib%s.so.*" % stem))
PY
) || die "$python does not run; repair the environment, or make it anew"
minor='' version='' stem='' include='' libdir=''
while IFS='=' read -r key value; do
	printf -v "$key" %s "$value"
done <<<"$described"

case $minor in
3.7 | 3.8 | 3.9 | 3.10 | 3.11 | 3.12) ;;
*) die "$env has Python $version; ftd can be built for Python 3.7 to 3.12" ;;
esac

missing() {
	local what=() packages=()
	command -v go >/dev/null || what+=("Go (https://go.dev/dl)")
	command -v "${CC:-gcc}" >/dev/null || { what+=("a C compiler") && packages+=(gcc libc6-dev); }
	[ -n "$include" ] || { what+=("the headers of Python $minor (Python.h)") && packages+=("python$minor-dev"); }
	[ -n "$libdir" ] || { what+=("the shared library of Python $minor (lib$stem.so)") && packages+=("libpython$minor-dev"); }
	[ ${#what[@]} -gt 0 ] || return 0
	local line
	line=$(printf ', %s' "${what[@]}")
	line="missing: ${line:2}"
	[ ${#packages[@]} -eq 0 ] || line+="; install with: apt-get install ${packages[*]}"
	[ -n "$libdir" ] || line+=" (a Python that you built yourself needs ./configure --enable-shared)"
	die "$line"
}
missing

# The generated python3.pc puts our Python.h before the interpreter's own. Its
# directory is named after everything that a compiled object depends on, and
# the same name goes into CGO_CFLAGS: Go's build cache looks at those flags,
# but neither at headers nor at what pkg-config prints.
library=$(cd "$libdir" && printf '%s\n' "lib$stem.so"* | sort | tail -n 1)
identity=$({
	echo "$version $stem $include $libdir $library"
	find -L "$include" -name '*.h' -type f -print0 | LC_ALL=C sort -z | xargs -0 cat
	cat pybridge/compat/Python.h
} | sha256sum | cut -c1-12)
pc=$PWD/build/cp${minor/./}-$identity
mkdir -p "$pc"
# The linker wants libX.so; an installation without its -dev package, or an
# unpacked one, may have only libX.so.1.0.
ln -sfn "$libdir/$library" "$pc/lib$stem.so"
escaped() { printf %s "${1// /\\ }"; }
cat >"$pc/python3.pc.new" <<PC
Name: Python
Description: CPython $version of $env
Version: $version
Cflags: -Wno-deprecated-declarations -I$(escaped "$PWD/pybridge/compat") -I$(escaped "$include")
Libs: -L$(escaped "$pc") -l$stem
PC
mv "$pc/python3.pc.new" "$pc/python3.pc"

export PKG_CONFIG_PATH=$pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export CGO_CFLAGS="-O2 -g -DFTD_PYTHON_cp${minor/./}_$identity"
if ! command -v "${PKG_CONFIG:-pkg-config}" >/dev/null; then
	export PKG_CONFIG=$PWD/scripts/pkg-config.sh
fi

if [ "$mode" = test-env ]; then
	printf 'export PKG_CONFIG_PATH=%q\n' "$PKG_CONFIG_PATH"
	printf 'export CGO_CFLAGS=%q\n' "$CGO_CFLAGS"
	printf 'export CGO_ENABLED=1\n'
	[ -z "${PKG_CONFIG:-}" ] || printf 'export PKG_CONFIG=%q\n' "$PKG_CONFIG"
	printf 'export LD_LIBRARY_PATH=%q\n' "$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
	printf 'export FTD_TEST_PYTHON=%q\n' "$python"
	exit
fi

version=$(git describe --tags --always --dirty 2>/dev/null || echo unknown)
flags=(-trimpath -buildvcs=false -ldflags "-s -w -X main.version=$version")
mkdir -p "$out/bin" "$out/libexec/ftd"
CGO_ENABLED=0 go build "${flags[@]}" -o "$out/bin/" ./cmd/ftd ./cmd/ftctl ./cmd/ftd-shim
rm -rf "$out/share/man"
CGO_ENABLED=0 go run "${flags[@]}" -tags man ./cmd/ftctl man "$out/share/man/man1"
CGO_ENABLED=1 go build "${flags[@]}" -tags python -o "$out/libexec/ftd/ftd-cp${minor/./}" ./cmd/ftd-python
printf '%s\n' "$env" >"$out/libexec/ftd/environment" # the daemon's own, if no other is named
echo "built bin/ftd, bin/ftctl, bin/ftd-shim and libexec/ftd/ftd-cp${minor/./} for $env (Python $minor)"
