#!/bin/bash
# One abi3 wheel must import and score on every Python at hand, with numpy alone beside it.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
.venv/bin/maturin build --release --locked --quiet --out "$out"
wheel=$(ls "$out"/videostr-*.whl)
.venv/bin/abi3audit --strict "$wheel"
seen=0
for python in python3.10 python3.11 python3.12 python3.13 python3.14 "$HOME"/.pyenv/versions/*/bin/python3; do
    path=$(command -v "$python") || continue
    version=$("$path" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case " ${done_versions:-} 2.7 3.6 3.7 3.8 3.9 " in *" $version "*) continue ;; esac
    done_versions="${done_versions:-} $version"
    .venv/bin/uv venv --quiet --python "$path" "$out/$version"
    .venv/bin/uv pip install --quiet --python "$out/$version/bin/python" "$wheel"
    (cd "$out" && "$out/$version/bin/python" -W error - <<'PY'
import sys
import videostr
scorer = videostr.Scorer(videostr.RewardSpec.preset("pose-free"))
truth = {"version": 1, "answer": {"kind": "choice", "value": "B", "options": ["left", "right"]}}
report = scorer.score("<think>x</think><answer>B</answer>", scorer.prepare(truth))
assert report.answer == report.format == 1.0, report
heavy = {"torch", "verl", "ray", "pyarrow", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
print("abi3 wheel scores on Python", sys.version.split()[0])
PY
    )
    seen=$((seen + 1))
done
test "$seen" -gt 0
