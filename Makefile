# ftd: build, demonstrate and test. `make help` lists the targets.
#
# ENV is the Python environment that the daemon is built for and trains in.
# Left alone, one with MindSpore for CPU is made in build/env; PYTHON chooses
# the Python it is made with.
ENV     ?= build/env
PYTHON  ?=
export PYTHON

ENV_ABS = $(abspath $(ENV))
# Settings that make the packages with the build tag "python" compile and run.
PYTHON_TEST = eval "$$(scripts/build.sh --test-env --env $(ENV_ABS))"

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: env
env: ## create the environment build/env, unless ENV names another
ifeq ($(ENV),build/env)
	@scripts/env.sh build/env
endif

.PHONY: build
build: env ## build bin/ and libexec/ftd/ for ENV
	@scripts/build.sh --env $(ENV_ABS)

.PHONY: demo
demo: build ## train a tiny LLaMA with one command, and watch it
	@scripts/demo.sh $(ENV_ABS)

.PHONY: test
test: build ## run all tests, the one on real MindSpore included
	scripts/test.sh $(ENV_ABS)

.PHONY: test-deep
test-deep: build ## lint, race detector, the Python matrix
	scripts/test-deep.sh $(ENV_ABS)

.PHONY: chaos
chaos: build ## kill the daemon 200 times while five trainings run
	FTD_CHAOS_KILLS=200 FTD_TEST_ENV=$(ENV_ABS) FTD_TEST_BIN=$(CURDIR)/bin FTD_TEST_COMPLETE=1 go test -count=1 -timeout 20m -v -run Chaos ./cmd

# How long the soak test goes on, as Go writes it: 90s, 10m, 8h.
SOAK ?= 10m

.PHONY: soak
soak: build ## all that the bridge can do, mixed, for SOAK (10m): nothing may pile up
	scripts/soak.sh $(ENV_ABS) $(SOAK)

.PHONY: test-guide
test-guide: ## run the tiny recipes on the guide's own versions: Python 3.7, MindSpore 2.0.0, mindformers 0.8.0
	scripts/test-guide.sh

.PHONY: bench
bench: build ## measure the figures of docs/figures.md, as JSON lines
	@scripts/bench.sh $(ENV_ABS)

.PHONY: lint
lint: build ## gofmt, vet, staticcheck, golangci-lint, shellcheck, ruff, mypy
	scripts/lint.sh $(ENV_ABS)

.PHONY: clean
clean: ## remove what was built, the environment included
	rm -rf bin libexec share build
