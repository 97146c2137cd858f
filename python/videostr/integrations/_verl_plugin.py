"""Entry point of the group ``verl.plugins``: verl imports this module in every process that imports verl.

It makes the reward manager ``videostr`` known as soon as verl's own managers are, and not before: verl is
half imported while its plug-ins load (verl/__init__.py:62), and its managers take long to import. Beyond that
it does nothing unless the CPU platform was asked for. verl hides whatever a plug-in raises
(verl/__init__.py:75 logs it at DEBUG), so a refusal ends the process in words instead of letting verl go on
as if it had a GPU.
"""

from __future__ import annotations

from videostr.integrations._after_import import import_after
from videostr.integrations.verl_cpu.gate import PlatformError, is_requested

import_after("verl.experimental.reward_loop.reward_manager", "videostr.integrations.verl_manager")

if is_requested():
    from videostr.integrations.verl_cpu.activate import activate

    try:
        activate()
    except PlatformError as error:
        raise SystemExit(f"videostr: {error}") from error
