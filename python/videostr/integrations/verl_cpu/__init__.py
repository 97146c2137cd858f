"""A CPU platform for verl: real FSDP2 training and vLLM rollouts on a machine without a GPU.

For demonstrations and tests of the whole training path, with tiny models. It is inert unless no GPU is
present and ``VIDEOSTR_VERL_CPU=1`` is set, which ``python -m videostr.train.launch`` does for a recipe with
``trainer.device=cpu``.

Parts: :mod:`.gate` (was it asked for, may it be used), :mod:`.activate` (what is changed, in order),
:mod:`.platform` and :mod:`.device` (verl's own platform interface), :mod:`.shims` (what that interface does
not reach), :mod:`.vllm_weights` (the vLLM side), :mod:`.torchvision_ops` (a CUDA-built torchvision beside a
CPU-only torch).
"""
