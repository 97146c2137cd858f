"""`videostr train`: verl with a recipe."""

from __future__ import annotations

import argparse

from videostr.cli._common import Subcommands, add_command

EXAMPLE = """\
  videostr train demo run_dir=runs/one data.train_files=train.parquet data.val_files=val.parquet \\
      actor_rollout_ref.model.path=model

The recipe, its reward spec and every ground truth of its rows are checked before verl starts. Needs the
extra verl, or verl-cpu on a machine without a GPU; `videostr doctor` tells what is missing."""


def register(commands: Subcommands) -> None:
    """Adds the command."""
    parser = add_command(commands, "train", run, help="train with verl by a recipe", example=EXAMPLE)
    parser.add_argument(
        "recipe", metavar="RECIPE", help="one that ships with videostr, e.g. demo, or a .yaml file"
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="hydra overrides")


def run(args: argparse.Namespace) -> int:
    """Runs the command: becomes verl's trainer, or says what is wrong with the recipe (2)."""
    from videostr.train.launch import main

    return main([args.recipe, *args.overrides])
