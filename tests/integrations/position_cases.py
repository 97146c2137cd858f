"""Prompts for the comparison of positions, run in a fresh process: prints what differs, as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import Any

from rollout_positions import Message, Rollout, clip

import numpy as np  # isort: skip
import torch  # isort: skip
from PIL import Image  # isort: skip

from videostr.data.synth.video import write_mp4  # isort: skip
from videostr.integrations import verl_agent_loop, verl_positions  # isort: skip

FRAMES = (2, 3, 4, 5, 7, 8, 12, 16, 17, 24, 31, 32)
RATES = (0.25, 0.3, 0.5, 2 / 3, 0.7, 1.0, 1.1, 1.5, 2.0, 2.5, 2.997, 3.0, 3.3, 4.0)
SIZES = ((56, 84), (112, 56), (140, 168), (28, 308))
GRID = 6  # tokens of a grid of 56 x 84 pixels
MB = 1 / 1024  # in the unit of vLLM's key


def text(words: str) -> Message:
    return {"type": "text", "text": words}


def video(*args: Any, **kwargs: Any) -> Message:
    return {"type": "video", "video": clip(*args, **kwargs)}


def picture(height: int, width: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8))


def image(height: int, width: int) -> Message:
    return {"type": "image", "image": picture(height, width)}


def one_clip() -> Iterator[tuple[str, list[Message]]]:
    """Every count of frames at every rate; sizes, and clips cut out of longer ones, in turn."""
    for number, (frames, fps) in enumerate(product(FRAMES, RATES)):
        raw = (None, 24.0, 29.97, 10.0)[number % 4]
        size = SIZES[number % len(SIZES)]
        given = video(frames, fps, size, raw)
        yield f"{frames} frames at {fps}, {size}, from {raw}", [text("Look."), given, text(" Which way?")]


def layouts() -> Iterator[tuple[str, list[Message]]]:
    """What stands where in a prompt."""
    slow, fast = video(6, 0.7, raw_fps=24.0), video(9, 3.3, (112, 56))
    yield "only text", [text("How many sides has a cube?")]
    yield "clip first", [slow, text("Which way?")]
    yield "clip in the middle", [text("Before."), slow, text("After.")]
    yield "clip last", [text("Which way?"), slow]
    yield "two clips", [slow, text("then"), fast, text("Which is nearer?")]
    yield "two clips side by side", [fast, slow, text("Which is nearer?")]
    yield "the same clip twice", [slow, text("and"), slow]
    yield "three clips", [slow, fast, text("or"), video(2, 0.25), text("Which?")]
    yield "image", [image(56, 84), text("What?")]
    yield "two images", [text("a"), image(84, 84), image(196, 56), text("What?")]
    yield "image, then clip", [image(196, 56), text("and"), slow, text("Which?")]
    yield "clip, then image", [fast, image(56, 84), text("Which?")]
    yield "clip without metadata", [text("a"), {"type": "video", "video": clip(24, 1.0)[0]}, text("Which?")]
    yield "clip between images", [image(56, 84), slow, image(84, 56), text("Which?")]


def read_by_verl(folder: Path) -> Iterator[tuple[str, list[Message]]]:
    """Files and lists of frames, through the reader that verl uses."""
    path = folder / "clip.mp4"
    rng = np.random.default_rng(0)
    write_mp4(path, (rng.integers(0, 255, (84, 112, 3), dtype=np.uint8) for _ in range(65)), 8)
    pixels = {"min_pixels": 4 * 28 * 28, "max_pixels": 16 * 28 * 28}
    taken: dict[str, Any]
    for taken in (
        *({"fps": fps, "min_frames": 2, "max_frames": 32} for fps in (0.25, 0.7, 1, 1.5, 2.5, 4)),
        {"nframes": 10},
        {"nframes": 6, "video_start": 1.3, "video_end": 5.9},
    ):
        given = {"type": "video", "video": str(path), **taken, **pixels}
        yield f"file, {taken}", [text("Look."), given, text(" Which way?")]
    for count, fps in product((2, 5, 16), (0.3, 1.0, 3.3)):
        frames = [picture(84, 112)] * count
        given = {"type": "video", "video": frames, "sample_fps": fps, "raw_fps": 30.0, **pixels}
        yield f"{count} frames at {fps} as a list", [text("Look."), given, text(" Which way?")]


def compare(rollout: Rollout, cases: Any, *, decoded: bool = True) -> dict[str, str]:
    """Case -> what differs, empty where trainer and vLLM have the same integer for each token and axis."""
    found = {}
    for name, content in cases:
        out = rollout.run(content, decoded=decoded)
        trained, rolled = out["trained"], out["rollout"]
        length = len(out["ids"])
        if trained.shape != (4, length) or rolled.shape != (3, length):
            found[name] = f"shapes {trained.shape} {rolled.shape} for {length} tokens"
        elif trained[0].tolist() != list(range(length)):
            found[name] = f"index {trained[0].tolist()}"
        else:
            axes, tokens = np.nonzero(trained[1:] != rolled)
            places = [
                (int(a), int(t), int(trained[1 + a, t]), int(rolled[a, t]))
                for a, t in zip(axes, tokens, strict=True)
            ]
            found[name] = f"axis, token, trained, rollout: {places[:4]}" if places else ""
    return found


def temporal(rollout: Rollout, fps: float) -> list[int]:
    """vLLM's time axis of a clip of 16 frames, one a grid, relative to its start."""
    out = rollout.run([video(16, fps), text("?")], decoded=True)
    axis = out["rollout"][0][np.asarray(out["ids"]) == rollout.worker.processor.video_token_id]
    return [int(value - axis[0]) for value in axis[::GRID]]


def too_small_a_cache(model: str, clips: list[Message]) -> str:
    """What vLLM says to a second request with two clips when its cache has room for one of them."""
    rollout = Rollout(model, cache_gb=0.5 * MB)
    rollout.worker.llm_client._cached = False
    try:
        for _ in range(2):
            rollout.run([*clips, text("?")], decoded=True)
    except ValueError as error:
        return str(error.__cause__)
    return ""


def repeated(model: str, *prompts: list[Message]) -> list[bool]:
    """Whether vLLM takes one prompt after the other, with what its cache has of the earlier ones."""
    rollout = Rollout(model)
    rollout.engine.reply_only = True
    return [len(rollout.run(prompt, decoded=True)["ids"]) > 0 for prompt in prompts]


def refused(action: Callable[[], Any]) -> str:
    try:
        action()
    except verl_positions.PositionsError as error:
        return str(error)
    return ""


def left_alone(rollout: Rollout) -> dict[str, bool]:
    """Whether the worker is verl's own for another engine and for another model."""

    class OtherModel(verl_agent_loop.VideostrAgentLoopWorker):
        hf_model_type = property(lambda _: "qwen3_vl", lambda *_: None)

    client = object()
    other_engine = deepcopy(rollout.config)
    other_engine.actor_rollout_ref.rollout.name = "sglang"
    workers = {
        "engine": verl_agent_loop.VideostrAgentLoopWorker(other_engine, client),
        "model": OtherModel(rollout.config, client),
    }
    return {name: w._positions is None and w.llm_client is client for name, w in workers.items()}


def words(rollout: Rollout) -> dict[str, str]:
    """What is said to a caller's mistakes."""
    settings = rollout.config.actor_rollout_ref.rollout
    model = rollout.worker.model_config.hf_config
    positions = verl_positions.Qwen25VLPositions(model, settings)
    one_clip = {"video_grid_thw": torch.tensor([[1, 2, 2]])}
    automatic = deepcopy(settings)
    automatic.dtype = "auto"
    return {
        "two clips": refused(lambda: rollout.run([video(4, 1.0), video(6, 1.0), text("?")], decoded=True)),
        "dtype": refused(lambda: verl_positions.Qwen25VLPositions(model, automatic)),
        "no seconds": refused(lambda: positions(torch.tensor([model.video_token_id]), one_clip)),
    }


def main(model: str, folder: str) -> None:
    results: dict[str, Any] = {}
    ours = Rollout(model)
    results["float32"] = compare(ours, one_clip())
    results["read by verl"] = compare(ours, read_by_verl(Path(folder)), decoded=False)
    results["time axis"] = {str(fps): temporal(ours, fps) for fps in (1.0, 2.0, 3.0, 4.0)}
    results["left alone"] = left_alone(ours)
    results["words"] = words(ours)
    results["too small a cache"] = too_small_a_cache(model, [video(4, 1.0), video(6, 2.0)])
    results["bfloat16"] = compare(Rollout(model, "bfloat16"), one_clip())
    results["layouts"] = compare(Rollout(model, cache_gb=0), layouts())
    seen, slow = text("Which?"), video(6, 0.7)
    first, other_image = [image(56, 84), slow, seen], [image(84, 84), slow, seen]
    results["cached"] = repeated(model, first, other_image, [image(56, 84), video(6, 1.0), seen], first)
    stock = Rollout(model, worker=verl_agent_loop.VerlWorker)
    results["stock"] = compare(stock, one_clip())
    results["stock time axis"] = {str(fps): temporal(stock, fps) for fps in (1.0, 2.0, 3.0, 4.0)}
    print(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
