"""The rows contract: what is good passes through a file unchanged, what is bad is named."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from videostr.data.rows import RowError, check_media, make_row, read_rows, validate_row, write_rows
from videostr.errors import VideostrError

pytest.importorskip("pyarrow")

REFERENCE: dict[str, Any] = {
    "version": 1,
    "answer": {"kind": "choice", "value": "A", "options": ["yes", "no"]},
    "graph": {
        "space": "camera",
        "unit": "m",
        "scale": 5.0,
        "frames": [
            {"t": 0.0, "nodes": [{"id": "tür", "label": "tür", "center": [1.0, 2.0, 3.0]}]},
            {"t": 1.0, "nodes": [{"id": "tür", "label": "tür", "center": [1.0, 2.5, 3.0]}]},
        ],
    },
}


def row(index: int = 0, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "reference": REFERENCE,
        "prompt": "<video>\nIs it open?",
        "source": "kitti",
        "task": "counting",
        "ability": "static",
        "question": "Is it open?",
        "scene": f"scene-{index}",
        "split": "train",
        "index": index,
        "frames": [0.0, 0.5, 1.0, 1.5],
        "seed": 7,
        "builder_version": "1",
        "videos": [{"video": f"clips/{index}.mp4", "nframes": 4, "max_pixels": 50176}],
    }
    return make_row(**(values | changes))


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows = [row(index) for index in range(25)]
    assert write_rows(tmp_path / "a.parquet", rows, batch_size=4) == 25
    assert list(read_rows(tmp_path / "a.parquet", batch_size=3)) == rows
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_the_file_has_the_columns_that_verl_reads(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    write_rows(tmp_path / "a.parquet", [row()])
    schema = pq.read_schema(tmp_path / "a.parquet")
    assert schema.names == ["data_source", "prompt", "videos", "ability", "reward_model", "extra_info"]
    assert schema.field("reward_model").type.field("ground_truth").type == pa.string()
    assert schema.field("extra_info").type.field("frames").type == pa.list_(pa.float64())
    videos = schema.field("videos").type.value_type
    assert {field.name for field in videos} == {"video", "nframes", "max_pixels"}


def test_image_rows_and_text_rows_are_rows(tmp_path: Path) -> None:
    images = [row(i, prompt="<image><image>?", videos=(), images=[{"image": "a.png"}] * 2) for i in range(2)]
    write_rows(tmp_path / "images.parquet", images)
    assert list(read_rows(tmp_path / "images.parquet")) == images
    texts = [row(i, prompt="?", videos=(), frames=[]) for i in range(2)]
    write_rows(tmp_path / "texts.parquet", texts)
    assert list(read_rows(tmp_path / "texts.parquet")) == texts


def test_a_row_without_a_clip_can_stand_among_rows_with_one(tmp_path: Path) -> None:
    textual = row(0, videos=(), prompt="?", frames=[]) | {"videos": []}
    write_rows(tmp_path / "a.parquet", [textual, row(1)])
    assert list(read_rows(tmp_path / "a.parquet")) == [textual, row(1)]


def test_the_reference_is_kept_as_json_text() -> None:
    text = row()["reward_model"]["ground_truth"]
    assert json.loads(text) == REFERENCE
    assert "tür" in text


def test_memory_holds_one_batch(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    drawn: list[int] = []

    def source() -> Iterator[dict[str, Any]]:
        for index in range(20):
            drawn.append(index)
            yield row(index)

    write_rows(tmp_path / "a.parquet", source(), batch_size=5)
    assert drawn == list(range(20))
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 4


def setter(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(target: Any) -> None:
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = value

    return change


def truth(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    def apply(target: dict[str, Any]) -> None:
        reference = json.loads(target["reward_model"]["ground_truth"])
        change(reference)
        target["reward_model"]["ground_truth"] = json.dumps(reference)

    return apply


FAULTS: list[tuple[str, Callable[[dict[str, Any]], None]]] = [
    ("data_source", setter("data_source", value="kitti")),
    ("data_source", setter("data_source", value="videostr/kitti/speed")),
    ("data_source", setter("data_source", value=None)),
    ("colour", setter("colour", value="red")),
    ("ability", setter("ability", value="spatial")),
    ("ability", lambda target: target.pop("ability") and None),
    ("prompt", setter("prompt", value=[])),
    ("prompt", setter("prompt", 0, "content", value="no mark")),
    ("prompt", setter("prompt", 0, "content", value="<video><video>")),
    ("prompt", setter("prompt", 0, "content", value="<video><image>")),
    ("prompt[0].role", setter("prompt", 0, "role", value="human")),
    ("prompt[0].content", setter("prompt", 0, "content", value=["<video>"])),
    ("videos", setter("videos", value=None)),
    ("videos[0]", setter("videos", 0, value="clip.mp4")),
    ("videos[0].video", setter("videos", 0, "video", value="")),
    ("videos[0].max_pixels", setter("videos", 0, "max_pixels", value=None)),
    ("videos[0]", setter("videos", 0, "fps", value=2.0)),
    ("reward_model.style", setter("reward_model", "style", value="model")),
    ("reward_model.ground_truth", setter("reward_model", "ground_truth", value=REFERENCE)),
    ("reward_model.ground_truth", setter("reward_model", "ground_truth", value="{")),
    ("reward_model.ground_truth", setter("reward_model", "ground_truth", value="[]")),
    ("reward_model.ground_truth", setter("reward_model", "ground_truth", value="[" * 100_000)),
    ("reward_model.ground_truth.answer", truth(setter("answer", value="A"))),
    ("reward_model.ground_truth.graph.frames[1].t", truth(setter("graph", "frames", 1, "t", value=1.25))),
    ("extra_info", setter("extra_info", value=[])),
    ("extra_info.index", setter("extra_info", "index", value="0")),
    ("extra_info.seed", setter("extra_info", "seed", value=True)),
    ("extra_info.seed", setter("extra_info", "seed", value=2**63)),
    ("extra_info.scene", setter("extra_info", "scene", value=None)),
    ("extra_info.split", setter("extra_info", "split", value="test2")),
    ("extra_info.frames", setter("extra_info", "frames", value=[0.0, 0.5, 0.5, 1.0])),
    ("extra_info.frames", setter("extra_info", "frames", value=[0.0, 1.0])),
    ("extra_info.frames", setter("extra_info", "frames", value=[0.0, "1", 2.0, 3.0])),
    ("extra_info.answer_kind", truth(setter("answer", value={"kind": "number", "value": 3}))),
]


@pytest.mark.parametrize(("field", "change"), FAULTS)
def test_a_fault_is_named(tmp_path: Path, field: str, change: Callable[[dict[str, Any]], None]) -> None:
    bad = copy.deepcopy(row(1))
    change(bad)
    with pytest.raises(RowError) as caught:
        validate_row(bad, "row 1")
    assert caught.value.field == field
    assert isinstance(caught.value, VideostrError)
    with pytest.raises(RowError, match=r"a\.parquet row 1"):
        write_rows(tmp_path / "a.parquet", [row(0), bad])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "graph", [[], [1], "x", {"frames": None}, {"frames": {"t": 9}}, {"frames": [1, None]}]
)
def test_what_is_wrong_in_a_graph_is_left_to_the_scorer(graph: Any) -> None:
    bad = row(1)
    truth(setter("graph", value=graph))(bad)
    validate_row(bad, "row 1")


def test_structs_with_other_keys_are_refused(tmp_path: Path) -> None:
    other = row(1, videos=[{"video": "b.mp4", "nframes": 4}])
    with pytest.raises(RowError, match=r"a\.parquet row 1: videos\[0\]: has the keys nframes \(int\), video"):
        write_rows(tmp_path / "a.parquet", [row(0), other], batch_size=1)
    with pytest.raises(RowError, match=r"row 1: videos: is in this row or in the first"):
        write_rows(tmp_path / "a.parquet", [row(0), row(1, videos=(), prompt="?", frames=[])])
    uneven = row(0, prompt="<video><video>", videos=[{"video": "a.mp4", "nframes": 4}, {"video": "b.mp4"}])
    with pytest.raises(RowError, match=r"row 0: videos\[1\]"):
        write_rows(tmp_path / "a.parquet", [uneven])
    assert list(tmp_path.iterdir()) == []


def test_a_build_that_breaks_leaves_the_old_file(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.parquet", [row(0)])

    def broken() -> Iterator[dict[str, Any]]:
        yield row(5)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_rows(tmp_path / "a.parquet", broken(), batch_size=1)
    assert list(read_rows(tmp_path / "a.parquet")) == [row(0)]
    assert len(list(tmp_path.iterdir())) == 1


def test_no_rows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="none to write"):
        write_rows(tmp_path / "a.parquet", [])


def test_a_missing_clip_is_named(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    present = row(videos=[{"video": f"file://{clip}", "nframes": 4}])
    with pytest.raises(RowError, match=r"videos\[0\]\.video: there is no file"):
        check_media(present, "row 0")
    clip.touch()
    check_media(present, "row 0")
    check_media(row(videos=[{"video": "s3://bucket/clip.mp4", "nframes": 4}]), "row 0")
