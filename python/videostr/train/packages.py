"""Packages of the training stack; said in words before the first import fails."""

from __future__ import annotations

from videostr._packages import MissingPackageError, require_packages

__all__ = ["LAUNCH", "LEARNING", "PREDICTING", "TRAINING", "MissingPackageError", "require_packages"]

#: What learning from rows imports (extra `verl-cpu` or `verl`).
LEARNING = ("torch", "torchvision", "transformers", "qwen_vl_utils", "pyarrow")
#: What verl with one of our recipes imports, here and in its workers.
LAUNCH = (*LEARNING, "verl", "vllm", "ray", "hydra", "transfer_queue", "av")
#: What `videostr predict` imports.
PREDICTING = (*LEARNING, "vllm", "av")
#: What the whole demonstration imports.
TRAINING = (*LEARNING, "verl", "vllm", "ray", "av", "PIL")
