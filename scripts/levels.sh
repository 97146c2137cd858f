#!/bin/bash
# Scores have the same bits with any registers: the test of it, built without AVX-512, without AVX2, and without any of them.
set -euo pipefail
cd "$(dirname "$0")/.."
for left_out in "avx512" "avx512 avx2" "avx512 avx2 sse4_2"; do
    flags=""
    for level in $left_out; do flags+=" --cfg disable_dispatch_$level"; done
    echo "without $left_out"
    RUSTFLAGS=$flags CARGO_TARGET_DIR=target/levels cargo test --quiet --locked -p videostr-core --test levels
done
