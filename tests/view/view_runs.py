"""Folders as the trainer leaves them: real replies, scored and written by the code that training uses.

``python tests/view/view_runs.py DIR STEPS`` writes a run of twelve tasks with 24 replies a step.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from videostr import RewardSpec, Scorer
from videostr.data.rows import read_rows
from videostr.data.synth import SynthConfig, build_rows
from videostr.integrations.verl import Reward
from videostr.integrations.verl_rollouts import write_shard, write_spec
from videostr.integrations.verl_step import Row, score_step
from videostr.testing import FAULTS, Scene, clip, jitter, random_scene, reply

SPEC = RewardSpec.preset("pose-free").replace(length_min=100, length_max=400)
TASKS = ("synth/counting", "synth/relative_distance", "synth/tracking")
UP = (0.0, 0.0, 1.0)
Make = Callable[[np.random.Generator, Scene, float], str]


def scene_of(seed: int, *, nodes: int = 5, frames: int = 3, **options: Any) -> Scene:
    """A clip of some objects of which some move; the answer is B."""
    rng = np.random.default_rng([seed, 7])
    still = random_scene(rng, nodes=nodes, up=options.pop("up", UP), **options)
    return clip(rng, still, frames=frames, speed=0.08 * still.diameter, hidden=0.0, timed=True)


def said(rng: np.random.Generator, about: Scene, skill: float) -> str:
    """A reply that is better the higher the skill (0..1) is."""
    if rng.uniform() > 0.7 + 0.3 * skill:
        return "I do not know what to say about this clip."
    frames = jitter(rng, about.frames, (0.5 * (1 - skill) + 0.02) * about.diameter)
    answer = "B" if rng.uniform() < 0.2 + 0.75 * skill else "A"
    faults = [name for name in FAULTS["json"] if rng.uniform() < 0.05 * (1 - skill)]
    if "text_after" in faults and "truncation" in faults:
        faults.remove("text_after")
    prose = " ".join(f"w{word}" for word in rng.integers(0, 9999, int(rng.integers(5, 40))))
    return reply(frames, answer, faults=faults, prose=prose)


def rows_of(
    step: int,
    skill: float,
    *,
    tasks: Sequence[str] = TASKS,
    prompts: int = 3,
    size: int = 4,
    make: Make = said,
    scenes: Sequence[Scene] | None = None,
) -> list[Row]:
    """The replies of a step, as the trainer hands them to scoring."""
    rows = []
    for prompt in range(prompts):
        rng = np.random.default_rng([step, prompt])
        about = scenes[prompt % len(scenes)] if scenes else scene_of(100 * step + prompt)
        for k in range(size):
            text = make(rng, about, skill)
            rows.append(
                Row(
                    key=f"p{step}.{prompt}_{k}_0",
                    group=f"p{step}.{prompt}",
                    text=text,
                    ground_truth=json.dumps(about.reference()),
                    tokens=len(text) // 3,
                    given={},
                    reward=0.0,
                    prompt=f"Which one is it?\nStep {step}, prompt {prompt}.",
                    data_source=f"videostr/{tasks[(step + prompt) % len(tasks)]}",
                    index=prompt,
                )
            )
    return rows


def write_step(folder: Path, step: int, rows: Sequence[Row], spec: RewardSpec = SPEC) -> Path:
    """A shard, by the trainer's own code."""
    reward = Reward(Scorer(spec))
    scored = score_step(reward, rows)
    fresh = [
        type(one)(one.row, float(one.report.total) if one.report else 0.0, one.report, one.terms, one.values)
        for one in scored
    ]
    return write_shard(folder / "rollouts", step, fresh, spec)


def write_run(
    folder: Path, steps: int = 6, *, metrics: bool = True, spec: RewardSpec = SPEC, **options: Any
) -> Path:
    """A whole run whose replies get better."""
    write_spec(folder / "rollouts", spec)
    for step in range(1, steps + 1):
        write_step(folder, step, rows_of(step, (step - 1) / max(1, steps - 1), **options), spec)
    if metrics:
        write_metrics(folder, steps)
    return folder


def write_metrics(folder: Path, steps: int) -> None:
    rng = np.random.default_rng(0)
    with (folder / "metrics.jsonl").open("w", encoding="utf-8") as file:
        for step in range(1, steps + 1):
            data = {
                "actor/grad_norm": float(rng.uniform(0.1, 2)),
                "actor/lr": 1e-6,
                "timing_s/step": 30 + float(rng.uniform(0, 5)),
            }
            if step % 5 == 0:
                data["val-core/acc/mean@1"] = step / steps
            file.write(json.dumps({"step": step, "data": data}) + "\n")


def write_rows(folder: Path, *, clips: int = 2) -> Path:
    """A parquet file of the demo's small world with its clips; returns the file."""
    return build_rows(folder, clips, 0, SynthConfig()).train


def write_run_on_rows(folder: Path, rows: Path, steps: int = 2) -> Path:
    """A run over the rows of a file, which its configuration names; replies are the truth with noise."""
    write_spec(folder / "rollouts", SPEC)
    table = list(read_rows(rows))
    for step in range(1, steps + 1):
        found = []
        for prompt, row in enumerate(table[:3]):
            rng = np.random.default_rng([step, prompt])
            found += [_reply_to(row, rng, f"p{step}.{prompt}", k) for k in range(3)]
        write_step(folder, step, found)
    (folder / "config.yaml").write_text(f"data: {{train_files: '{rows}', data_root: null}}\n")
    return folder


def _reply_to(row: dict[str, Any], rng: np.random.Generator, group: str, k: int) -> Row:
    truth = json.loads(row["reward_model"]["ground_truth"])
    frames = []
    for frame in truth["graph"]["frames"]:
        nodes = [[node["id"], [x + rng.normal(0, 0.3) for x in node["center"]]] for node in frame["nodes"]]
        frames.append({"t": frame["t"], "nodes": nodes})
    answer = truth["answer"]["value"]
    said = answer if isinstance(answer, str) else json.dumps(answer)
    text = f"<think><graph>{json.dumps({'frames': frames})}</graph></think><answer>{said}</answer>"
    return Row(
        key=f"{group}_{k}_0",
        group=group,
        text=text,
        ground_truth=row["reward_model"]["ground_truth"],
        tokens=120,
        given={},
        reward=0.0,
        prompt=row["prompt"][0]["content"],
        data_source=row["data_source"],
        index=row["extra_info"]["index"],
    )


if __name__ == "__main__":
    twelve = [f"world/task-{number}" for number in range(1, 13)]
    write_run(Path(sys.argv[1]), int(sys.argv[2]), tasks=twelve, prompts=6)
