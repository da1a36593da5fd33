"""The documentation says what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from pipeline.actions import Action
from pipeline.config import Config, from_values, load

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["tables.md", "features.md"])
def test_generated_page_is_what_the_code_says(name):
    from pipeline.document import PAGES

    committed = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert committed == PAGES[name](), "run: python -m pipeline.document"


def test_config_page_names_every_key():
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    for section, field in Config.model_fields.items():
        if section != "file":
            assert f"**[{section}]**" in page
            for key in field.annotation.model_fields:
                assert f"`{key}" in page, f"[{section}] {key}"


def test_config_page_tells_the_defaults():
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    config = from_values({"data": {"source": "data"}}, Path("churn.toml"))
    heading = r"^\| \*\*\[+([\w.]+)\]+\*\*|^\| `(\w+)` \|"
    for section, key in re.findall(heading, page, re.MULTILINE):
        if section:
            plain = Action(name="x", drivers=[], cost=0.0, success_rate=0.0)
            values = plain if "." in section else getattr(config, section)
            continue
        told = re.search(rf"^\| `{key}` \| `(.+?)` \|", page, re.MULTILINE)
        if told:
            assert tomllib.loads(f"x = {told[1]}")["x"] == getattr(values, key), key


@pytest.mark.parametrize(
    "file", ["churn.toml", "examples/oulad.toml", "examples/online_retail.toml"]
)
def test_committed_configs_are_valid(file):
    load(ROOT / file)


def test_links_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_make_targets_are_told_by_help():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[0].split():
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target
