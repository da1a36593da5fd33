"""One customer as one page: needs nothing else, and whatever the data hold stays text."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest

from features.chronicle import Chronicle, Happening
from features.wording import languages
from pipeline.explained import Alternative, Driver
from pipeline.explained_html import page, write_page

VOID = {"meta"}
ODD = '<script>alert("x")</script>&\'<b>'


class Reader(HTMLParser):
    """Reads a page, and holds its tags to being closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts, self.attributes = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *each) for each in attributes]
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *each) for each in attributes]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return "\n".join(self.texts)


def test_the_page_tells_what_the_screen_tells(explained):
    found = Reader(page(explained(steady=0.5)))
    for told in (
        "C7 as of 2026-04-01, by churn-risk/3",
        "riskier than 90 % of the 10 other customers",
        "2 of 3 payments failed",
        "Facts that nobody can act on",
        "price weighs nearly as much as payments",
        "payment of 9.50 failed",
        "2026-03-01: 5 %",
        "none failed",
        "What stays and raises the risk",
    ):
        assert told in found.text
    assert found.tags.count("svg") == 2


@pytest.mark.parametrize("language", languages())
def test_the_page_needs_nothing_else(explained, language):
    text = page(explained(wording=language))
    assert f'<html lang="{language}">' in text
    assert not re.search(r"https?:|//|<script|<link|<img|src=|href=|@import|url\(", text)


def test_the_data_stay_text(explained):
    driver = Driver("payments", ODD, 1.2, 0.2, True, ODD)
    record = Chronicle((Happening(date(2026, 3, 1), "survey", {"kind": ODD, "score": 1}),), ())
    alternative = replace(explained().alternative, fixed=(ODD,))
    found = explained(
        customer_id=ODD, model=ODD, drivers=(driver,), chronicle=record, alternative=alternative
    )
    read = Reader(page(found))
    assert not {"script", "b"} & set(read.tags)
    assert read.text.count(ODD) >= 5


def test_quotes_in_labels_end_no_attribute(explained):
    text = page(explained())
    assert [value for _, name, value in Reader(text).attributes if name == "aria-label"] == [
        "Risk so far",
        "Uses a week, the last 2 weeks",
    ]


def test_a_customer_without_anything_has_a_page(explained):
    nothing = Alternative(False, 0.3, (), (), "nothing_actionable")
    found = explained(
        history=explained().history[-1:],
        drivers=(),
        value=None,
        riskier_than=None,
        alternative=nothing,
        chronicle=Chronicle((), ()),
    )
    read = Reader(page(found))
    assert not {"svg", "table"} & set(read.tags)
    assert "nothing in the last 365 days" in read.text


def test_the_page_holds_the_whole_record(explained):
    rows = [Happening(date(2026, 1, 1) + timedelta(days=n), "signed_up") for n in range(40)]
    assert Reader(page(explained(chronicle=Chronicle(tuple(rows), ())))).text.count(
        "signed up"
    ) == len(rows)


def test_curves_stay_within_their_frame(explained):
    used = tuple((date(2026, 3, 25), n) for n in (0, 0, 5, 10**9))
    read = Reader(page(explained(chronicle=Chronicle((), used))))
    width, height = next(
        map(float, value.split()[2:]) for tag, name, value in read.attributes if name == "viewbox"
    )
    for tag, name, value in read.attributes:
        if tag == "circle" and name in ("cx", "cy"):
            assert 0 < float(value) < (width if name == "cx" else height)


def test_bars_are_shares_of_the_largest(explained):
    bars = re.findall(r"width:([\d.]+)%;background:var\(--(\w+)\)", page(explained()))
    assert bars == [("100.0", "up"), ("60.0", "up"), ("25.0", "down"), ("5.0", "up")]


@pytest.mark.parametrize(
    ("customer_id", "file"),
    [
        ("C7", r"C7\.html"),
        ("17850", r"17850\.html"),
        ("a/b", r"a_b-[0-9a-f]{8}\.html"),
        ("..", r"other-[0-9a-f]{8}\.html"),
        ("../../x", r"x-[0-9a-f]{8}\.html"),
        ("Zoë & co", r"zoe_co-[0-9a-f]{8}\.html"),
        ("漢字", r"other-[0-9a-f]{8}\.html"),
        ("x" * 300, r"x{40}-[0-9a-f]{8}\.html"),
        ("a\x00b", r"a_b-[0-9a-f]{8}\.html"),
    ],
)
def test_the_file_is_named_after_the_customer_and_stays_in_its_folder(
    explained, tmp_path, customer_id, file
):
    found = explained(customer_id=customer_id)
    path = write_page(found, tmp_path)
    assert path.parent == tmp_path / "explained" / "as_of=2026-04-01"
    assert re.fullmatch(file, path.name)
    assert path.read_text(encoding="utf-8") == page(found)
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_ids_that_look_alike_have_files_of_their_own(explained, tmp_path):
    ids = ("a/b", "a_b", "a b", "A/b")
    paths = {write_page(explained(customer_id=each), tmp_path) for each in ids}
    assert len(paths) == len(ids)
