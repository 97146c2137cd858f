#!/usr/bin/env bash
# Train with the recipe `demo`. Arguments are hydra overrides.
set -euo pipefail

RUN_DIR=${RUN_DIR:?folder for everything that the run writes}
TRAIN=${TRAIN:?parquet of training rows}
VAL=${VAL:?parquet of validation rows}
MODEL=${MODEL:?folder of a Qwen2.5-VL model in Hugging Face format}
PLATFORM=${PLATFORM:-cpu}

exec python3 -m videostr.train.launch demo \
    "platform=$PLATFORM" \
    "run_dir=$RUN_DIR" \
    "data.train_files=$TRAIN" \
    "data.val_files=$VAL" \
    "actor_rollout_ref.model.path=$MODEL" \
    "$@"
