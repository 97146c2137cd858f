"""The report of a training run: one page."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from videostr import __version__
from videostr.errors import VideostrError
from videostr.scoring import Scorer
from videostr.spec import PRESETS, RewardSpec
from videostr.view.clips import Medium, Rows, Wanted, fewer, missing_packages, pictures_of
from videostr.view.curves import Curves
from videostr.view.folder import RunFolder, open_run
from videostr.view.lines import (
    Faults,
    components_of,
    read_line,
    read_lines,
    terms_of,
    text_of,
    tokens_of,
    truth_of,
)
from videostr.view.page import json_text, page
from videostr.view.picks import KINDS, Chooser, Pick
from videostr.view.record import told_start, told_versions
from videostr.view.rollout import Told, rollout_data
from videostr.view.trainer import read_metrics

#: A page is never larger than this, whatever the run: of it rollouts and pictures take at most so much.
PAGE_BYTES = 16 * 2**20
ROLLOUT_BYTES = 4 * 2**20
PICTURE_BYTES = 4 * 2**20
#: Name of the page in the run's folder.
REPORT_FILE = "report.html"

Progress = Callable[[int, str], None]
#: A rollout as the page has it, and its line.
_Shown = tuple[dict[str, Any], Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Written:
    """A page that was written.

    Attributes:
        path: Where.
        bytes: Its size.
        steps, rollouts: What it is of.
        missing: What the run did not have, each in words.
    """

    path: Path
    bytes: int
    steps: int
    rollouts: int
    missing: tuple[str, ...]


def write_report(
    run_dir: str | Path,
    out: str | Path | None = None,
    *,
    rows: Sequence[str | Path] = (),
    progress: Progress = lambda _done, _note: None,
) -> Written:
    """Writes the page of a run: curves, groups, rollouts with their graphs and clips, configuration.

    Read are ``rollouts/<step>.jsonl``, one at a time and line by line, ``rollouts/spec.json``,
    ``metrics.jsonl`` and configuration files; each may be missing. Memory does not grow with the steps, and
    the page is at most 16 MiB. The page stands alone: it asks for nothing from anywhere.

    Args:
        run_dir: Folder of the run, or its ``rollouts``.
        out: The page; None: ``report.html`` in the folder of the run.
        rows: Parquet files that the run was trained on, for the frames of the clips; none: those that its
            configuration names.
        progress: Called with the bytes of the shards that were read, and a note.

    Raises:
        ViewError: The folder is no run.
        SpecError: Its ``spec.json`` is not valid.

    Example:
        >>> import json, tempfile
        >>> from pathlib import Path
        >>> from videostr.view import write_report
        >>> run = Path(tempfile.mkdtemp())
        >>> (run / "rollouts").mkdir()
        >>> truth = {"version": 1, "answer": {"kind": "text", "value": "red"}}
        >>> line = {"text": "<think></think><answer>red</answer>", "ground_truth": truth}
        >>> _ = (run / "rollouts" / "1.jsonl").write_text(json.dumps(line))
        >>> written = write_report(run)
        >>> written.path.name, written.steps, written.rollouts
        ('report.html', 1, 1)
    """
    run = open_run(Path(run_dir))
    faults = Faults()
    curves, picks = _read(run, faults, progress)
    told = curves.to_dict(lambda note: progress(run.size, note))
    progress(run.size, "rollouts")
    chosen = [(pick, line) for pick in picks if (line := _again(pick)) is not None]
    shown, notes = _rollouts(run, chosen)
    rollouts = [rollout for rollout, _ in shown]
    clips, clip_notes = _clips(run, [Path(file) for file in rows], shown)
    missing = [*run.missing, *_faults(faults), *notes, *clip_notes]
    metrics = read_metrics(run.metrics) if run.metrics else None
    data = {
        "kind": "run",
        "name": run.path.resolve().name,
        "folder": str(run.path.resolve()),
        "version": __version__,
        "made": datetime.date.today().isoformat(),
        "steps": len(run.shards),
        "spec": run.spec.to_dict(),
        "spec_name": spec_name(run.spec),
        "fingerprint": run.spec.fingerprint,
        "other_fingerprints": sorted(run.specs.keys() - {run.spec.fingerprint}),
        "missing": missing,
        "curves": told,
        "metrics": metrics,
        "kinds": KINDS,
        "rollouts": rollouts,
        "clips": clips,
        "start": told_start(run),
        "versions": told_versions(run),
        "documents": [dataclasses.asdict(document) for document in run.documents],
    }
    path = Path(out) if out is not None else run.path / REPORT_FILE
    size = write_page(path, page(f"{run.path.resolve().name}: videostr report", data))
    return Written(path, size, len(run.shards), told["rows"].get("all", 0), tuple(missing))


def write_page(path: Path, text: str) -> int:
    """Writes a page, whole or not at all; returns its bytes."""
    raw = text.encode("utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.tmp")
    unfinished.write_bytes(raw)
    unfinished.replace(path)
    return len(raw)


def spec_name(spec: RewardSpec) -> str:
    """A spec in words: the nearest preset, and what differs from it.

    >>> spec_name(RewardSpec.preset("so3").replace(max_starts=8))
    'so3 with max_starts 8'
    """
    fields = spec.to_dict()
    names = {name: RewardSpec.preset(name).to_dict() for name in PRESETS}
    changed = {
        name: [field for field in fields if fields[field] != preset[field]] for name, preset in names.items()
    }
    near = min(changed, key=lambda name: len(changed[name]))
    told = [
        "other weights" if field == "weights" else f"{field} {json.dumps(fields[field]).strip(chr(34))}"
        for field in changed[near]
    ]
    return near + (f" with {', '.join(told)}" if told else "")


def _read(run: RunFolder, faults: Faults, progress: Progress) -> tuple[Curves, list[Pick]]:
    """One pass over the shards."""
    steps = [run.step_of(shard) for shard in run.shards]
    scorer = Scorer(run.spec.replace(report="all"))
    curves, chooser = Curves(steps, Scorer(run.spec)), Chooser(steps)
    done = 0
    for position, shard in enumerate(run.shards):
        chooser.add_shard(position, curves.add_shard(position, read_lines(shard, scorer, faults)))
        done += shard.stat().st_size
        progress(done, f"step {steps[position]}")
    return curves, chooser.picks()


def _again(pick: Pick) -> Mapping[str, Any] | None:
    """The line of a rollout; None where its shard was replaced meanwhile, as a step that is made again does."""
    try:
        line = read_line(pick.place)
        text_of(line), truth_of(line)
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return line


def _faults(faults: Faults) -> list[str]:
    found = []
    if faults.count:
        found.append(f"{faults.count} lines of the shards are no rollouts and are left out; {faults.first}")
    if faults.scored:
        found.append(f"{faults.scored} rollouts held no components and were scored for this page")
    return found


def _rollouts(
    run: RunFolder, chosen: Sequence[tuple[Pick, Mapping[str, Any]]]
) -> tuple[list[_Shown], list[str]]:
    """The chosen rollouts for which there is room, each with its line."""
    scorers = {fingerprint: Scorer(spec) for fingerprint, spec in run.specs.items()}
    found: list[_Shown] = []
    room = ROLLOUT_BYTES
    for pick, line in chosen:
        scorer = scorers.get(str(line.get("fingerprint")), scorers[run.spec.fingerprint])
        rollout = rollout_data(_told(pick, line), scorer)
        size = len(json_text(rollout).encode())
        if size <= room:
            room -= size
            found.append((rollout, line))
    left_out = len(chosen) - len(found)
    return found, [f"{left_out} of the chosen rollouts, for which the page has no room"] if left_out else []


def _told(pick: Pick, line: Mapping[str, Any]) -> Told:
    return Told(
        name=str(pick.place),
        text=text_of(line),
        truth=truth_of(line),
        tokens=tokens_of(line),
        step=pick.step,
        task=pick.task,
        score=pick.score,
        prompt=str(line.get("prompt") or line.get("input") or ""),
        why=pick.why,
        recorded=components_of(line),
        fingerprint=line["fingerprint"] if isinstance(line.get("fingerprint"), str) else None,
        terms=terms_of(line),
        group_scores=pick.group_scores,
        rank=pick.rank,
    )


def _clips(
    run: RunFolder,
    files: Sequence[Path],
    shown: Sequence[_Shown],
) -> tuple[list[dict[str, Any]], list[str]]:
    """The clips of the rollouts, each once; every rollout gets the place of its own, or why there is none."""
    rows = Rows(files) if files else Rows.of_run(run.path)
    for rollout, _ in shown:
        rollout["clip"] = None
    notes = [f"{file}: no such file, so no frames of its clips" for file in rows.missing]
    why = ""
    if not shown:
        return [], notes
    if not rows.files:
        why = "frames of the clips: nothing says where the rows are (name them: --rows train.parquet)"
    elif packages := missing_packages():
        why = f"frames of the clips need {', '.join(packages)}: pip install 'videostr[view]'"
    if why:
        return [], [*notes, why]
    try:
        wanted = [wanted_of(line) for _, line in shown]
        media = rows.media([each for each in wanted if each is not None])
    except VideostrError as error:
        return [], [*notes, f"frames of the clips: {error}"]
    rollouts = [rollout for rollout, _ in shown]
    clips, bad = _pictures(rollouts, [media.get(each) if each else None for each in wanted])
    without = sum(rollout["clip"] is None for rollout in rollouts)
    if without:
        first = f"; the first: {bad[0]}" if bad else ": their rows are not in the files, or have no clip"
        notes.append(f"frames of the clips of {without} rollouts{first}")
    return clips, notes


def wanted_of(line: Mapping[str, Any]) -> Wanted | None:
    """The row of the data that a line names, where it names one."""
    index, truth = line.get("index"), truth_of(line)
    if isinstance(index, bool) or not isinstance(index, int) or not isinstance(truth, (str, dict)):
        return None
    return Wanted(str(line.get("data_source")), index, truth if isinstance(truth, str) else json.dumps(truth))


def _pictures(
    rollouts: Sequence[dict[str, Any]], media: Sequence[Medium | None]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Pictures of each medium once, all of them in the room that the page has for pictures."""
    names = list(dict.fromkeys(medium for medium in media if medium is not None))
    share = PICTURE_BYTES // max(1, len(names))
    clips: list[dict[str, Any]] = []
    place_of: dict[Medium, int] = {}
    bad: list[str] = []
    for medium in names:
        try:
            clip = fewer(pictures_of(medium), share)
        except VideostrError as error:
            bad.append(f"{medium.path}: {error}")
            continue
        if clip is not None:
            place_of[medium] = len(clips)
            clips.append(clip)
    for rollout, own in zip(rollouts, media, strict=True):
        if own in place_of:
            rollout["clip"] = place_of[own]
        elif own is not None:
            rollout["clip_note"] = f"The clip {own.path} cannot be shown."
    return clips, bad
