# What a developer runs. `make help` lists it.
.DEFAULT_GOAL := help
.PHONY: help run test test-all check format pins docs wheel ci

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run:  ## the main job, on drawn pictures
	uv run catdog

test:  ## the quick tests
	uv run pytest

test-all:  ## every test, the slow ones and those that start servers too
	uv run pytest -m ""

check:  ## lint, format, types and layers, changing nothing
	uv run ruff check
	uv run ruff format --check
	uv run mypy
	uv run lint-imports

format:  ## lint and format, mending what can be mended
	uv run ruff check --fix
	uv run ruff format

pins:  ## resolve all packages anew and write the exact versions into pyproject.toml
	python3 scripts/pin.py
	rm -f uv.lock

docs:  ## draw the pictures of README and docs again (with chromium)
	uv run python scripts/docs.py
	uv run python scripts/screenshots.py
	uv run python -m scripts.demo_picture

wheel:  ## the package as a wheel, in dist/
	uv build --wheel

ci:  ## what the CI server runs
	bash .ci/run
