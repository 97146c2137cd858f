#!/usr/bin/env bash
# Train with the recipe `video_str`. Arguments are hydra overrides.
set -euo pipefail

RUN_DIR=${RUN_DIR:?folder for everything that the run writes}
TRAIN=${TRAIN:?parquet of training rows}
VAL=${VAL:?parquet of validation rows}
MODEL=${MODEL:?folder or hub name of the base model}

exec python3 -m videostr.train.launch video_str \
    "run_dir=$RUN_DIR" \
    "data.train_files=$TRAIN" \
    "data.val_files=$VAL" \
    "actor_rollout_ref.model.path=$MODEL" \
    "$@"
