#!/bin/bash
# Remakes constraints/*.txt from pyproject.toml: newest versions that fit together.
set -euo pipefail
cd "$(dirname "$0")/.."
pin() {
    .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-annotate --no-header --no-emit-index-url \
        --no-emit-find-links --custom-compile-command scripts/pin.sh pyproject.toml "$@"
}
pin --extra dev --extra verl-cpu constraints/verl-cpu.in --override constraints/verl-cpu-overrides.txt -o constraints/verl-cpu.txt
pin --extra dev --extra verl -o constraints/verl.txt
echo uv > constraints/dev.in.tmp
pin --extra dev --extra release constraints/dev.in.tmp -c constraints/verl-cpu.txt -o constraints/dev.txt
pin --extra dev --extra bench constraints/dev.in.tmp -c constraints/verl-cpu.txt -o constraints/bench.txt
rm constraints/dev.in.tmp
