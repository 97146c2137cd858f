"""A batch without pictures in the trainer: verl's own forward, before and after ours is imported."""

from __future__ import annotations

from pathlib import Path

import pytest
from fresh_python import needs_verl, run_python

pytestmark = [needs_verl, pytest.mark.slow]

_CODE = """
import sys, torch
from videostr.testing.tiny_vlm import make_tiny_qwen2_5_vl
from transformers import AutoModelForImageTextToText
folder = make_tiny_qwen2_5_vl(sys.stdin.read(), 0)
model = AutoModelForImageTextToText.from_pretrained(folder).model
words = torch.tensor([[5, 6, 7, 8]])
from verl.models.transformers import qwen2_vl
try:
    qwen2_vl._get_input_embeds(model, words)
    print("stock is right")
except AttributeError as error:
    print("stock:", error)
import videostr.integrations.verl_trainer
embeds, mask = qwen2_vl._get_input_embeds(model, words)
assert torch.equal(embeds, model.get_input_embeddings()(words)) and mask is None
embeds.sum().backward()
tower = [value.grad for value in model.visual.parameters()]
assert all(grad is not None and not grad.any() for grad in tower), "every worker's vision tower takes part"
print("ours is right")
"""


def test_a_batch_of_text_alone_trains(tmp_path: Path) -> None:
    done = run_python(_CODE, text=str(tmp_path / "model"), VIDEOSTR_VERL_CPU="1")
    assert "ours is right" in done.stdout, done.stdout + done.stderr
    assert "stock: 'BaseModelOutputWithPooling' object has no attribute 'mean'" in done.stdout, (
        "not needed any more?"
    )
