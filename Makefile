# Every target makes the tree ready first (scripts/setup), and says what it does.
# Words for the program go into ARGS: make demo ARGS="--redemptions 5 --seed 7"

.POSIX:
.DEFAULT_GOAL := help
.PHONY: help demo test torture fuzz lint format bench screenshots package clean

BIN := .venv/bin
ARGS :=
PYTEST_ARGS :=
# Tests start the programs some hundred times: where the surroundings forbid to keep compiled modules, each start would
# compile everything again, which is half of what such a test costs.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest

# Two processors are busy with three processes, as many tests wait for a line or a device. Their files lie in memory where
# there is room for them: a disk that makes sure of every commit of every test shows nothing, power cuts are
# `make torture`'s. A container's /dev/shm is often 64 MB.
ROOM_KIB := 4000000
IN_MEMORY := PYTEST_DEBUG_TEMPROOT=$$(df -Pk /dev/shm 2>/dev/null | awk 'END { print(($$4 > $(ROOM_KIB)) ? "/dev/shm" : "/tmp") }')

# The folders whose every branch is tested; how much that is, says fail_under in pyproject.toml.
GATED := ewarung_pos/domain/*,ewarung_pos/services/*,ewarung_pos/ledger/*,ewarung_pos/sync/*

help:
	@echo "make demo         the till in practice mode, beside an embedded city and a simulated EDC"
	@echo "make test         lint, types, import contracts, all tests, coverage gate"
	@echo "make torture      power cuts, kills, broken disks, edited ledgers by the thousand, a city's month, counted"
	@echo "make fuzz         an hour of bytes that nobody would send for each parser, some hours in all"
	@echo "make lint         the first three of these; make format puts right what can be"
	@echo "make bench        the figures of the README, measured here"
	@echo "make screenshots  a picture of every screen in every state, into docs/pictures"
	@echo "make package      the Debian package, into dist/"

demo:
	@scripts/setup runtime
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
	  exec $(BIN)/ewarung-pos demo $(ARGS); \
	else \
	  exec $(BIN)/ewarung-pos demo --headless --screens "$$(mktemp -d -t ewarung-gambar-XXXXXX)" $(ARGS); \
	fi

# EWARUNG_EVERY_PEER=1 lets no test be skipped for a program that scripts/setup brings (tests/peers.py).
test: lint
	@rm -f .coverage .coverage.*
	$(IN_MEMORY) $(PYTEST) -m "not torture" -n 3 --dist worksteal --cov --cov-report= --cov-fail-under=0 -rs $(PYTEST_ARGS)
	$(BIN)/coverage report --include='$(GATED)'

torture:
	@scripts/setup full
	$(PYTEST) -m torture -n 2 --dist worksteal -rs -o faulthandler_timeout=0 $(PYTEST_ARGS)

fuzz:
	@scripts/setup full
	$(BIN)/python -m fuzz $(ARGS)

lint:
	@scripts/setup full
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format:
	@scripts/setup full
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench:
	@scripts/setup full
	$(BIN)/python -m benchmarks $(ARGS)

screenshots:
	@scripts/setup full
	@rm -f docs/pictures/*.png
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m ewarung_pos.ui.views.pictures docs/pictures $(ARGS)
	$(BIN)/python scripts/shrink_pictures.py docs/pictures

package:
	@scripts/setup full
	installer/build-deb

clean:
	rm -rf build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
