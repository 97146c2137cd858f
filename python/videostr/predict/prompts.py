"""Rows as vLLM is given them: the prompt, frames and times that training shows a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videostr.data.row_check import MEDIA_COLUMNS, Row, RowError, validate_row
from videostr.predict.settings import PredictSettings


@dataclass(frozen=True)
class Prompt:
    """One row, ready for vLLM.

    Attributes:
        row: Its number in its file.
        where: File and number, for messages.
        request: vLLM's prompt: token ids with one placeholder a medium, media, arguments of the processor.
    """

    row: int
    where: str
    request: dict[str, Any]


class Prompter:
    """Makes prompts for one model. Safe for threads.

    Args:
        model: Its folder.
        settings: Which frames are shown.
        send_times: Whether vLLM must be given the times of a clip as arguments of the processor.
    """

    def __init__(self, model: Path, settings: PredictSettings, *, send_times: bool) -> None:
        from transformers import AutoProcessor

        from videostr.integrations.row_media import media_cache

        self.processor = AutoProcessor.from_pretrained(str(model))
        self.tokenizer = getattr(self.processor, "tokenizer", self.processor)
        self._patch = getattr(getattr(self.processor, "image_processor", None), "patch_size", 14)
        self._settings = settings
        self._send_times = send_times
        self._cache = media_cache()

    def __call__(self, row: Row, number: int, where: str, root: Path) -> Prompt:
        """The row as training asks it, its media decoded.

        Args:
            number: Of the row in its file.
            where: File and number of the row.
            root: Where relative paths of media start.

        Raises:
            RowError: It breaks the contract of rows, a medium cannot be read, or the model sees nothing.
        """
        from videostr.integrations.row_media import load_media, media_of
        from videostr.train.vision_rows import chat_messages

        validate_row(row, where)
        sees = self.tokenizer is not self.processor
        for column in MEDIA_COLUMNS:
            if row.get(column) and not sees:
                raise RowError(where, column, "the model has no processor, so it cannot see them")
        row = {**row, **media_of(row, where, root, frames=self._settings.frames_of(row))}
        messages = chat_messages(row) if sees else [dict(message) for message in row["prompt"]]
        images, videos = load_media(messages, self._patch, self._cache) if sees else (None, None)
        text = self.processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        request: dict[str, Any] = {
            "prompt_token_ids": self.tokenizer(text, add_special_tokens=False)["input_ids"],
            "multi_modal_data": {
                name: media for name, media in (("image", images), ("video", videos)) if media is not None
            },
        }
        if videos is not None and self._send_times:
            times = {"video_metadata": [metadata for _, metadata in videos], "do_sample_frames": False}
            request["mm_processor_kwargs"] = times
        return Prompt(number, where, request)
