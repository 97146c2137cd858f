"""Building clips and rows of the world, by any number of workers."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from videostr._packages import require_packages
from videostr.data.graphs import reference_graph
from videostr.data.letters import LetterBalancer
from videostr.data.questions import Question, Sight, reference_answer
from videostr.data.rows import make_row, write_rows
from videostr.data.settings import BuildError, SettingsError
from videostr.data.world.clip import Clip, Shot, load_clip, make_clip, record_path
from videostr.data.world.config import WORLD_VERSION, WorldConfig
from videostr.prompts import build_prompt

Progress = Callable[[int, int], None]
_ROLLED_AXES = "x right, y down, z forward, as the picture shows them, origin at the camera of that frame"


@dataclass
class BuildReport:
    """What a build made and what it dropped."""

    train: Path
    val: Path | None
    rows: dict[str, int] = field(default_factory=dict)
    """By split, task and kind of answer, as `train/counting/number`."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Questions not asked, by task and reason, as `displacement/nothing_moves`."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = asdict(self)
        return {**plain, "train": self.train.name, "val": None if self.val is None else self.val.name}


def build_world(
    out_dir: str | Path,
    clips: int,
    seed: int,
    config: WorldConfig | None = None,
    *,
    val_clips: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> BuildReport:
    """Renders `clips` training and `val_clips` validation clips; writes `train.parquet`, `val.parquet`, `build.json`.

    The same arguments give the same bytes, whatever `workers` is. What is there already is kept, so an
    interrupted build goes on where it stopped; clips of other settings stay, under other names. Splits are by
    scene: validation scenes come after the training scenes. Paths in the rows are relative to `out_dir`.

    Args:
        out_dir: Made if it is not there.
        clips: Scenes of the training split, at least 1.
        seed: Names the world.
        config: See there.
        val_clips: Scenes of the validation split.
        workers: Processes.
        progress: Called with (done, all) after each clip.

    Raises:
        SettingsError: A config that leaves no room for a scene, naming the clip.
        BuildError: A worker died.
    """
    require_packages("building clips and rows", ["av", "pyarrow"])
    config, out = config or WorldConfig(), Path(out_dir).resolve()
    if min(clips, workers) < 1 or min(val_clips, seed) < 0 or seed >= 2**63:
        raise SettingsError(
            f"build_world: clips is {clips}, val_clips {val_clips}, seed {seed}, workers {workers}; "
            "at least 1, 0, 0, 1, and the seed below 2**63"
        )
    for name in ("clips", "scenes"):
        (out / name).mkdir(parents=True, exist_ok=True)
    _make_clips(out, config, seed, clips + val_clips, workers=workers, progress=progress)
    report = BuildReport(out / "train.parquet", out / "val.parquet" if val_clips else None)
    rows = _Rows(out, seed, config)
    write_rows(report.train, rows.of("train", 0, clips))
    if report.val is not None:
        write_rows(report.val, rows.of("val", clips, val_clips))
    report.rows, report.dropped = dict(sorted(rows.asked.items())), dict(sorted(rows.dropped.items()))
    build = {
        "builder_version": WORLD_VERSION,
        "seed": seed,
        "clips": clips,
        "val_clips": val_clips,
        **report.to_dict(),
        "config": config.to_dict(),
    }
    (out / "build.json").write_text(json.dumps(build, indent=2) + "\n", encoding="utf-8")
    return report


def _make_clips(
    out: Path, config: WorldConfig, seed: int, count: int, *, workers: int, progress: Progress | None
) -> None:
    done = 0

    def tell() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, count)

    if workers == 1:
        for index in range(count):
            make_clip(out, config, seed, index)
            tell()
        return
    # Spawned, not forked: PyAV and numpy have threads. A few jobs ahead of the workers, so that memory stays flat.
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_leave_interrupts_to_the_parent
    ) as pool:
        waiting: set[Future[None]] = set()
        try:
            for index in range(count):
                waiting.add(pool.submit(make_clip, out, config, seed, index))
                if len(waiting) >= 4 * workers:
                    ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    for future in ended:
                        future.result()
                        tell()
            for future in waiting:
                future.result()
                tell()
        except BrokenProcessPool:
            raise BuildError(
                f"a worker ended without a word, as one does that is killed for memory, after {done} of {count} clips; "
                "give the same command again to go on"
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _Rows:
    """Makes the rows of a split, one record after the other, and counts what is asked and what is dropped."""

    def __init__(self, out: Path, seed: int, config: WorldConfig) -> None:
        self.asked: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._out = out
        self._seed = seed
        self._config = config

    def of(self, split: str, first: int, clips: int) -> Iterator[dict[str, Any]]:
        """The rows of clips `first` … `first + clips - 1`; those of one question stand together."""
        balancer = LetterBalancer()
        position = 0
        for index in range(first, first + clips):
            clip = load_clip(record_path(self._out, self._config, self._seed, index))
            self.dropped.update(clip.dropped)
            graphs = [self._graph(shot) for shot in clip.shots]
            rng = np.random.default_rng([self._seed, index, 1])
            for question in clip.questions:
                answer = reference_answer(question, balancer, rng)
                for shot, graph in zip(clip.shots, graphs, strict=True):
                    self.asked[f"{split}/{question.task}/{question.answer.kind}"] += 1
                    yield self._row(clip, shot, graph, (question, answer), split=split, position=position)
                    position += 1

    def _graph(self, shot: Shot) -> dict[str, Any] | None:
        config = self._config
        return reference_graph(
            shot.facts,
            config.graph_places,
            Sight(shot.facts, config.filters).clear,
            space=config.space,
            decimals=config.decimals,
        )

    def _row(
        self,
        clip: Clip,
        shot: Shot,
        graph: dict[str, Any] | None,
        asked: tuple[Question, dict[str, Any]],
        *,
        split: str,
        position: int,
    ) -> dict[str, Any]:
        config, (question, answer) = self._config, asked
        reference: dict[str, Any] = {"version": 1, "answer": answer}
        if graph is not None:
            reference["graph"] = graph
        prompt = build_prompt(
            reference,
            question.text,
            media="video",
            form=config.form,
            style=config.style,
            categories=config.categories,
            media_last=config.media_last,
            axes=_ROLLED_AXES if shot.roll and config.space == "camera" else None,
        )
        video = {
            "video": shot.video,
            "nframes": config.nframes,
            "resized_height": config.height,
            "resized_width": config.width,
        }
        return make_row(
            reference=reference,
            prompt=prompt,
            source="world",
            task=question.task,
            ability=question.ability,
            question=question.text,
            scene=clip.scene,
            split=split,
            index=position,
            frames=config.reader_times,
            seed=self._seed,
            builder_version=WORLD_VERSION,
            videos=[video],
        )
