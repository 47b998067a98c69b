# Needs Python 3.11 or later; everything else is fetched on first use, and nothing is done twice:
# .tools (uv) and .venv (the locked environment) carry stamps, system packages are asked of dpkg.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test check bench live package package-check package-twice release setup clean test-packages bench-packages package-packages
MAKEFLAGS += --no-print-directory

UV_VERSION := 0.13.9
BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
UV := .tools/$(BIN)/uv
TOOLS := .tools/.stamp-uv-$(UV_VERSION)
VENV := .venv/.stamp
# Two servers with OpenAI's files endpoints that nobody here wrote: what custom accounts are tried with.
AIMOCK_VERSION := 1.43.0
AIMOCK := .tools/.stamp-aimock-$(AIMOCK_VERSION)
AIBRIX_VERSION := 0.8.0
AIBRIX := .tools/.stamp-aibrix-$(AIBRIX_VERSION)
# What the proofs of the Supabase schema run on: the database, the Data API and resumable uploads
# before it.
LITE_VERSION := 0.10.0
LITE := .tools/.stamp-supabase-lite-$(LITE_VERSION)-tus
POSTGRES := .tools/.stamp-postgres
PACKAGES := packaging/linux/install-system-packages
# What freezes the program has an environment of its own: nothing of the tests gets into the result.
PACKAGE_ENV := build/package-env/.stamp
FREEZER := build/package-env/$(BIN)/python

export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
# Otherwise the first start would compile some thousand modules.
export UV_COMPILE_BYTECODE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Some machines set it. Every start of the program would compile all its modules: 3 s instead of 0.5.
export PYTHONDONTWRITEBYTECODE :=

# The machine's own certificates, where it has a store: some networks re-sign everything.
define trust
bundle=$${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}; \
if [ -s "$$bundle" ]; then \
	export UV_SYSTEM_CERTS=1 PIP_CERT="$${PIP_CERT:-$${REQUESTS_CA_BUNDLE:-$$bundle}}"; \
fi
endef

# By running it, not by its name: a version manager may offer names that lead nowhere.
define find_python
python=; \
for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; \
	then python=$$name; break; fi; \
done; \
if [ -z "$$python" ]; then echo "Python 3.11 to 3.14 is needed and not on PATH." >&2; exit 1; fi
endef

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

run: $(VENV) ## start the program with its built-in servers; without a display, upload the samples
	@if [ -n "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ] || [ "$$(uname -s)" != Linux ]; then \
		$(PACKAGES) run; \
		exec .venv/$(BIN)/exai-desktop --sandbox; \
	fi; \
	echo "No display: uploading resources/samples to the built-in servers."; \
	status=0; \
	.venv/$(BIN)/exai-desktop upload resources/samples --sandbox --allow-fallback || status=$$?; \
	if [ $$status -eq 1 ]; then \
		echo "Not all uploaded, as it should be: two of the samples are there to be refused."; \
	else exit $$status; fi

test: test-packages $(AIMOCK) $(AIBRIX) $(POSTGRES) $(LITE) ## run the checks and all tests
	@$(MAKE) check RULES=$(if $(PYTEST_ARGS),yes,no)
	.venv/$(BIN)/pytest -n auto --dist worksteal $(PYTEST_ARGS)

# The rules are tests as well: where all tests follow, they are not run twice. On a new checkout the
# types take longest, and nothing makes them quicker: the others give way to them.
check: RULES ?= yes
check: $(VENV) ## format, lint, types, floors, dead code, lengths and names
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; names=(); ids=(); failed=; \
	start() { names+=("$$1"); "$${@:2}" >"$$folder/$${#ids[@]}" 2>&1 & ids+=($$!); }; \
	bin=.venv/$(BIN); \
	start "types" $$bin/mypy; \
	if [ "$(RULES)" = yes ]; then \
		start "coverage of core" nice $$bin/pytest -q --no-header tests/architecture/test_full_coverage.py; \
		start "rules" nice $$bin/pytest -q --no-header tests/architecture \
			--ignore=tests/architecture/test_imports.py \
			--ignore=tests/architecture/test_full_coverage.py; \
	fi; \
	start "format" $$bin/ruff format --check .; \
	start "lint" $$bin/ruff check --output-format concise .; \
	start "floors" $$bin/lint-imports --no-logo; \
	start "dead code" $$bin/vulture; \
	for number in "$${!ids[@]}"; do \
		wait "$${ids[$$number]}" && result=0 || result=$$?; \
		echo "== $${names[$$number]}"; cat "$$folder/$$number"; \
		if [ $$result -ne 0 ]; then failed="$$failed, $${names[$$number]}"; fi; \
	done; \
	if [ -n "$$failed" ]; then echo "Not in order: $${failed#, }" >&2; exit 1; fi

bench: bench-packages $(VENV) ## measure speed, memory and the window's calm
	.venv/$(BIN)/python -m benchmarks $(BENCH_ARGS)

live: $(VENV) ## the real providers, with your own keys (see CONTRIBUTING.md)
	.venv/$(BIN)/python -m pytest -m live tests/live

package: $(VENV) ## build wheel, source archive and, on Linux, the .deb and .tar.xz in dist/
	@if [ ! -e dist/.stamp ] || [ -n "$$(find exai_desktop resources pyproject.toml README.md \
		CHANGELOG.md LICENSE -name __pycache__ -prune -o -type f -newer dist/.stamp -print -quit)" ]; then \
		rm -rf dist; $(trust); $(UV) build --quiet; touch dist/.stamp; \
	fi; \
	if [ "$$(uname -s)" = Linux ]; then \
		$(MAKE) package-packages $(PACKAGE_ENV); nice $(FREEZER) packaging/build.py; \
	fi; \
	ls dist

package-check: package ## install and use the packages in a clean Debian (needs root), RELEASE=trixie for 13
	@$(PACKAGES) check; packaging/linux/check-packages $${RELEASE:-bookworm}

package-twice: package ## build the packages once more in another folder, and compare each byte
	@packaging/linux/build-twice

release: $(VENV) ## all steps of a release that need no secret, VERSION=1.2.0 (see RELEASE.md)
	@if [ -z "$${VERSION:-}" ]; then echo "Say which: make release VERSION=1.2.0" >&2; exit 2; fi; \
	.venv/$(BIN)/python packaging/make_release.py check "$$VERSION"; \
	if [ -n "$$(git status --porcelain)" ]; then echo "Commit first: something is changed." >&2; exit 1; fi; \
	$(MAKE) package; \
	.venv/$(BIN)/python packaging/make_release.py files "$$VERSION" --page "$${PAGE:-}"

setup: $(VENV) ## fetch the tools and make the locked environment
	@echo "Ready."

clean: ## remove build results and caches (.venv and .tools stay)
	rm -rf build dist .run .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -path ./.venv -prune -o -path ./.tools -prune -o -name __pycache__ -type d -exec rm -rf {} +

test-packages bench-packages package-packages: %-packages:
	@$(PACKAGES) $*

$(TOOLS):
	@$(PACKAGES) setup; $(find_python); $(trust); \
	echo "Fetching uv $(UV_VERSION) into .tools"; \
	rm -rf .tools; "$$python" -m venv .tools; \
	.tools/$(BIN)/python -m pip install --quiet uv==$(UV_VERSION); \
	touch $@

$(AIMOCK): | $(TOOLS)
	@echo "Fetching aimock $(AIMOCK_VERSION) into .tools"; \
	command -v npm >/dev/null || { echo "Node 20 or later, with npm, is needed for the tests." >&2; exit 1; }; \
	npm install --silent --no-fund --no-audit --ignore-scripts --prefix .tools/aimock \
		@copilotkit/aimock@$(AIMOCK_VERSION); \
	touch $@

$(LITE): | $(TOOLS)
	@echo "Fetching @supabase/lite $(LITE_VERSION) into .tools"; \
	command -v npm >/dev/null || { echo "Node 20 or later, with npm, is needed for the tests." >&2; exit 1; }; \
	npm install --silent --no-fund --no-audit --ignore-scripts --save-exact --prefix .tools/supabase-lite \
		@supabase/lite@$(LITE_VERSION) postgres@3.4.9 @hono/node-server@2.1.9 \
		@tus/server@2.4.5 @tus/file-store@2.1.1; \
	touch $@

$(AIBRIX): | $(TOOLS)
	@$(trust); $(find_python); \
	echo "Fetching aibrix $(AIBRIX_VERSION) into .tools"; rm -rf .tools/aibrix; \
	$(UV) venv --quiet --python '>=3.10,<3.13' .tools/aibrix; \
	$(UV) pip install --quiet --python .tools/aibrix aibrix==$(AIBRIX_VERSION); \
	touch $@

$(POSTGRES): packaging/linux/fetch-postgres | $(TOOLS)
	@packaging/linux/fetch-postgres .tools/postgres; touch $@

# An environment that is there keeps its interpreter; a new one gets the one found above.
$(VENV): pyproject.toml uv.lock | $(TOOLS)
	@$(trust); \
	echo "Making .venv as uv.lock says"; \
	if [ ! -e .venv/pyvenv.cfg ]; then export UV_PYTHON=.tools/$(BIN)/python; fi; \
	$(UV) sync --locked --quiet; \
	.venv/$(BIN)/python -m compileall -q exai_desktop; \
	touch $@

$(PACKAGE_ENV): pyproject.toml uv.lock | $(TOOLS)
	@$(trust); \
	echo "Making build/package-env as uv.lock says"; \
	export UV_PROJECT_ENVIRONMENT=build/package-env; \
	if [ ! -e build/package-env/pyvenv.cfg ]; then export UV_PYTHON=.tools/$(BIN)/python; fi; \
	$(UV) sync --locked --quiet --no-default-groups --group package --all-extras --no-install-project; \
	touch $@
