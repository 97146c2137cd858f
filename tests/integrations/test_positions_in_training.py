"""A real verl step on clips: what the trainer computes for the rollout's tokens is what vLLM computed."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from videostr.data.rows import read_rows, write_rows
from videostr.data.synth import SynthConfig, build_rows
from videostr.train.launch import prepare, quoted

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1500),
    pytest.mark.filterwarnings("default"),
    pytest.mark.skipif(
        importlib.util.find_spec("verl") is None or importlib.util.find_spec("vllm") is None,
        reason="verl and vLLM are not installed (`make demo` installs them)",
    ),
]

#: Sixteen frames at three a second: two thirds of a second a grid, which no rounding hides.
CONFIG = SynthConfig(frames=16, nframes=16, fps=3, questions_per_clip=1)
PROMPTS = 2
HERE = str(Path(__file__).parent)
ENVIRONMENT = {
    "PYTHONPATH": os.pathsep.join(filter(None, [HERE, os.environ.get("PYTHONPATH")])),
    "HF_HUB_OFFLINE": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
#: A random model hardly looks at positions, or makes rounding large where its weights are large: queries and keys are
#: scaled up, and the perceptrons down.
SHARPER = {"q_proj": 2.0, "k_proj": 2.0, "mlp": 0.25}


def sharp_model(out: Path) -> Path:
    """A tiny model whose probabilities depend on positions."""
    import torch

    from videostr.testing.tiny_vlm import make_tiny_qwen2_5_vl

    folder = make_tiny_qwen2_5_vl(out, seed=0)
    from transformers import Qwen2_5_VLForConditionalGeneration

    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        for name, weights in model.model.language_model.named_parameters():
            for part, factor in SHARPER.items():
                if part in name and weights.ndim == 2:
                    weights.mul_(factor)
    model.save_pretrained(folder)
    return folder


def rows(out: Path) -> Path:
    """Two prompts a step, in order: with images, with clips, with the same clips and verl's own positions,
    with an image and a clip.
    """
    import av

    built = list(read_rows(build_rows(out / "clips", 4, 0, CONFIG).train))
    for position, row in enumerate(built):
        row["images"] = []
        # TransferQueue mistakes a batch of equal lengths for another shape
        row["prompt"][0]["content"] += " Look well." * (position % 2)
        if position in (0, 1):
            with av.open(row["videos"][0]["video"]) as file:
                frame = next(file.decode(video=0)).to_image()
            picture = out / f"{position}.png"
            frame.save(picture)
            row["images"] = [{"image": str(picture)}]
            row["videos"] = []
            row["prompt"][0]["content"] = row["prompt"][0]["content"].replace("<video>", "<image>")
    images, clips = built[:2], built[2:4]
    stock = deepcopy(clips)
    for row in stock:
        row["data_source"] = row["data_source"].replace("/synth/", "/stock/")
        row["extra_info"]["source"] = "stock"
    write_rows(out / "train.parquet", [*images, *clips, *stock, images[0], clips[1]])
    return out / "train.parquet"


def train(out: Path, *overrides: str) -> list[dict[str, Any]]:
    """The metrics of four steps without learning, of the prompts of `rows`."""
    data = rows(out)
    launch = prepare(
        "demo",
        [
            f"run_dir={quoted(out / 'run')}",
            f"data.train_files={quoted(data)}",
            f"data.val_files={quoted(data)}",
            "data.shuffle=false",
            f"data.train_batch_size={PROMPTS}",
            "data.max_prompt_length=448",
            "data.max_response_length=48",
            f"actor_rollout_ref.model.path={quoted(sharp_model(out / 'model'))}",
            "actor_rollout_ref.actor.optim.lr=0",
            f"actor_rollout_ref.actor.ppo_mini_batch_size={PROMPTS}",
            "actor_rollout_ref.rollout.n=4",
            "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=8",
            "actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu=8",
            "trainer.total_training_steps=4",
            "actor_rollout_ref.rollout.agent.agent_loop_manager_class=stock_rows.Manager",
            "trainer.save_freq=-1",
            *overrides,
        ],
    )
    done = subprocess.run(
        launch.command,
        env={**os.environ, **launch.environment, **ENVIRONMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    lines = (out / "run" / "metrics.jsonl").read_text().splitlines()
    steps = [json.loads(line)["data"] for line in lines]
    return [step for step in steps if "training/rollout_probs_diff_mean" in step]


def test_clips_differ_no_more_than_images(tmp_path: Path) -> None:
    images, clips, stock, both = train(tmp_path)
    for name in ("mean", "max"):
        key = f"training/rollout_probs_diff_{name}"
        seen = {"images": images[key], "clips": clips[key], "stock": stock[key], "both": both[key]}
        assert seen["clips"] < 3 * seen["images"] + 1e-6, (name, seen)
        assert seen["both"] < 3 * seen["images"] + 1e-6, (name, seen)
        assert seen["stock"] > 30 * seen["clips"], (name, seen)  # else the model would not look at positions
