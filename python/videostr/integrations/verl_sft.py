"""verl's SFT trainer as a process of torchrun, also on the CPU platform: ``-m videostr.integrations.verl_sft``.

On a GPU it is ``verl.trainer.sft_trainer``. On a CPU the process group is made here: verl
(verl/utils/distributed.py:63) would ask for ``cpu:gloo,cpu:gloo``, which torch refuses, and its function takes no
backend. Rows without media need one call of verl's mended (:mod:`.verl_text_rows`).
"""

from __future__ import annotations

from typing import Any

import verl  # first: its plug-ins prepare the platform  # noqa: F401

import hydra  # isort: skip
import torch  # isort: skip
from torch.distributed.elastic.multiprocessing.errors import record  # isort: skip
from verl.trainer.sft_trainer import SFTTrainer, run_sft  # isort: skip
from verl.utils.device import get_device_name  # isort: skip

import videostr.integrations.verl_text_rows  # noqa: F401  # isort: skip


@record  # type: ignore[untyped-decorator]
def train(config: Any) -> None:
    """Trains as the configuration says; torchrun tells what goes wrong."""
    if get_device_name() != "cpu":
        run_sft(config)
        return
    torch.distributed.init_process_group("gloo")
    SFTTrainer(config=config).fit()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    hydra.main(config_path=None, version_base=None)(train)()
