"""One HTML file that holds all it needs, and lets nothing of what it holds act.

Data stand in a block that is no script, without a sign that could end it; the page's own policy allows the
one script and the one style sheet that it was made with, pictures from data, and no address at all.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

from videostr import __version__

_SCRIPTS = ("base.js", "charts.js", "scene.js", "rollouts.js", "sections.js", "main.js")
_MARK = re.compile(r"@(STYLE_HASH|SCRIPT_HASH|VERSION|TITLE|STYLE|DATA|SCRIPT)@")
#: Signs that could end a block of an HTML page, or a line of a script.
_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
_SURROGATE = re.compile("[\ud800-\udfff]")


def page(title: str, data: Mapping[str, Any]) -> str:
    """The page that shows `data`.

    Args:
        title: Of the browser's window.
        data: What the scripts draw; texts in it may hold anything.
    """
    script = "(() => {\n'use strict';\n" + "\n".join(map(_asset, _SCRIPTS)) + "\n})();\n"
    style = _asset("style.css")
    parts = {
        "STYLE_HASH": _hash(style),
        "SCRIPT_HASH": _hash(script),
        "VERSION": html.escape(__version__),
        "TITLE": html.escape(_SURROGATE.sub("\ufffd", title)),
        "STYLE": style,
        "DATA": json_text(data),
        "SCRIPT": script,
    }
    return _MARK.sub(lambda mark: parts[mark[1]], _asset("page.html"))


def json_text(value: Any) -> str:
    """JSON that may stand in an HTML page.

    >>> json_text({"text": "</script>"})
    '{"text":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _SURROGATE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text.translate(_ESCAPES))


def _asset(name: str) -> str:
    return (resources.files("videostr.view") / "assets" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
