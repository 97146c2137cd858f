"""Importing this module refuses an untested verl, before the imports below it fail in other words."""

from __future__ import annotations

from videostr.integrations.verl_version import require_tested_verl

require_tested_verl()
