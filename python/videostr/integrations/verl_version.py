"""Which verl is installed, and whether videostr's trainer may be used with it. Does not import verl."""

from __future__ import annotations

import contextlib
import importlib.util
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from videostr._packages import require_packages
from videostr.errors import VideostrError
from videostr.integrations.verl_cpu.gate import TESTED_VERL

_REMEDY = "install the tested one: pip install 'videostr[verl]' (without a GPU: `videostr doctor` prints how)"


class WrongVerlError(VideostrError, RuntimeError):
    """`import verl` would find another verl than the tested one; the message says which, where, and what to
    do.
    """


def require_tested_verl() -> Path:
    """The folder of the installed verl.

    Raises:
        MissingPackageError: There is no verl.
        WrongVerlError: It is another version, or another project of that name (EasyR1 installs one).

    Example:
        >>> from videostr.integrations.verl_version import require_tested_verl
        >>> require_tested_verl().name  # doctest: +SKIP
        'verl'
    """
    require_packages("training", ["verl"])
    spec = importlib.util.find_spec("verl")
    places = list(spec.submodule_search_locations or []) if spec else []
    folder = Path(places[0]) if places else Path()
    if not (folder / "experimental").is_dir():
        raise WrongVerlError(
            f"the package verl in {folder} is not verl-project's verl: another project uses its name, as "
            f"EasyR1 does. Take it out of this environment (pip uninstall verl) or off the module path, then "
            f"{_REMEDY}"
        )
    for found in _versions(folder):
        if found not in TESTED_VERL:
            raise WrongVerlError(
                f"videostr's trainer and recipes reach into verl {' or '.join(TESTED_VERL)}; found verl {found} in "
                f"{folder}: {_REMEDY}"
            )
    return folder


def _versions(folder: Path) -> list[str]:
    """What the distribution and the package itself say; a checkout on the module path has only the second."""
    found = []
    with contextlib.suppress(PackageNotFoundError):
        found.append(version("verl"))
    file = folder / "version" / "version"
    if file.is_file():
        found.append(file.read_text(encoding="utf-8").strip())
    return found or ["of an unknown version"]
