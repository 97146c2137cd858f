"""How many tokens a row's prompt has, vision tokens included, without decoding its media.

verl cannot cut a prompt with a clip in it, so a longer one than data.max_prompt_length fails in the agent
loop (verl/experimental/agent_loop/agent_loop.py:353) and takes its group out of the step.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from videostr.data.media_check import Header
from videostr.data.row_check import MEDIA_COLUMNS, Row
from videostr.integrations.verl_cpu.gate import accelerator_present
from videostr.integrations.verl_cpu.torchvision_ops import declare_missing_operators
from videostr.train.prompt_check import TemplateFacts

_MARK = re.compile("(<video>|<image>)")


class PromptCounter:
    """Counts the tokens of prompts for one model.

    The frames and sizes of a clip follow qwen_vl_utils, verl's reader; what a frame costs is asked of the
    model's own processor. Models whose processor cannot tell, and clips given as frame lists, count as their
    text: the true number is then larger.

    Args:
        model: Folder of the model in Hugging Face format.
        image_patch_size: The recipe's ``data.image_patch_size``.
        chat_template_kwargs: The recipe's ``data.apply_chat_template_kwargs``.
    """

    def __init__(
        self, model: Path, image_patch_size: int, chat_template_kwargs: Mapping[str, Any] | None = None
    ) -> None:
        if not accelerator_present():
            declare_missing_operators()
        from transformers import AutoProcessor

        self._processor = AutoProcessor.from_pretrained(str(model))
        self._tokenizer = getattr(self._processor, "tokenizer", self._processor)
        self._patch = image_patch_size
        self._template_kwargs = dict(chat_template_kwargs or {})

    def count(self, row: Row, headers: Mapping[str, Header]) -> int:
        """Tokens of a row's prompt.

        Args:
            row: A training row.
            headers: What :class:`videostr.data.media_check.MediaCheck` says of its media.

        Raises:
            ValueError: qwen_vl_utils refuses the row's frame count or size.
        """
        messages = [{**message, "content": _parts(message["content"])} for message in row["prompt"]]
        return self.text_tokens(self._render(messages)) + sum(
            self._vision_tokens(column, struct, headers[f"{column}[{position}].{kind}"]) - 1
            for column, kind in MEDIA_COLUMNS.items()
            for position, struct in enumerate(row.get(column) or ())
            if f"{column}[{position}].{kind}" in headers
        )

    def text_tokens(self, text: str) -> int:
        """Tokens of a text, its special tokens included where they stand in it."""
        return len(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def template(self) -> TemplateFacts:
        """What the chat template writes around a user's message."""
        word = "videostr-message"
        before, _, after = self._render(
            [{"role": "user", "content": [{"type": "text", "text": word}]}]
        ).partition(word)
        return TemplateFacts(f"{before}\n{after}", opens_think=after.rstrip().endswith("<think>"))

    def _render(self, messages: Sequence[Mapping[str, Any]]) -> str:
        return str(
            self._processor.apply_chat_template(
                list(messages), add_generation_prompt=True, tokenize=False, **self._template_kwargs
            )
        )

    def _vision_tokens(self, column: str, struct: Any, header: Header) -> int:
        settings = dict(struct) if isinstance(struct, Mapping) else {}
        part: Any
        if column == "images":
            part, name, size = (
                self._processor.image_processor,
                "get_number_of_image_patches",
                self._image_size,
            )
        else:
            part, name, size = self._processor.video_processor, "get_num_of_video_patches", self._clip_size
        if not hasattr(part, name):
            return 1
        return int(getattr(part, name)(*size(settings, header), {}) // part.merge_size**2)

    def _image_size(self, settings: dict[str, Any], header: Header) -> tuple[int, ...]:
        from qwen_vl_utils.vision_process import smart_resize

        height, width = smart_resize(
            settings.get("resized_height", header.height),
            settings.get("resized_width", header.width),
            factor=2 * self._patch,
            min_pixels=settings.get("min_pixels"),
            max_pixels=settings.get("max_pixels"),
        )
        return height, width

    def _clip_size(self, settings: dict[str, Any], header: Header) -> tuple[int, ...]:
        """Frames, height and width that reach the processor (qwen_vl_utils 0.0.14, fetch_video)."""
        from qwen_vl_utils import vision_process as reader

        *_, total = reader.calculate_video_frame_range(settings, header.frames, header.fps)
        frames = reader.smart_nframes(settings, total_frames=total, video_fps=header.fps)
        factor = 2 * self._patch
        if "resized_height" in settings and "resized_width" in settings:
            size = reader.smart_resize(settings["resized_height"], settings["resized_width"], factor=factor)
            return (frames, *size)
        smallest = settings.get("min_pixels", reader.VIDEO_MIN_TOKEN_NUM * factor**2)
        budget = settings.get("total_pixels", reader.MODEL_SEQ_LEN * factor**2 * 0.9)
        largest = max(
            min(reader.VIDEO_MAX_TOKEN_NUM * factor**2, budget / frames * reader.FRAME_FACTOR),
            int(smallest * 1.05),
        )
        largest = min(settings.get("max_pixels", math.inf), largest)
        size = reader.smart_resize(
            header.height, header.width, factor=factor, min_pixels=smallest, max_pixels=largest
        )
        return (frames, *size)


def _parts(content: Any) -> Any:
    """A message's text with its marks as the parts that a chat template reads."""
    if not isinstance(content, str):
        return content
    return [
        {"type": piece[1:-1]} if _MARK.fullmatch(piece) else {"type": "text", "text": piece}
        for piece in _MARK.split(content)
        if piece
    ]
