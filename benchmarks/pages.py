"""Figures inside pages that people write: between markers that name the script."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def put(page: str, name: str, text: str) -> None:
    """Replace what stands between ``<!-- name: ... -->`` and ``<!-- /name -->`` in a page.

    Raises
    ------
    ValueError
        When the page has no such place.
    """
    file = ROOT / page
    old = file.read_text(encoding="utf-8")
    block = re.compile(rf"(<!-- {name}: [^\n]* -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    new, places = block.subn(lambda found: f"{found[1]}{text.strip()}\n{found[2]}", old)
    if not places:
        raise ValueError(f"{page} has no place for {name}")
    file.write_text(new, encoding="utf-8")
