"""`RewardSpec`: frozen, whole, printable, and strict about names and values."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import sys
from pathlib import Path

import pytest

from videostr import PRESETS, RewardSpec, SpecError, _core


def test_defaults_are_the_core_s_pose_free() -> None:
    assert json.loads(_core.canonical_spec('{"preset": "pose-free"}')) == RewardSpec().to_dict()
    assert RewardSpec() == RewardSpec.preset("pose-free")
    fields = {
        field.name: field.default for field in dataclasses.fields(RewardSpec) if field.name != "weights"
    }
    assert fields == {name: value for name, value in RewardSpec().to_dict().items() if name != "weights"}


def test_every_field_of_the_core_is_a_field_here() -> None:
    assert [field.name for field in dataclasses.fields(RewardSpec)] == list(RewardSpec().to_dict())


def test_pose_free_weights_are_the_contract_s() -> None:
    weights = {
        "format": 1,
        "answer": 1,
        "node": 0.8,
        "edge": 0.8,
        "chirality": 0.4,
        "motion": 0,
        "length": 0.2,
    }
    assert dict(RewardSpec().weights) == weights


def test_presets_differ_and_so_do_their_fingerprints() -> None:
    specs = [RewardSpec.preset(name) for name in PRESETS]
    assert len({spec.fingerprint for spec in specs}) == len(PRESETS)
    assert len(set(specs)) == len(PRESETS)


def test_it_is_frozen() -> None:
    spec = RewardSpec()
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.max_starts = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        spec.weights["node"] = 2.0  # type: ignore[index]


def test_replace_keeps_the_weights_it_does_not_name() -> None:
    spec = RewardSpec.preset("so3").replace(max_starts=32, weights={"motion": 0.4})
    assert (spec.group, spec.max_starts) == ("so3", 32)
    assert spec.weights["motion"] == 0.4
    assert spec.weights["node"] == 0.8
    assert RewardSpec.preset("so3").weights["motion"] == 0


@pytest.mark.parametrize("name", PRESETS)
def test_round_trips(name: str) -> None:
    spec = RewardSpec.preset(name).replace(node_s=0.2)
    for again in (
        RewardSpec.from_dict(spec.to_dict()),
        pickle.loads(pickle.dumps(spec)),
        copy.deepcopy(spec),
        RewardSpec(**dataclasses.asdict(spec)),
    ):
        assert again == spec
        assert hash(again) == hash(spec)
        assert again.fingerprint == spec.fingerprint


def test_fingerprint_does_not_depend_on_how_it_was_written() -> None:
    a = RewardSpec.from_dict({"weights": {"node": 1, "edge": 2}, "node_s": 1})
    b = RewardSpec.from_dict({"node_s": 1.0, "weights": {"edge": 2.0, "node": 1.0}})
    assert a.fingerprint == b.fingerprint
    assert a.fingerprint != RewardSpec().fingerprint
    assert len(a.fingerprint) == 16


def test_fingerprint_of_the_default_is_pinned() -> None:
    """A change of it is a change of scores: bump SCORING_VERSION or the spec's fields on purpose."""
    assert RewardSpec().fingerprint == "df48351c0e19852a"


@pytest.mark.parametrize(
    ("fields", "field", "nearest"),
    [
        ({"gruop": "so3"}, "gruop", "group"),
        ({"edge_kernal": "exp"}, "edge_kernal", "edge_kernel"),
        ({"group": "s03"}, "group", "so3"),
        ({"preset": "pose_free"}, "preset", "pose-free"),
        ({"weights": {"nodes": 1}}, "weights.nodes", "node"),
        ({"preset": "\ud800"}, "preset", "surrogate"),
    ],
)
def test_wrong_names_are_told_the_nearest_right_one(
    fields: dict[str, object], field: str, nearest: str
) -> None:
    with pytest.raises(SpecError) as caught:
        RewardSpec.from_dict(fields)
    assert caught.value.field == field
    assert nearest in caught.value.message
    assert str(caught.value).startswith(f"{field}: ")


@pytest.mark.parametrize(
    "fields",
    [
        {"max_starts": 0},
        {"max_starts": 1.5},
        {"max_starts": True},
        {"node_s": 0},
        {"node_s": float("nan")},
        {"node_s": "0.1"},
        {"angle_weight": 1.5},
        {"free_scale": 1},
        {"weights": {"node": -1}},
        {"weights": {"node": float("inf")}},
        {"weights": [1, 2]},
        {"weights": {"consistency": 1}},
        {"length_min": 600},
        {"group": None},
        {"group": object()},
    ],
)
def test_values_out_of_range(fields: dict[str, object]) -> None:
    with pytest.raises(SpecError) as caught:
        RewardSpec.from_dict(fields)
    assert caught.value.field.partition(".")[0] in fields
    with pytest.raises(SpecError):
        RewardSpec().replace(**fields)
    with pytest.raises(SpecError):
        RewardSpec(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, 3, "so3", ["preset"], {"group"}, [("group", "so3")]])
def test_what_is_no_mapping_is_refused_in_words(value: object) -> None:
    with pytest.raises(SpecError, match=f"mapping of fields, not {type(value).__name__}"):
        RewardSpec.from_dict(value)  # type: ignore[arg-type]


def test_the_constructor_names_the_nearest_field_too() -> None:
    with pytest.raises(SpecError, match="max_starts"):
        RewardSpec(max_start=3)  # type: ignore[call-arg]
    with pytest.raises(SpecError, match=r"RewardSpec\.preset"):
        RewardSpec().replace(preset="so3")


def test_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("preset: so3\nmax_starts: 8\nweights:\n  node: 0.5\n")
    pytest.importorskip("yaml")
    expected = RewardSpec.preset("so3").replace(max_starts=8, weights={"node": 0.5})
    assert RewardSpec.from_yaml(path) == expected
    path.write_text("preset: so3\nmax_start: 8\n")
    with pytest.raises(SpecError, match=r"max_starts.*spec\.yaml"):
        RewardSpec.from_yaml(path)
    for text in ("- a\n", "a: [", ""):
        path.write_text(text)
        with pytest.raises(SpecError) as caught:
            RewardSpec.from_yaml(path)
        assert str(caught.value).count(str(path)) == 1, "named once"


def test_from_json_and_toml(tmp_path: Path) -> None:
    expected = RewardSpec.preset("so3").replace(weights={"node": 0.5})
    path = tmp_path / "spec.json"
    path.write_text('{"preset": "so3", "weights": {"node": 0.5}}')
    assert RewardSpec.from_yaml(path) == expected
    path.write_text("{")
    with pytest.raises(SpecError, match=r"spec\.json"):
        RewardSpec.from_yaml(path)
    toml = tmp_path / "spec.toml"
    toml.write_text('preset = "so3"\n[weights]\nnode = 0.5\n')
    if sys.version_info >= (3, 11):
        assert RewardSpec.from_yaml(str(toml)) == expected
    else:
        with pytest.raises(SpecError, match=r"3\.11"):
            RewardSpec.from_yaml(toml)
    with pytest.raises(FileNotFoundError):
        RewardSpec.from_yaml(tmp_path / "none.yaml")


def test_without_pyyaml_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    path = tmp_path / "spec.yaml"
    path.write_text("preset: so3\n")
    with pytest.raises(SpecError, match="pip install pyyaml") as caught:
        RewardSpec.from_yaml(path)
    assert str(caught.value).count(str(path)) == 1, "named once"


def test_spec_errors_pickle() -> None:
    error = pickle.loads(pickle.dumps(SpecError("is wrong", "group", 3)))
    assert (str(error), error.field, error.row) == ("row 3: group: is wrong", "group", 3)
