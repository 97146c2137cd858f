"""Looks into what is to be published: no path of the machine that built it, nothing that is too big for the index."""

from __future__ import annotations

import os
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

MOST_BYTES = 100 * 2**20  # what the index takes of one file without being asked
NEEDED = {
    *("videostr/py.typed", "videostr/_core.pyi", "videostr/recipes/base.yaml"),
    *("videostr/view/assets/page.html", "videostr/view/assets/main.js", "videostr/view/assets/style.css"),
}
EXTENSIONS = {"videostr/_core.abi3.so", "videostr/_core.pyd"}


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            for name in wheel.namelist():
                yield name, wheel.read(name)
        return
    with tarfile.open(path) as sdist:
        for member in sdist:
            if (file := sdist.extractfile(member)) is not None:
                yield member.name, file.read()


def faults(path: Path) -> Iterator[str]:
    paths = {f"{Path.cwd()}", f"{Path.home()}{os.sep}", f"{tempfile.gettempdir()}{os.sep}"}
    if path.stat().st_size > MOST_BYTES:
        yield f"{path.name} has {path.stat().st_size:,} bytes, the index takes {MOST_BYTES:,}"
    names = set()
    for name, content in members(path):
        names.add(name)
        yield from (f"{path.name}: {name} holds {place}" for place in paths if place.encode() in content)
        if b"/registry/src/" in content:
            yield f"{path.name}: {name} holds a path of the cargo registry"
    if path.suffix == ".whl" and (missing := NEEDED - names):
        yield f"{path.name} lacks {sorted(missing)}"
    if path.suffix == ".whl" and len(EXTENSIONS & names) != 1:
        yield f"{path.name} lacks the extension"


def main() -> None:
    found = [fault for path in sys.argv[1:] for fault in faults(Path(path))]
    if found:
        raise SystemExit("\n".join(found))


if __name__ == "__main__":
    main()
