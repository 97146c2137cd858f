#!/bin/bash
# Installs a wheel or an sdist where nothing but numpy is, and runs the tests that need no more against it, outside of the source tree.
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
made=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
# the rest of tests/ wants hypothesis, scipy or a trainer, or is about the oracle
tests="tests/test_golden.py tests/test_attacks.py tests/test_api_scoring.py tests/test_api_graph.py tests/test_api_spec.py
       tests/test_api_surface.py tests/test_cli.py tests/test_cli_score.py tests/test_cli_rollouts.py tests/test_concurrency.py
       tests/test_terms.py tests/test_truncation.py tests/test_troubleshooting.py tests/prompts
       tests/rollouts/test_alarms.py tests/rollouts/test_repeats.py
       tests/view/test_curves.py tests/view/test_picks.py tests/view/test_view_commands.py"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$source"/{tests,docs,README.md,pyproject.toml} "$work"
cd "$work"
export VIRTUAL_ENV="$work/env" UV_CONSTRAINT="$source/constraints/dev.txt" UV_BUILD_CONSTRAINT="$source/constraints/dev.txt"
export CARGO_TARGET_DIR="$source/target/wheels"
uv venv --quiet "$VIRTUAL_ENV"
uv pip install --quiet "$made"
installed=$(uv pip list --quiet --format freeze | cut -d= -f1 | sort | xargs)
test "$installed" = "numpy videostr" || { echo "installed beside it: $installed"; exit 1; }
uv pip install --quiet pytest pytest-timeout
# shellcheck disable=SC2086
uv run --quiet --no-project python -m pytest -q -p no:cacheprovider -m "not full and not slow" $tests
echo "$(basename "$made"): its tests pass with numpy alone beside it"
