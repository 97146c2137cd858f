#!/bin/bash
# dist/: the sdist, and from it one wheel for every x86-64 Linux with glibc 2.17 or newer (zig links it). Both are looked into and tested.
set -euo pipefail
cd "$(dirname "$0")/.."
rm -rf dist
scripts/wheel.sh --sdist --zig --compatibility manylinux_2_17 --auditwheel check
wheel=$(echo dist/*.whl)
sdist=$(echo dist/*.tar.gz)
abi3audit --strict "$wheel"
found=$(auditwheel show "$wheel")
grep -q '"manylinux_2_17_x86_64"' <<<"$found" || { echo "$found"; exit 1; }
python scripts/check_dist.py "$wheel" "$sdist"
scripts/test_dist.sh "$wheel"
scripts/test_dist.sh "$sdist"
ls -l dist
