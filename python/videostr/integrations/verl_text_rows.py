"""Rows without pictures, for Qwen2-VL and Qwen2.5-VL in the trainer.

verl 0.9.1 shows such a batch a blank picture, so that all FSDP workers run the same layers, and takes what the
vision tower gives for a tensor (verl/models/transformers/qwen2_vl.py:393). With transformers 5 it is an object, which
verl unpacks where there are pictures (:354) and not there: the step ends in an AttributeError. A failed prompt, whose
stand-in has no picture, leads there too.

Importing this module mends that one call, in this process.
"""

from __future__ import annotations

from typing import Any

from verl.models.transformers import qwen2_vl
from verl.utils.transformers_compat import unpack_visual_output

_embed = qwen2_vl._get_input_embeds


class _UnpackedVision:
    """A model whose vision tower gives a tensor."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def visual(self, *args: Any, **kwargs: Any) -> Any:
        return unpack_visual_output(self._model.visual(*args, **kwargs))[0]


def _get_input_embeds(model: Any, input_ids: Any, attention_mask: Any = None, *pictures: Any) -> Any:
    """pictures: pixels of images, pixels of videos, and their grids, as verl gives them (:432, :461)."""
    if all(pixels is None for pixels in pictures[:2]):
        model = _UnpackedVision(model)
    return _embed(model, input_ids, attention_mask, *pictures)


qwen2_vl._get_input_embeds = _get_input_embeds
