"""Building clips and rows of the synthetic world."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from videostr.data.letters import LetterBalancer
from videostr.data.rows import make_row, write_rows
from videostr.data.synth.config import SYNTH_VERSION, SynthConfig
from videostr.data.synth.questions import ChoiceAnswer, Dropped, Question, ask
from videostr.data.synth.reference import reference_graph
from videostr.data.synth.render import render
from videostr.data.synth.sample import sample_scene
from videostr.data.synth.scene import Scene
from videostr.data.synth.video import write_mp4
from videostr.prompts import build_prompt

Progress = Callable[[int, int], None]


@dataclass
class BuildReport:
    """What a build made and what it dropped."""

    train: Path
    val: Path | None
    rows: dict[str, int] = field(default_factory=dict)
    """Rows by split and task, as `train/counting`."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Questions not asked, by task and reason, as `displacement/nothing_moves`."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "train": str(self.train),
            "val": None if self.val is None else str(self.val),
            "rows": self.rows,
            "dropped": self.dropped,
        }


def clip_path(out_dir: Path, scene: Scene, config: SynthConfig) -> Path:
    """Where the clip of `scene` lies: its name ends in a hash of all that the pictures are made from, so that
    a clip of other settings is never taken for it.
    """
    made_from = {
        "builder_version": SYNTH_VERSION,
        "scene": asdict(scene),
        "times": config.frame_times,
        "fps": config.fps,
        "lens": asdict(config.lens),
        "supersampling": config.supersampling,
    }
    digest = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:12]
    return out_dir / "clips" / f"{scene.name}-{digest}.mp4"


def render_clips(
    out_dir: str | Path,
    clips: int,
    seed: int,
    config: SynthConfig | None = None,
    *,
    first: int = 0,
    progress: Progress | None = None,
) -> list[Path]:
    """Render clips `first` … `first + clips - 1` of world `seed` into `out_dir/clips`; return the paths.

    A clip of the same pictures that is there already is kept: an interrupted build goes on where it stopped,
    and other questions need no new clips. Clips of other settings stay, under other names. progress: called
    with (done, all) after each clip. Needs the extra `data`.
    """
    config, out = config or SynthConfig(), Path(out_dir)
    (out / "clips").mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for index in range(first, first + clips):
        scene = sample_scene(config, seed, index)
        path = clip_path(out, scene, config)
        if not path.exists():
            frames = (render(scene, time, config.lens, config.supersampling) for time in config.frame_times)
            write_mp4(path, frames, config.fps)
        paths.append(path)
        if progress is not None:
            progress(len(paths), clips)
    return paths


def build_rows(
    out_dir: str | Path,
    clips: int,
    seed: int,
    config: SynthConfig | None = None,
    *,
    val_clips: int = 0,
    progress: Progress | None = None,
) -> BuildReport:
    """Render `clips` training and `val_clips` validation clips and write `train.parquet`, `val.parquet`.

    Splits are by scene: validation scenes come after the training scenes. `out_dir/build.json` holds config,
    seed and counts. The same arguments give the same rows. Video paths in the rows are absolute.

        from videostr.data.synth import SynthConfig, build_rows
        report = build_rows("data", clips=48, seed=0, config=SynthConfig(), val_clips=8)
    """
    config, out = config or SynthConfig(), Path(out_dir).resolve()
    if clips < 1 or val_clips < 0:
        raise ValueError(f"build_rows: clips is {clips}, val_clips {val_clips}; at least 1 and 0")
    render_clips(out, clips + val_clips, seed, config, progress=progress)
    report = BuildReport(out / "train.parquet", out / "val.parquet" if val_clips else None)
    builder = _Builder(out, seed, config)
    write_rows(report.train, builder.rows("train", 0, clips))
    if report.val is not None:
        write_rows(report.val, builder.rows("val", clips, val_clips))
    report.rows, report.dropped = dict(sorted(builder.asked.items())), dict(sorted(builder.dropped.items()))
    build = {"builder_version": SYNTH_VERSION, "seed": seed, "config": config.to_dict(), **report.to_dict()}
    (out / "build.json").write_text(json.dumps(build, indent=2) + "\n", encoding="utf-8")
    return report


class _Builder:
    """Makes the rows of a split, one scene after the other, and counts what is asked and what is dropped."""

    def __init__(self, out: Path, seed: int, config: SynthConfig) -> None:
        self.asked: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._out = out
        self._seed = seed
        self._config = config

    def rows(self, split: str, first: int, clips: int) -> Iterator[dict[str, Any]]:
        """The rows of scenes `first` … `first + clips - 1`."""
        balancer = LetterBalancer()
        position = 0
        for index in range(first, first + clips):
            scene = sample_scene(self._config, self._seed, index)
            rng = np.random.default_rng([self._seed, index, 1])
            for question in self._questions(scene, rng):
                self.asked[f"{split}/{question.task}"] += 1
                answer = _answer(question, balancer, rng)
                yield self._row(scene, question, answer, split, position)
                position += 1

    def _questions(self, scene: Scene, rng: np.random.Generator) -> Iterator[Question]:
        """Up to `questions_per_clip`, one a task, the tasks taken in turn from clip to clip."""
        tasks, wanted = self._config.tasks, self._config.questions_per_clip
        found = 0
        for turn in range(len(tasks)):
            if found == wanted:
                return
            task = tasks[(scene.index * wanted + turn) % len(tasks)]
            result = ask(task, scene, self._config, rng)
            if isinstance(result, Dropped):
                self.dropped[f"{result.task}/{result.reason}"] += 1
            else:
                found += 1
                yield result

    def _row(
        self, scene: Scene, question: Question, answer: dict[str, Any], split: str, position: int
    ) -> dict[str, Any]:
        config = self._config
        reference = {"version": 1, "answer": answer, "graph": reference_graph(scene, config)}
        video = {
            "video": str(clip_path(self._out, scene, config)),
            "nframes": config.nframes,
            "resized_height": config.size,
            "resized_width": config.size,
        }
        return make_row(
            reference=reference,
            prompt=build_prompt(
                reference,
                question.text,
                media="video",
                form=config.form,
                style=config.style,
                categories=config.categories,
            ),
            source="synth",
            task=question.task,
            ability=question.ability,
            question=question.text,
            scene=scene.name,
            split=split,
            index=position,
            frames=config.reader_times,
            seed=scene.seed,
            builder_version=SYNTH_VERSION,
            videos=[video],
        )


def _answer(question: Question, balancer: LetterBalancer, rng: np.random.Generator) -> dict[str, Any]:
    answer = question.answer
    if isinstance(answer, ChoiceAnswer):
        letter, options = balancer.place(question.task, answer.right, answer.wrong, rng)
        return {"kind": "choice", "value": letter, "options": options}
    unit = {} if answer.unit is None else {"unit": answer.unit}
    return {"kind": "number", "value": answer.value, **unit}
