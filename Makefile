.PHONY: help dev check fix test golden hosts-root hosts bench docs lock pictures krita-zip wheel
.DEFAULT_GOAL := help

help:  ## Lists the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

dev:  ## Installs Pixelmend for development
	pip install -c constraints.txt -e ".[dev]"

check:  ## What must pass before a commit: format, lint, types, imports, tests
	ruff format --check && ruff check && pyright && lint-imports && pytest -n 2 --dist loadgroup

fix:  ## Formats, and mends what the linter can mend
	ruff format && ruff check --fix

test:  ## Runs the tests
	pytest -n 2 --dist loadgroup

golden:  ## Compares with the published code's numbers alone
	pytest tests/golden

hosts-root:  ## Builds the root file system with GIMP and Krita that tests/hosts needs (Linux)
	tests/hosts/build_root.sh

hosts: hosts-root  ## Tests the plug-ins in the real editors alone
	pytest tests/hosts

bench:  ## Takes the figures of docs/performance.md that need one photograph
	python tests/bench/deblur.py examples/astronaut.png

docs:  ## Writes the help texts into docs/cli.md and the rooms into ARCHITECTURE.md
	python docs/write_cli.py && python docs/write_rooms.py

lock:  ## Writes requirements.lock: every package of constraints.txt that users get, with its hashes
	echo hatchling | uv pip compile pyproject.toml - -c constraints.txt --universal --generate-hashes --no-annotate -o requirements.lock

pictures:  ## Makes the example and the small pictures of the README again
	python examples/make_pictures.py && python examples/make_troubles.py

krita-zip:  ## Builds the file that Krita imports the docker from, into dist/
	pixelmend setup krita --zip dist/pixelmend-krita.zip

wheel:  ## Builds the wheel into dist/
	pip wheel --no-deps -w dist .
