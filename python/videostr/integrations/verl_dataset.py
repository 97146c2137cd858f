"""Our rows as verl's dataset: paths joined to a data root, the row's own frames, each clip decoded once.

A recipe chooses it with ``data.custom_cls: {path: pkg://videostr.integrations.verl_dataset, name:
VideostrDataset}``. verl makes one in the trainer's process, and calls the class alone in every agent-loop
process, once a rollout (verl/experimental/agent_loop/agent_loop.py:301).

Keys of ``data`` beside verl's own:

* ``data_root``: where relative paths of media start; null: the folder of each row's parquet file;
* ``media_cache_bytes``: decoded media that a process keeps, in bytes.
"""

from __future__ import annotations

import asyncio
import os
from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from verl.utils.dataset.rl_dataset import RLHFDataset

from videostr.data.row_check import RowError
from videostr.integrations import row_media
from videostr.integrations.media_cache import MediaCache
from videostr.integrations.row_media import MEDIA_CACHE_BYTES, Medium

__all__ = ["VideostrDataset", "media_cache"]

_ROW = "videostr_row"  # of a row in `dataframe`: its number over all files; not handed out


class VideostrDataset(RLHFDataset):  # type: ignore[misc]
    """verl's :class:`RLHFDataset` for the rows of :mod:`videostr.data.rows`.

    A row with one clip and times in ``extra_info.frames`` gives the model the frames at these times and no
    others, with metadata that says where they stand in the file (``fps`` and ``total_num_frames`` of the
    file, ``frames_indices``). Clips of other rows are sampled by qwen_vl_utils from the keys of their structs.
    Rows with clips, with images and with text alone may be mixed, in one file or over several.

    Raises:
        MediaError: A media file that is not there, or is unreadable; names file, row and column.
        RowError: Files whose columns cannot be united, or a prompt whose marks do not fit its media.
    """

    def _read_files_and_tokenize(self) -> None:
        if any(not str(file).endswith(".parquet") for file in self.data_files):
            raise RowError(str(self.data_files), "file", "training rows are parquet files")
        parts = [datasets.load_dataset("parquet", data_files=file)["train"] for file in self.data_files]
        self._first_rows = np.cumsum([0, *(len(part) for part in parts)]).tolist()
        try:
            rows = datasets.concatenate_datasets(parts)
        except ValueError as error:
            files = ", ".join(self.original_data_files)
            raise RowError(files, "columns", f"differ from file to file: {error}") from None
        rows = rows.add_column(_ROW, list(range(len(rows))))
        if 0 < self.max_samples < len(rows):
            chosen: Any = np.arange(self.max_samples)
            if self.shuffle:  # the same rows in every start of the run, with a seed or without
                generator = np.random.default_rng(self.seed or 0)
                chosen = generator.choice(len(rows), self.max_samples, replace=False)
            rows = rows.select(chosen.tolist())
        self._require_media(rows)
        self.dataframe = self.maybe_filter_out_long_prompts(rows)

    def __getitem__(self, item: int) -> dict[str, Any]:
        row: dict[str, Any] = super().__getitem__(item)
        del row[_ROW]
        return row

    def _build_messages(self, example: dict[str, Any], key: str) -> list[dict[str, Any]]:
        where = self._where(example[_ROW])
        example.update(self._media_of(example))
        try:
            messages: list[dict[str, Any]] = super()._build_messages(example, key)
        except (AssertionError, TypeError) as error:
            raise RowError(where, key, f"its marks do not fit its media: {error}") from None
        return messages

    def _media_of(self, example: Mapping[str, Any]) -> dict[str, list[Any]]:
        """The media columns of a row with joined paths, and with their origin where they are structs."""
        file, _ = self._place(example[_ROW])
        return row_media.media_of(
            example,
            self._where(example[_ROW]),
            self.config.get("data_root") or Path(file).resolve().parent,
            columns={self.video_key: "video", self.image_key: "image"},
        )

    def _require_media(self, rows: datasets.Dataset) -> None:
        columns = [column for column in (self.video_key, self.image_key) if column in rows.column_names]
        present: set[str] = set()
        for row in rows.select_columns([*columns, _ROW]) if columns else ():
            for media in self._media_of(row).values():
                for struct in media:
                    path = row_media.path_of(struct)
                    if path is None or path in present:
                        continue
                    if not os.path.isfile(path):
                        raise row_media.media_error(
                            struct, "there is no such file; relative paths start at data.data_root"
                        )
                    present.add(path)

    def _place(self, row: int) -> tuple[str, int]:
        part = bisect_right(self._first_rows, row) - 1
        return str(self.original_data_files[part]), row - self._first_rows[part]

    def _where(self, row: int) -> str:
        file, number = self._place(row)
        return f"{file}: row {number}"

    @classmethod
    def _process_multi_modal_info(
        cls, messages: list[dict[str, Any]], image_patch_size: int, config: Any
    ) -> Any:
        media = row_media.load_media(messages, image_patch_size, media_cache(config))
        return *media, cls._extract_audio_info(messages)

    @classmethod
    async def process_multi_modal_info(
        cls, messages: list[dict[str, Any]], image_patch_size: int, config: Any
    ) -> Any:
        """Images, videos and audios of a prompt, as verl's own: (float32 frames (T, 3, height, width) of 0 to 255,
        metadata) for each video.

        Raises:
            MediaError: Names file, row and column of the medium that cannot be read.
        """
        cache, loop = media_cache(config), asyncio.get_running_loop()
        requests = await loop.run_in_executor(None, row_media.requests, messages, image_patch_size)
        media = await asyncio.gather(
            *(
                loop.run_in_executor(None, load) if key is None else cache.get_async(key, load)
                for key, load in requests
            )
        )
        images, videos = await loop.run_in_executor(None, row_media.handed_out, media)
        return images, videos, cls._extract_audio_info(messages)


def media_cache(config: Any) -> MediaCache[Medium]:
    """This process's cache of decoded media; config: verl's ``data``."""
    return row_media.media_cache(int(config.get("media_cache_bytes", MEDIA_CACHE_BYTES)))
