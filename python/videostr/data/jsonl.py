"""Rows from a user's own objects per frame: one JSONL line is one clip."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from videostr import _json
from videostr._packages import require_packages
from videostr.data.jsonl_clip import JsonlClip, read_clip
from videostr.data.letters import LetterBalancer
from videostr.data.questions import TASKS, Filters, Question, Sight, ask_in_turn, reference_answer
from videostr.data.row_check import NAME, SPLITS, RowError
from videostr.data.rows import make_row, write_rows
from videostr.data.settings import SettingsError, known_settings, read_settings
from videostr.errors import GroundTruthError, VideostrError
from videostr.prompts import build_prompt
from videostr.prompts.notation import Form
from videostr.prompts.template import Style
from videostr.scoring import Scorer

JSONL_VERSION = "1"
#: Tasks that are asked only where every frame that reaches the model is annotated.
_WHOLE = ("counting", "appearance_order", "localisation")
_EVERYTHING = "Where is everything?"


@dataclass(frozen=True)
class JsonlConfig:
    """How rows are made of a user's clips.

    Attributes:
        source: Name in `data_source`.
        nframes: Frames that the reader takes of a clip (even); fewer of a shorter clip.
        graph_frames: How many of them the reference has, evenly; None: all.
        decimals: Digits of coordinates.
        tasks: That may be asked of a clip in world space and metres that brings no questions of its own.
        questions_per_clip: At most so many of those.
        still_below: An object that never gets so far from its first place stands still (metres; ours).
        form, style, categories: Of the prompt.
        filters: When a question is dropped; `seen_share` also says from which `visible` on an object is a node.
    """

    source: str = "jsonl"
    nframes: int = 16
    graph_frames: int | None = 4
    decimals: int = 3
    tasks: tuple[str, ...] = tuple(TASKS)
    questions_per_clip: int = 5
    still_below: float = 0.1
    form: Form = "json"
    style: Style = "full"
    categories: bool = True
    filters: Filters = field(default_factory=Filters)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.source):
            raise SettingsError(f"jsonl.source: {self.source!r} must be {NAME.pattern}")
        for task in self.tasks:
            if task not in TASKS:
                raise SettingsError(f"jsonl.tasks: {task!r} is none of {', '.join(TASKS)}")
        if self.nframes < 2 or self.nframes % 2:
            raise SettingsError(f"jsonl.nframes: {self.nframes} must be even, at least 2")
        if self.graph_frames is not None and self.graph_frames < 1:
            raise SettingsError(f"jsonl.graph_frames: {self.graph_frames} must be at least 1")
        if min(self.decimals, self.questions_per_clip, self.still_below) < 0:
            raise SettingsError("jsonl: decimals, questions_per_clip and still_below must not be negative")

    @classmethod
    def from_file(cls, path: str | Path) -> JsonlConfig:
        """The settings of a YAML or JSON file, the others at their defaults."""
        settings = known_settings(read_settings(path), cls, "jsonl")
        if "filters" in settings:
            settings["filters"] = Filters(**known_settings(settings["filters"], Filters, "filters"))
        return cls(**settings)


@dataclass
class JsonlReport:
    """What a build made, dropped and passed over."""

    files: dict[str, Path] = field(default_factory=dict)
    """By split."""
    rows: dict[str, int] = field(default_factory=dict)
    """By split, task and kind of answer."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Questions not asked, by task and reason."""
    bad: int = 0
    """Lines that are no clip."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        files = {split: path.name for split, path in self.files.items()}
        return {"files": files, "rows": self.rows, "dropped": self.dropped, "bad": self.bad}


def build_jsonl(
    source: str | Path,
    out_dir: str | Path,
    config: JsonlConfig | None = None,
    *,
    seed: int = 0,
    strict: bool = False,
    on_bad: Callable[[RowError], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> JsonlReport:
    """Writes `train.parquet` (and `val.parquet`, `test.parquet` where lines name these splits) and `build.json`.

    A line without questions of its own is asked some where its objects are given in world space and metres with z
    up; a line to which none can be put becomes one row that asks for the graph alone. Memory holds one line.

    Args:
        source: The JSONL file; docs/data.md says what a line holds.
        out_dir: Made if it is not there.
        config: See there.
        seed: Of the questions.
        strict: Raise at the first line that is no clip, instead of passing over it.
        on_bad: Called with what is wrong with a line that is passed over.
        progress: Called with the bytes read; the file is read twice, bad lines once.

    Raises:
        RowError: With `strict`, naming line and field; or when no line is left.
    """
    require_packages("building rows", ["av", "pyarrow"])
    config, out = config or JsonlConfig(), Path(out_dir)
    if not 0 <= seed < 2**63:
        raise SettingsError(f"build_jsonl: seed is {seed}; from 0 to 2**63 - 1")
    builder = _Builder(Path(source), config, seed)
    splits: Counter[str] = Counter()
    tell = progress or (lambda _: None)
    for error, split in builder.look(strict=strict):
        if error is None:
            splits[split] += 1
        elif on_bad is not None:
            on_bad(error)
        tell(builder.read)
    if not splits:
        raise RowError(str(source), "lines", "none of them is a clip")
    out.mkdir(parents=True, exist_ok=True)
    report = JsonlReport(bad=len(builder.bad))
    for split in SPLITS:
        if splits[split]:
            report.files[split] = out / f"{split}.parquet"
            write_rows(report.files[split], builder.rows(split, tell))
    report.rows, report.dropped = dict(sorted(builder.asked.items())), dict(sorted(builder.dropped.items()))
    build = {"builder_version": JSONL_VERSION, "seed": seed, **report.to_dict()}
    (out / "build.json").write_text(json.dumps(build, indent=2) + "\n", encoding="utf-8")
    return report


class _Builder:
    """Reads the lines twice: first to find the bad ones and the splits, then to make rows."""

    def __init__(self, source: Path, config: JsonlConfig, seed: int) -> None:
        self.asked: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.bad: set[int] = set()
        self.read = 0
        self._source = source
        self._config = config
        self._seed = seed
        self._scorer = Scorer()

    def look(self, *, strict: bool) -> Iterator[tuple[RowError | None, str]]:
        """Each line's fault or None, and its split."""
        scenes: set[str] = set()
        for number, line in self._lines():
            self.read += len(line)
            if not line.strip():
                continue
            try:
                clip = self._clip(number, line)
                if clip.scene in scenes:
                    raise RowError(self._where(number), "scene", f"{clip.scene!r} has come before")
                for _ in self._rows_of(clip, number, LetterBalancer(), Counter()):
                    pass
            except RowError as error:
                if strict:
                    raise
                self.bad.add(number)
                yield error, ""
                continue
            scenes.add(clip.scene)
            yield None, clip.split

    def rows(self, split: str, tell: Callable[[int], None]) -> Iterator[dict[str, Any]]:
        """The rows of a split."""
        balancer, position = LetterBalancer(), 0
        for number, line in self._lines():
            if number in self.bad or not line.strip():
                continue
            clip = self._clip(number, line)
            if clip.split != split:
                continue
            for row in self._rows_of(clip, number, balancer, self.dropped):
                row["extra_info"]["index"] = position
                info = row["extra_info"]
                self.asked[f"{split}/{info['task']}/{info['answer_kind']}"] += 1
                yield row
                position += 1
            self.read += len(line)
            tell(self.read)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        with self._source.open("rb") as file:
            yield from enumerate(file, start=1)

    def _where(self, number: int) -> str:
        return f"{self._source.name}: line {number}"

    def _clip(self, number: int, line: bytes) -> JsonlClip:
        try:
            values = _json.loads(line)
        except _json.NotJsonError as error:
            raise RowError(self._where(number), error.field, error.message) from None
        except (ValueError, RecursionError) as error:
            raise RowError(self._where(number), "line", f"is not JSON: {error}") from None
        if not isinstance(values, dict):
            raise RowError(self._where(number), "line", "must be an object")
        config = self._config
        return read_clip(
            values,
            self._where(number),
            folder=self._source.resolve().parent,
            nframes=config.nframes,
            seen_pixels=config.filters.seen_pixels,
            still_below=config.still_below,
        )

    def _rows_of(
        self, clip: JsonlClip, number: int, balancer: LetterBalancer, dropped: Counter[str]
    ) -> Iterator[dict[str, Any]]:
        graph = clip.graph(self._config.graph_frames, self._config.filters.seen_share, self._config.decimals)
        if graph is None and not clip.questions:
            raise RowError(
                self._where(number),
                "frames",
                "no object is seen at a time that the reader takes, and there are no questions",
            )
        for place, (task, ability, text, answer) in enumerate(
            self._questions(clip, number, balancer, dropped)
        ):
            reference: dict[str, Any] = {"version": 1}
            if answer is not None:
                reference["answer"] = dict(answer)
            if graph is not None:
                reference["graph"] = graph
            try:
                yield self._row(clip, reference, task=task, ability=ability, question=text)
            except GroundTruthError as error:
                raise RowError(
                    self._where(number), self._own_field(clip, error.field, place), error.message
                ) from None
            except RowError as error:
                raise RowError(self._where(number), error.field, error.message) from None
            except VideostrError as error:
                raise RowError(self._where(number), "prompt", str(error)) from None

    def _own_field(self, clip: JsonlClip, field: str, place: int) -> str:
        """What a field of a reference is called in the line."""
        if field.startswith("answer"):
            return f"questions[{place}].{field}"
        return clip.own_field(field, self._config.graph_frames, self._config.filters.seen_share)

    def _questions(
        self, clip: JsonlClip, number: int, balancer: LetterBalancer, dropped: Counter[str]
    ) -> Iterator[tuple[str, str, str, Mapping[str, Any] | None]]:
        """Task, ability, words and answer."""
        if clip.questions:
            yield from clip.questions
            return
        asked: list[Question] = []
        if clip.facts is not None:
            tasks = [task for task in self._config.tasks if clip.complete or task not in _WHOLE]
            sight = Sight(clip.facts, self._config.filters)
            asked, reasons = ask_in_turn(
                [sight], tasks, self._config.questions_per_clip, seed=self._seed, index=number
            )
            dropped.update(reasons)
        rng = np.random.default_rng([self._seed, number, 1])
        for question in asked:
            answer = reference_answer(question, balancer, rng)
            yield question.task, question.ability, question.text, answer
        if not asked:
            yield "scene_graph", "spatio-temporal", _EVERYTHING, None

    def _row(
        self, clip: JsonlClip, reference: dict[str, Any], *, task: str, ability: str, question: str
    ) -> dict[str, Any]:
        """A checked row."""
        config = self._config
        self._scorer.prepare(reference)
        prompt = build_prompt(
            reference,
            question,
            media="video",
            form=config.form,
            style=config.style,
            categories=config.categories,
        )
        return make_row(
            reference=reference,
            prompt=prompt,
            source=config.source,
            task=task,
            ability=ability,
            question=question,
            scene=clip.scene,
            split=clip.split,
            index=0,
            frames=clip.times,
            seed=self._seed,
            builder_version=JSONL_VERSION,
            videos=[{"video": str(clip.video), "nframes": len(clip.times)}],
        )
