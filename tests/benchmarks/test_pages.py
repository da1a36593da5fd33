"""Figures find their place in a page, and nothing else of it changes."""

from __future__ import annotations

import pytest

from benchmarks import pages


def test_only_what_is_between_the_markers_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "a\n<!-- one: x.py -->\nold\n\\1\n<!-- /one -->\nb\n<!-- two: y.py -->\n<!-- /two -->"
    )
    pages.put("page.md", "one", "new \\g<0>\n")
    pages.put("page.md", "two", "first")
    assert page.read_text() == (
        "a\n<!-- one: x.py -->\nnew \\g<0>\n<!-- /one -->\nb\n"
        "<!-- two: y.py -->\nfirst\n<!-- /two -->"
    )
    with pytest.raises(ValueError, match="no place for three"):
        pages.put("page.md", "three", "")


@pytest.mark.parametrize(("page", "name"), [("README.md", "demo"), ("docs/model.md", "trials")])
def test_pages_have_the_places(page, name):
    text = (pages.ROOT / page).read_text(encoding="utf-8")
    assert f"<!-- {name}: " in text
    assert f"<!-- /{name} -->" in text
