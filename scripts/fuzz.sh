#!/bin/bash
# Runs every fuzz target of rust/fuzz for so many seconds, as many at once as there are cores: fuzz.sh SECONDS [SEED]
# With a seed and an empty corpus the inputs of one run are those of the next; without one each run looks elsewhere.
# What is found is written to target/fuzz/artifacts; the corpus grows in target/fuzz/corpus. `fuzz.sh lint` checks the code.
set -euo pipefail
if ! command -v c++ > /dev/null; then
    echo "fuzzing is skipped: libFuzzer needs a C++ compiler (Debian: g++)"
    exit
fi
cd "$(dirname "$0")/../rust/fuzz"
CARGO_BUILD_TARGET=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_BUILD_TARGET
if [ "$1" = lint ]; then
    cargo fmt --check
    cargo clippy --release --locked --quiet -- -D warnings
    exit
fi
cargo build --release --locked --quiet
room=../../target/fuzz
targets=$(basename -s .rs fuzz_targets/*.rs)
../../.venv/bin/python ../../scripts/fuzz_seeds.py $room/seeds
for target in $targets; do mkdir -p "$room/corpus/$target" $room/artifacts; done
echo "$targets" | xargs -P "$(nproc)" -I TARGET cargo run --release --locked --quiet --bin TARGET -- \
    $room/corpus/TARGET $room/seeds/TARGET -dict=reply.dict -artifact_prefix=$room/artifacts/TARGET- \
    -max_total_time="$1" -seed="${2:-0}" -timeout=10 -max_len=4096 -verbosity=0 -print_final_stats=1
