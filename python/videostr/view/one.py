"""One rollout beside its reference: a page or a picture."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from videostr import __version__
from videostr.errors import VideostrError
from videostr.scoring import Scorer
from videostr.spec import PRESETS, RewardSpec
from videostr.view.clips import Rows, fewer, missing_packages, pictures_of
from videostr.view.errors import ViewError
from videostr.view.folder import SPEC_FILE
from videostr.view.lines import components_of, task_name, terms_of, text_of, tokens_of, truth_of
from videostr.view.page import page
from videostr.view.report import PICTURE_BYTES, spec_name, wanted_of, write_page
from videostr.view.rollout import Told, rollout_data

KINDS = (".html", ".png")


def view_rollout(
    file: str | Path,
    row: int,
    out: str | Path | None = None,
    *,
    spec: RewardSpec | None = None,
    rows: Sequence[str | Path] = (),
) -> Path:
    """Draws one reply against its reference, where it was compared with it: matched pairs joined, the rest marked.

    Args:
        file: Rollouts, one JSON object a line: ours or verl's.
        row: Which, from 0 by line.
        out: A page (``.html``) or a picture (``.png``, needs matplotlib); None: ``<file>-row<N>.html`` in the
            working directory.
        spec: What it is scored under; None: the ``spec.json`` beside the file where there is one, else
            ``pose-free``. Scored by itself, a condition on its group is not looked at, unless the line holds
            components of this very spec.
        rows: Parquet files with its row, for the frames of its clip; none: those that the configuration of its
            run names.

    Returns:
        Where it was written.

    Raises:
        ViewError: There is no such row, its line is no rollout, or `out` has another ending.
        GroundTruthError: Its reference is not valid.

    Example:
        >>> import json, tempfile
        >>> from pathlib import Path
        >>> from videostr.view import view_rollout
        >>> folder = Path(tempfile.mkdtemp())
        >>> cup = {"id": "cup", "label": "cup", "center": [0, 0, 1]}
        >>> graph = {"space": "camera", "unit": "m", "frames": [{"nodes": [cup]}]}
        >>> text = "<think><graph>cup 0 0 2</graph></think>"
        >>> line = {"text": text, "ground_truth": {"version": 1, "graph": graph}}
        >>> _ = (folder / "rollouts.jsonl").write_text(json.dumps(line))
        >>> view_rollout(folder / "rollouts.jsonl", 0, folder / "cup.html").name
        'cup.html'
    """
    file = Path(file)
    target = Path(f"{file.stem}-row{row}.html" if out is None else out)
    if target.suffix.lower() not in KINDS:
        raise ViewError(f"{target}: a page ends in .html, a picture in .png")
    fields = _line(file, row)
    scorer = Scorer(spec or _spec_beside(file))
    scorer.prepare(truth_of(fields))
    told = _told(file, row, fields, scorer.spec.fingerprint)
    rollout = rollout_data(told, scorer)
    clip, note = _clip(file, fields, rows)
    rollout |= {"clip": None if clip is None else 0, "clip_note": note}
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix.lower() == ".png":
        from videostr.view.draw import draw_rollout

        draw_rollout(rollout, clip, target)
        return target
    data = {
        "kind": "rollout",
        "rollout": rollout,
        "clips": [] if clip is None else [clip],
        "spec_name": spec_name(scorer.spec),
        "fingerprint": scorer.spec.fingerprint,
        "version": __version__,
    }
    write_page(target, page(f"{told.name}: videostr view", data))
    return target


def _line(file: Path, row: int) -> dict[str, Any]:
    if row < 0:
        raise ViewError(f"row {row}: rows count from 0")
    with file.open("rb") as lines:
        raw = next(itertools.islice(lines, row, None), b"")
    if not raw.strip():
        raise ViewError(f"{file} has no row {row} (line {row + 1})")
    try:
        fields = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ViewError(f"{file}:{row + 1}: is not JSON: {error}") from None
    known = isinstance(fields, dict) and ("ground_truth" in fields or "gts" in fields)
    if not known or not isinstance(fields.get("text", fields.get("output")), str):
        raise ViewError(f"{file}:{row + 1}: is no rollout: expected text and ground_truth")
    found: dict[str, Any] = fields
    return found


def _spec_beside(file: Path) -> RewardSpec:
    beside = file.parent / SPEC_FILE
    return RewardSpec.from_yaml(beside) if beside.is_file() else RewardSpec.preset(PRESETS[0])


def _told(file: Path, row: int, fields: Mapping[str, Any], fingerprint: str) -> Told:
    components = components_of(fields)
    own = fields.get("fingerprint") == fingerprint and components is not None
    step = fields.get("step")
    return Told(
        name=f"{file.name}:{row + 1}",
        text=text_of(fields),
        truth=truth_of(fields),
        tokens=tokens_of(fields),
        step=step if isinstance(step, int) else None,
        task=task_name(fields.get("data_source")),
        prompt=str(fields.get("prompt") or fields.get("input") or ""),
        recorded=components if own else None,
        fingerprint=fingerprint if own else None,
        terms=terms_of(fields) if own else {},
    )


def _clip(
    file: Path, fields: Mapping[str, Any], rows: Sequence[str | Path]
) -> tuple[dict[str, Any] | None, str]:
    """The pictures of the row's clip, or why there are none."""
    found = Rows([Path(each) for each in rows]) if rows else Rows.of_run(file.resolve().parent.parent)
    wanted = wanted_of(fields)
    if not found.files or wanted is None:
        return (
            None,
            "Frames of the clip: nothing says where its row is (name the file: --rows train.parquet).",
        )
    if packages := missing_packages():
        return None, f"Frames of the clip need {', '.join(packages)}: pip install 'videostr[view]'."
    try:
        medium = found.media([wanted]).get(wanted)
        if medium is None:
            return None, "Frames of the clip: its row is not in the files, or has no clip."
        return fewer(pictures_of(medium), PICTURE_BYTES), ""
    except VideostrError as error:
        return None, f"Frames of the clip: {error}."
