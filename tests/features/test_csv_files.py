"""CSV as it comes: every line is read, or the one that cannot be is named."""

from __future__ import annotations

import gzip

import pytest

from features.errors import ContractBroken, UsageError
from features.histories import read_histories
from features.sources import Source

HEADER = "customer_id,occurred_at,event\n"
LINE = "1,2025-02-01,login\n"
TWO = HEADER + LINE + "2,2025-02-02,käse\n"


@pytest.fixture
def events_in(tmp_path):
    """The customer and the event of every row: ``events_in({"usage.csv": ...})``."""

    def read(files, **options):
        for name, content in files.items():
            place = tmp_path / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content if isinstance(content, bytes) else content.encode())
        histories = read_histories(Source(str(tmp_path), **options), max_bad_share=1)
        rows = histories.tables["usage"].select("customer_id", "event")
        found = histories.engine.to_pyarrow(rows).to_pylist()
        histories.close()
        return sorted((row["customer_id"], row["event"]) for row in found)

    return read


@pytest.fixture
def refused(events_in):
    """How a file is refused."""

    def read(content, name="usage.csv"):
        with pytest.raises(ContractBroken) as error:
            events_in({name: content})
        assert error.value.exit_status == 3
        assert name in error.value.where
        return error.value

    return read


BOTH = [(1, "login"), (2, "käse")]


@pytest.mark.parametrize(
    "content",
    [
        TWO,
        TWO.replace(",", ";"),
        TWO.replace(",", "\t"),
        TWO.replace(",", "|"),
        TWO.replace("\n", "\r\n"),
        TWO.replace("\n", "\r"),
        TWO.rstrip("\n"),
        TWO + "\n\n",
        TWO.replace("login\n", "login\n\n"),
        TWO.encode("utf-8-sig"),
        TWO.replace(HEADER, '"customer_id","occurred_at","event"\n').encode("utf-8-sig"),
        TWO.replace(HEADER, " customer_id , occurred_at , event \n"),
        TWO.replace("login", '"login"'),
    ],
)
def test_what_programs_write_is_read(content, events_in):
    assert events_in({"usage.csv": content}) == BOTH


@pytest.mark.parametrize(
    "event",
    [
        "a, b; c",
        'say "hi"',
        "two\nlines",
        " padded ",
        "'; DROP TABLE usage; --",
        "NULL",
        "😀",
        "#1",
    ],
)
def test_text_stays_as_it_was_written(event, events_in):
    quoted = '"' + event.replace('"', '""') + '"'
    assert events_in({"usage.csv": f"{HEADER}1,2025-02-01,{quoted}\n"}) == [(1, event)]


def test_an_empty_cell_is_no_value_quoted_or_not(events_in):
    assert events_in({"usage.csv": HEADER + '1,2025-02-01,\n2,2025-02-01,""\n' + LINE}) == BOTH[:1]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("1,2025-02-01\n", "fewer values"),
        ("1,2025-02-01,a,b\n", "more values"),
        ('1,2025-02-01,"a\n', "a quote that does not close"),
        ('1,2025-02-01,"a"b\n', "a quote that does not close"),
        ("   \n", "fewer values"),
    ],
)
def test_a_line_that_does_not_fit_the_header_is_named(line, why, refused):
    told = refused(HEADER + LINE * 3 + line + LINE * 3)
    assert f"line 5 ({why}" in told.value
    assert line.strip() in told.value
    assert "correct line 5" in told.fix


@pytest.mark.parametrize("name", ["usage.csv", "usage.csv.gz"])
def test_a_broken_quote_far_down_is_found_with_its_line(name, refused):
    content = (HEADER + LINE * 70_000 + '1,2025-02-01,"login\n' + LINE * 10).encode()
    told = refused(gzip.compress(content) if name.endswith("gz") else content, name)
    assert 'line 70002 (a quote that does not close): 1,2025-02-01,"login' in told.value


def test_all_lines_that_do_not_fit_are_counted_and_three_are_shown(refused):
    told = refused(HEADER + (LINE + "1,2025-02-01\n") * 5)
    assert "5 of its lines" in told.what
    assert [f"line {n} " in told.value for n in (3, 5, 7, 9, 11)] == [True] * 3 + [False] * 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (TWO.encode("latin-1"), "not UTF-8"),
        (b"caf\xe9," + TWO.encode("latin-1"), "not UTF-8"),
        (TWO.encode("utf-16"), "UTF-16"),
        (TWO.encode("utf-16-le"), "no text"),
        ("", "first line is empty"),
        ("\n" + TWO, "first line is empty"),
        (HEADER.replace("event", "event,EVENT"), "two columns are called 'EVENT'"),
        (HEADER.replace("customer_id", ""), "a column has no name"),
        (TWO.replace("login\n", "login\r\n"), "cannot be read"),
        ("x" * 200_000 + "," + TWO, "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused(content, said, refused):
    assert said in refused(content).what


def test_the_line_that_is_not_utf8_is_named(refused):
    content = (HEADER + LINE * 200).encode() + "1,2025-02-01,käse\n".encode("latin-1")
    assert "202" in refused(content).value


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(TWO.encode() * 99, mtime=0)[:60]])
def test_a_broken_compressed_file_is_named(content, refused):
    refused(content, "usage.csv.gz")


def test_a_header_in_the_middle_is_a_bad_row(events_in):
    assert events_in({"usage.csv": TWO + HEADER}) == BOTH


def test_a_table_may_be_a_folder_of_parts_with_dialects_of_their_own(events_in):
    parts = {
        "usage/2025/a.csv": HEADER + LINE,
        "usage/2025/b.csv.gz": gzip.compress(b"event;occurred_at;customer_id\nb;2025-02-01;2\n"),
        "usage/_SUCCESS": "",
        "usage/.c.csv": "half a fi",
    }
    assert events_in(parts) == [(1, "login"), (2, "b")]


@pytest.mark.parametrize("months", [("2025-01",), ("2025-01", "2025-02")])
def test_folders_may_tell_a_column_of_all_their_rows(months, events_in):
    header, line = "customer_id,occurred_at\n", "1,2025-02-01\n"
    parts = {f"usage/event={month}/part.csv": header + line for month in months}
    assert events_in(parts) == [(1, month) for month in months]


def test_two_places_for_one_table_are_refused(events_in):
    with pytest.raises(UsageError, match="more than one place") as error:
        events_in({"usage.csv": TWO, "usage/a.csv": TWO})
    assert error.value.value == "usage, usage.csv"
    assert events_in({}, tables={"usage": "usage.csv"}) == BOTH
