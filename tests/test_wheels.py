"""`make wheels`: what would be published is built, looked into and tested with numpy alone beside it."""

from __future__ import annotations

import runpy
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CHECK = ROOT / "scripts" / "check_dist.py"
NEEDED: set[str] = runpy.run_path(str(CHECK))["NEEDED"]


def checked(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, CHECK, path], capture_output=True, text=True, check=False)


def wheel(path: Path, **more: bytes) -> Path:
    names = {*NEEDED, "videostr/_core.abi3.so"}
    with zipfile.ZipFile(path / "made.whl", "w") as made:
        for name, content in {**dict.fromkeys(sorted(names), b""), **more}.items():
            made.writestr(name, content)
    return path / "made.whl"


def test_a_clean_wheel_passes(tmp_path: Path) -> None:
    assert checked(wheel(tmp_path)).returncode == 0


@pytest.mark.parametrize("found", [f"{Path.home()}/.cargo/x.rs", f"{Path.cwd()}/rust", "/registry/src/serde"])
def test_a_path_of_the_machine_in_a_wheel_is_found(found: str, tmp_path: Path) -> None:
    done = checked(wheel(tmp_path, **{"videostr/table": b"\0panicked at " + found.encode()}))
    assert done.returncode == 1
    assert "videostr/table holds" in done.stderr


def test_a_path_of_the_machine_in_an_sdist_is_found(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text(str(Path.cwd()))
    with tarfile.open(tmp_path / "made.tar.gz", "w") as made:
        made.add(tmp_path / "notes", "videostr-0/notes")
    assert "videostr-0/notes holds" in checked(tmp_path / "made.tar.gz").stderr


def test_a_wheel_without_its_extension_is_found(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "made.whl", "w") as made:
        made.writestr("videostr/py.typed", b"")
    told = checked(tmp_path / "made.whl").stderr
    assert "lacks the extension" in told
    assert "base.yaml" in told


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_wheel_and_the_sdist_pass_their_tests() -> None:
    done = subprocess.run(["make", "wheels"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert done.stdout.count("its tests pass with numpy alone beside it") == 2
