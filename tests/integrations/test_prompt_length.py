"""Tokens of a prompt as counted from headers are those that verl's own reader and the processor make."""

from __future__ import annotations

import json

import pytest
from fresh_python import needs_verl, run_python

pytestmark = [needs_verl, pytest.mark.slow]

#: Frames, height, width, fps of a clip, and its settings in the row.
CLIPS = [
    (16, 112, 112, 4, {"nframes": 8}),
    (16, 112, 112, 4, {"nframes": 16, "min_pixels": 3136, "max_pixels": 50176}),
    (40, 200, 320, 10, {"fps": 2.0}),
    (40, 200, 320, 10, {"fps": 4.0, "max_frames": 6, "max_pixels": 40000, "min_pixels": 3136}),
    (12, 480, 640, 6, {"nframes": 4, "resized_height": 140, "resized_width": 196}),
    (30, 96, 400, 15, {"fps": 1.0, "total_pixels": 200000, "min_pixels": 3136}),
    (30, 96, 400, 15, {"nframes": 6, "video_start": 0.5, "video_end": 1.5}),
]
_CODE = """
import asyncio, json, sys, tempfile
from pathlib import Path
import numpy as np
from videostr.integrations.verl_cpu.torchvision_ops import declare_missing_operators
declare_missing_operators()
from qwen_vl_utils import process_vision_info
from videostr.data.media_check import MediaCheck
from videostr.data.synth.video import write_mp4
from videostr.testing.tiny_vlm import make_tiny_qwen2_5_vl
from videostr.train.prompt_length import PromptCounter, _parts
folder = Path(tempfile.mkdtemp())
model = make_tiny_qwen2_5_vl(folder / "tiny", 0)
counter, media = PromptCounter(model, 14), MediaCheck()
for number, (frames, height, width, fps, settings) in enumerate(json.loads(sys.stdin.read())):
    path = folder / f"{number}.mp4"
    write_mp4(path, list(np.zeros((frames, height, width, 3), np.uint8)), fps)
    row = {"prompt": [{"role": "user", "content": "<video>What moves? " + "far " * number}],
           "videos": [{"video": str(path), **settings}]}
    counted = counter.count(row, media.check(row, "row"))
    parts = _parts(row["prompt"][0]["content"])
    parts[0].update(row["videos"][0])
    messages = [{"role": "user", "content": parts}]
    _, videos = process_vision_info(messages, image_patch_size=14, return_video_metadata=True)
    (video, metadata), = videos
    text = counter._processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    real = counter._processor(text=[text], videos=[video], video_metadata=[metadata], do_sample_frames=False,
                              return_tensors="pt")["input_ids"].shape[1]
    print(json.dumps([number, counted, real]))
"""


@pytest.fixture(scope="module")
def counted() -> dict[int, tuple[int, int]]:
    done = run_python(_CODE, text=json.dumps(CLIPS))
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert len(lines) == len(CLIPS), done.stdout + done.stderr
    return {number: (ours, real) for number, ours, real in lines}


@pytest.mark.parametrize("number", range(len(CLIPS)))
def test_the_count_is_the_processors(counted: dict[int, tuple[int, int]], number: int) -> None:
    ours, real = counted[number]
    assert ours == real
    assert real > 20
