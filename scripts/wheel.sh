#!/bin/bash
# One abi3 wheel into dist/, without the paths of the machine that builds it; the arguments are maturin's.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fetch --locked --quiet
# panic messages name source files
for path in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    if command -v cygpath >/dev/null; then path=$(cygpath -w "$path"); fi
    RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$path=/dependencies"
done
export RUSTFLAGS CARGO_TARGET_DIR="$PWD/target/wheels"
maturin build --release --locked --quiet --out dist "$@"
