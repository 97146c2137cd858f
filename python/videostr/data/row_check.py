"""The contract of training rows, checked field by field; `videostr.data.rows` says what the columns hold."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from videostr.errors import VideostrError

Row = Mapping[str, Any]
ABILITIES = ("static", "dynamic", "spatio-temporal")
SPLITS = ("train", "val", "test")
MEDIA_COLUMNS: Mapping[str, str] = {"videos": "video", "images": "image"}
COLUMNS = ("data_source", "prompt", "ability", "reward_model", "extra_info")
EXTRA_INFO: Mapping[str, type] = {
    "index": int,
    "split": str,
    "source": str,
    "scene": str,
    "task": str,
    "question": str,
    "answer_kind": str,
    "frames": list,
    "seed": int,
    "builder_version": str,
}
#: What a source and a task may be called.
NAME = re.compile(r"[A-Za-z0-9_.-]+")
_DATA_SOURCE = re.compile(f"videostr/{NAME.pattern}/{NAME.pattern}")


class RowError(VideostrError, ValueError):
    """A row that breaks the contract; `where` names file and row, `field` the column."""

    def __init__(self, where: str, field: str, message: str) -> None:
        super().__init__(f"{where}: {field}: {message}")
        self.where = where
        self.field = field
        self.message = message


def validate_row(row: Row, where: str) -> None:
    """Raise RowError where `row` breaks the contract. The reference itself is checked by `Scorer.prepare`."""
    for name in COLUMNS:
        if row.get(name) is None:
            raise RowError(where, name, "is missing or null")
    unknown = sorted(set(row) - set(COLUMNS) - set(MEDIA_COLUMNS))
    if unknown:
        raise RowError(where, unknown[0], f"unknown column; known: {', '.join((*COLUMNS, *MEDIA_COLUMNS))}")
    source = row["data_source"]
    if not isinstance(source, str) or not _DATA_SOURCE.fullmatch(source):
        raise RowError(where, "data_source", f"{source!r} is not videostr/<source>/<task>")
    if row["ability"] not in ABILITIES:
        raise RowError(where, "ability", f"{row['ability']!r} is none of {', '.join(ABILITIES)}")
    _validate_media(row, where)
    _validate_prompt(row, where)
    _validate_extra_info(row, where)
    _validate_reward_model(row, where)


def check_media(row: Row, where: str) -> None:
    """Raise RowError where a media file of `row` is not there; addresses of another scheme than file pass."""
    for column, key in MEDIA_COLUMNS.items():
        for position, item in enumerate(cast(Sequence[Mapping[str, Any]], row.get(column) or ())):
            path = str(item[key]).removeprefix("file://")
            if "://" not in path and not Path(path).is_file():
                raise RowError(where, f"{column}[{position}].{key}", f"there is no file {path}")


def _validate_media(row: Row, where: str) -> None:
    for column, key in MEDIA_COLUMNS.items():
        media = row.get(column)
        if column not in row:
            continue
        if not isinstance(media, list):
            raise RowError(where, column, "must be a list (empty where the row has none), not null")
        for position, item in enumerate(cast(list[object], media)):
            place = f"{column}[{position}]"
            if not isinstance(item, Mapping):
                raise RowError(where, place, f"must be a struct with {key!r}")
            struct = cast(Mapping[str, Any], item)
            if not isinstance(struct.get(key), str) or not struct[key]:
                raise RowError(where, f"{place}.{key}", "must be a path")
            for name, value in struct.items():
                if value is None:
                    raise RowError(
                        where,
                        f"{place}.{name}",
                        "is null; give every struct of the file the same keys, all set",
                    )
            if "nframes" in struct and "fps" in struct:
                raise RowError(where, place, "has both nframes and fps; the reader takes one")


def _validate_prompt(row: Row, where: str) -> None:
    messages = row["prompt"]
    if not isinstance(messages, list) or not messages:
        raise RowError(where, "prompt", "must be a list of messages")
    text = ""
    for position, item in enumerate(cast(list[object], messages)):
        message = cast(Mapping[str, Any], item) if isinstance(item, Mapping) else {}
        if message.get("role") not in ("system", "user", "assistant"):
            raise RowError(where, f"prompt[{position}].role", "must be system, user or assistant")
        if not isinstance(message.get("content"), str):
            raise RowError(where, f"prompt[{position}].content", "must be text")
        text += message["content"]
    for column, key in MEDIA_COLUMNS.items():
        marks, media = text.count(f"<{key}>"), len(row.get(column) or ())
        if marks != media:
            raise RowError(where, "prompt", f"has {marks} <{key}> marks for {media} {column}")


def _validate_extra_info(row: Row, where: str) -> None:
    info = row["extra_info"]
    if not isinstance(info, Mapping):
        raise RowError(where, "extra_info", "must be a struct")
    values = cast(Mapping[str, Any], info)
    for name, kind in EXTRA_INFO.items():
        if not isinstance(values.get(name), kind) or isinstance(values[name], bool):
            raise RowError(where, f"extra_info.{name}", f"must be {kind.__name__}, is {values.get(name)!r}")
        if kind is int and not -(2**63) <= values[name] < 2**63:
            raise RowError(where, f"extra_info.{name}", "must be a whole number of 64 bits")
    if values["split"] not in SPLITS:
        raise RowError(where, "extra_info.split", f"{values['split']!r} is none of {', '.join(SPLITS)}")
    if row["data_source"] != f"videostr/{values['source']}/{values['task']}":
        raise RowError(
            where, "data_source", f"{row['data_source']!r} does not name the row's source and task"
        )
    frames = cast(list[Any], values["frames"])
    if any(not isinstance(time, int | float) for time in frames):
        raise RowError(where, "extra_info.frames", "must be times in seconds")
    if any(later <= earlier for earlier, later in pairwise(frames)):
        raise RowError(where, "extra_info.frames", "times must rise")
    videos = cast(Sequence[Mapping[str, Any]], row.get("videos") or ())
    if len(videos) == 1 and "nframes" in videos[0] and videos[0]["nframes"] != len(frames):
        raise RowError(
            where,
            "extra_info.frames",
            f"names {len(frames)} times, videos[0].nframes is {videos[0]['nframes']}",
        )


def _validate_reward_model(row: Row, where: str) -> None:
    model = row["reward_model"]
    if not isinstance(model, Mapping) or cast(Mapping[str, Any], model).get("style") != "rule":
        raise RowError(where, "reward_model.style", "must be 'rule'")
    text = cast(Mapping[str, Any], model).get("ground_truth")
    field = "reward_model.ground_truth"
    if not isinstance(text, str):
        raise RowError(where, field, "must be the reference as JSON text, not a nested struct")
    try:
        truth: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RowError(where, field, f"is not JSON ({error})") from None
    if not isinstance(truth, Mapping):
        raise RowError(where, field, "must be a JSON object")
    reference = cast(Mapping[str, Any], truth)
    answer = reference.get("answer") or {"kind": "none"}
    if not isinstance(answer, Mapping):
        raise RowError(where, f"{field}.answer", "must be an object")
    kind = answer.get("kind")
    if kind != row["extra_info"]["answer_kind"]:
        raise RowError(
            where,
            "extra_info.answer_kind",
            f"{row['extra_info']['answer_kind']!r} but the answer is {kind!r}",
        )
    shown = list(row["extra_info"]["frames"])
    graph = reference.get("graph")
    frames = graph.get("frames") if isinstance(graph, Mapping) else None
    for position, frame in enumerate(frames if isinstance(frames, list) else ()):
        if isinstance(frame, Mapping) and "t" in frame and shown and frame["t"] not in shown:
            raise RowError(
                where, f"{field}.graph.frames[{position}].t", f"{frame['t']} is no time of extra_info.frames"
            )
