"""Our rows as verl's supervised dataset: the prompt as training shows it, the rendered reference as its reply.

Chosen by ``data.custom_cls`` of the recipe `sft/verl`. Frames, times and positions are those of reinforcement learning
with our recipes (:mod:`.row_media`, :mod:`.verl_positions`); verl's own dataset samples clips anew, without the row's
times.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import torch
from torch.utils.data import Dataset

from videostr.data.row_check import RowError
from videostr.integrations.verl_positions import MODEL_TYPE, Qwen25VLPositions
from videostr.train.targets import target_text
from videostr.train.vision_rows import RowEncoder


class VideostrSFTDataset(Dataset):  # type: ignore[misc]
    """Training rows for verl's SFT trainer (``verl.trainer.sft_trainer.create_sft_dataset`` makes it).

    Args:
        parquet_files: Files of training rows.
        tokenizer: Of the model; the processor's is used.
        config: ``data`` of the recipe; ``model_path``, ``rollout_dtype``, ``data_root``, ``form`` and ``decimals`` are
            ours.
        processor: Of the model.
        max_samples: Only the first so many rows; -1: all.

    Raises:
        RowError: The model is not one whose positions are known here.
    """

    def __init__(
        self,
        parquet_files: Any,
        tokenizer: Any,  # noqa: ARG002 (verl's own signature)
        config: Any,
        processor: Any,
        max_samples: int = -1,
    ) -> None:
        from transformers import AutoConfig

        model = AutoConfig.from_pretrained(config.model_path)
        if model.model_type != MODEL_TYPE:
            raise RowError(
                str(config.model_path), "model_type", f"is {model.model_type}, expected {MODEL_TYPE}"
            )
        files = [parquet_files] if isinstance(parquet_files, str) else list(parquet_files)
        parts = [datasets.load_dataset("parquet", data_files=file)["train"] for file in files]
        self._places = [
            (file, number) for file, part in zip(files, parts, strict=True) for number in range(len(part))
        ]
        self._rows = datasets.concatenate_datasets(parts)
        self._length = min(len(self._rows), max_samples) if max_samples > 0 else len(self._rows)
        self._config, self._processor = config, processor
        self._positions = Qwen25VLPositions(model, SimpleNamespace(dtype=config.rollout_dtype))

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One row.

        Returns:
            `input_ids` and `loss_mask` (L,), 1 on the reply and the end of its turn; `position_ids` (4, L): the index
            of the token, then the three rotary axes; `multi_modal_inputs`: what the processor made of the media.

        Raises:
            MediaError: Names file, row and column of the medium that cannot be read.
        """
        row = self._rows[index]
        file, number = self._places[index]
        config = self._config
        # A new one each time: it would keep the media of every row.
        encoder = RowEncoder(self._processor, config.data_root or Path(file).resolve().parent)
        target = target_text(row, form=config.form, decimals=config.decimals)
        encoded = encoder.encode(row, target, f"{file}: row {number}")
        ids = torch.cat([encoded.prompt_ids, encoded.target_ids])
        positions = torch.cat([torch.arange(len(ids))[None], self._positions(ids, encoded.media)])
        mask = torch.cat([torch.zeros_like(encoded.prompt_ids), torch.ones_like(encoded.target_ids)])
        return {
            "input_ids": ids,
            "loss_mask": mask,
            "position_ids": positions,
            "multi_modal_inputs": dict(encoded.media),
        }
