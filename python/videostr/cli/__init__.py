"""The `videostr` command: one module a subcommand."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Sequence

from videostr import __version__, build_info
from videostr.cli import (
    data,
    doctor,
    explain,
    health,
    predict,
    presets,
    replay,
    report,
    score,
    sft,
    train,
    view,
)
from videostr.cli._common import CommandError
from videostr.errors import VideostrError

__all__ = ["main"]

COMMANDS = (score, explain, view, replay, health, report, data, sft, train, predict, presets, doctor)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="videostr",
        description="Reward engine for reinforcement learning of spatio-temporal video reasoning.",
        epilog="Each command has --help with an example.",
    )
    parser.add_argument("--version", action="version", version=f"videostr {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.register(commands)
    return parser


def _check_environment() -> None:
    try:
        build_info()
    except ValueError as error:  # VIDEOSTR_NUM_THREADS
        raise CommandError(str(error)) from None


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        0 when all went well, 1 when something was found wrong in the data, 2 when the command was called
        wrongly.
    """
    args = _parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is no error
    try:
        _check_environment()
        code: int = args.run(args)
        sys.stdout.flush()
    except CommandError as error:
        print(f"videostr: {error}", file=sys.stderr)
        return error.code
    except (VideostrError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # the reader of our output went away, as `| head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        print(f"videostr: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("videostr: interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    return code
