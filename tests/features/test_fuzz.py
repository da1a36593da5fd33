"""Whatever tables hold: a readable error or a full account, and bad rows leave no trace.

Histories are generated as files. Each table has many parts, and each part has rows, columns and, as
CSV, a dialect of its own: reading eight tables costs half a second of Ibis' time, however many
parts they have, so that one example goes through hundreds of generated tables.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from features.churn import Definition
from features.contract import KNOWN_LATE
from features.errors import UserError
from features.histories import read_histories
from features.inspection import inspect
from features.leaks import suspects
from features.plan import make_plan
from features.sources import Source
from features.tables import TABLES, Column
from features.vectors import build_vectors

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
"""Of either kind; more of them, and other ones: FUZZ_EXAMPLES=1000."""
MOST_PARTS = 150
CUTOFFS = [date(2025, 3, 1), date(2025, 5, 1)]
ZONES = ("UTC", "Europe/Amsterdam", "America/New_York")
NASTY = (
    *("NULL", "nan", "None", "😀", "żółw 龍", "O'Brien", 'say "hi"', "a;b,c\td|e", "two\nlines"),
    *(" pad ", "=1+1", "'; DROP TABLE usage; --", "{x}", "%s", "[red]", "\\N", "x" * 5000, "-"),
)
CUSTOMER_IDS = {
    "whole": [str(n) for n in range(1, 90)],
    "text": ["a", "B-2", "007", "7", "1e5", "9" * 25, "ключ", *NASTY[:8], NASTY[11]]
    + [f"k{n}" for n in range(70)],
}
ATTRIBUTES = (
    Column("seats", "number", "an attribute", required=False),
    Column("vip", "bool", "an attribute", required=False),
    Column("Region (old)", "text", "an attribute", required=False),
)

# Ways in which Parquet holds the values of each kind of column; without one, a table is CSV.

TEXTS = ("string", "large_string", "binary", "dictionary")
MOMENTS = ("s", "ms", "us", "ns", "s z", "us z", "ns z")
KINDS = {
    "id": ("int64", "int32", "uint64", "float64", *TEXTS[:3]),
    "time": (*MOMENTS, "date32", *TEXTS[:2]),
    "number": ("float64", "float32", "int64", "decimal", "string"),
    "text": TEXTS,
    "bool": ("bool_", "string", "int8"),
}


def arrow_type(kind, zone):
    if kind in MOMENTS:
        return pa.timestamp(kind.split()[0], zone if kind.endswith(" z") else None)
    if kind == "dictionary":
        return pa.dictionary(pa.int32(), pa.string())
    return pa.decimal128(12, 2) if kind == "decimal" else getattr(pa, kind)()


@dataclass(frozen=True)
class Bad:
    """A value that makes its row bad, as it is written."""

    value: Any


@dataclass
class Part:
    """A file: its columns, its rows, whether each is clean, and how it is written as CSV."""

    columns: list[str]
    rows: list[dict[str, Any]] = field(default_factory=list)
    clean: list[bool] = field(default_factory=list)
    separator: str = ","
    end: str = "\n"
    encoding: str = "utf-8"
    packed: bool = False


@dataclass
class Made:
    """A generated table: its columns, in which kind each is held (none: CSV), its parts."""

    name: str
    columns: dict[str, Column]
    kinds: dict[str, str]
    parts: list[Part] = field(default_factory=list)

    def count(self, *, clean):
        return sum(part.clean.count(clean) for part in self.parts)

    def good_rows(self):
        return [r for p in self.parts for r, clean in zip(p.rows, p.clean, strict=True) if clean]


# Values: clean ones, and bad ones.

BAD_TIMES = (
    *("yesterday", "2025-02-30", "NULL", "1735689600", "infinity", "-infinity", "12025-02-01"),
    *("01-02-2025", "0044-03-15 (BC)", "😀", "  ", "x" * 5000, "'; DROP TABLE usage; --"),
)
BAD_NUMBERS = ("one", "inf", "-inf", "nan", "1e16", "NULL", "€5", "1,5", "1e999", " ", "'")
NO_NUMBERS = (float("nan"), float("inf"), float("-inf"), 1e16, -1e30)
MOST = 2**63 - 1
"""The engine takes it for infinity, as a moment."""
BAD_VALUES = {
    **dict.fromkeys([("time", kind) for kind in ("csv", *TEXTS)], BAD_TIMES),
    **dict.fromkeys([("time", kind) for kind in ("us", "us z")], (MOST, -MOST, 2**60, -(2**60))),
    **dict.fromkeys([("time", kind) for kind in ("ns", "ns z")], (MOST, -MOST)),
    ("time", "date32"): (3_000_000, -900_000),
    **dict.fromkeys([("number", kind) for kind in ("csv", *TEXTS)], BAD_NUMBERS),
    **dict.fromkeys([("number", kind) for kind in ("float64", "float32")], NO_NUMBERS),
    ("number", "int64"): (9 * 10**18, -(10**16)),
    ("id", "float64"): (1.5, 1e300, *NO_NUMBERS[:3]),
    **dict.fromkeys([("bool", kind) for kind in ("csv", *TEXTS)], ("who", "2", "maybe 😀")),
}


NEVER = ("infinity", "12025-02-01", MOST, 2**60, 3_000_000)
"""Times that never come are good as an end that is open."""


def clean_value(column, random, *, midnights):
    if not column.required and not column.never_null and random.random() < 0.3:
        return None
    if column.kind == "time":
        day = datetime(2025, 1, 1) + timedelta(days=random.randrange(150))
        # Neither in an hour that comes twice nor in one that never comes.
        return day if midnights else day + timedelta(seconds=random.randrange(14_400, 80_000))
    if column.kind == "number":
        return random.choice((0, 1, 2.5, 10, 99.5, -3))
    if column.kind == "bool":
        return random.random() < 0.5
    if column.kind == "id":
        return str(random.randrange(100))
    words = [*column.allowed, *(other for other, _ in column.synonyms)]
    return f" {random.choice(words).title()}" if words else random.choice(("login", *NASTY))


def bad_values(column, kind):
    found = list(BAD_VALUES.get((column.kind, kind), ()))
    if column.open_ended:
        found = [value for value in found if value not in NEVER]
    if column.allowed:
        found += ["bounced", " x", *NASTY[:4]]
    if column.kind == "id" and column.required and kind in TEXTS:
        found.append("")
    return [*found, None] if column.required or column.never_null else found


def as_text(value, zone):
    """A value in one of the ways in which it may be written, always in the same."""
    random = Random(f"{value} {zone}")
    if isinstance(value, Bad):
        return value.value
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=ZoneInfo(zone))
        naive = (f" {value:%Y-%m-%d %H:%M:%S}", f"{value:%Y/%m/%d %H:%M:%S} ", value.isoformat())
        return random.choice([*naive, aware.isoformat(), str(aware.astimezone(UTC))])
    if isinstance(value, bool):
        return random.choice(("true", "yes", "1") if value else ("False", "no", "0"))
    return None if value is None else str(value)


def as_arrow(value, kind, zone):
    if kind in TEXTS:
        text = as_text(value, zone)
        return text.encode() if kind == "binary" and text is not None else text
    if isinstance(value, Bad) or value is None:
        return value.value if value else None
    if isinstance(value, datetime):
        if kind == "date32":
            return value.date()
        return value.replace(tzinfo=ZoneInfo(zone)) if kind.endswith(" z") else value
    return {"decimal": Decimal, "bool_": bool}.get(kind, int if "int" in kind else float)(
        value if kind == "bool_" else float(value)
    )


# Rows, parts, tables, histories.


@dataclass
class World:
    """What the tables of one example share; `ids` are those of good customers."""

    random: Random
    zone: str
    style: str
    ids: list[str]
    closed: bool = False
    """Whether there is a table of customers, so that others are strangers."""
    subscriptions: list[str] = field(default_factory=list)


def clean_row(made, part, world):
    """A good row; none where all customers are there already."""
    random, name = world.random, made.name
    midnights = "date32" in made.kinds.values() or random.random() < 0.3
    row = {c: clean_value(made.columns[c], random, midnights=midnights) for c in part.columns}
    number = sum(len(p.rows) for p in made.parts)
    if name == "customers":
        taken = {r["customer_id"] for p in made.parts for r in p.rows}
        free = [each for each in CUSTOMER_IDS[world.style] if each not in taken]
        return row | {"customer_id": random.choice(free)} if free else None
    if "customer_id" in row:
        row["customer_id"] = random.choice(world.ids)
    if "subscription_id" in row:
        row["subscription_id"] = random.choice(world.subscriptions or ["0"])
    for row_id in TABLES[name].row_id[:1]:
        row[row_id] = str(number) if world.style == "whole" else f"{name}'{number}"
    for start, end in TABLES[name].in_order:
        if row.get(end):
            row[end] = row[start] + timedelta(days=random.randrange(30))
    return row


def spoilt(made, part, row, world):
    """The row with one fault."""
    random, table = world.random, TABLES[made.name]
    bad = {
        c: bad_values(made.columns[c], made.kinds.get(c, "csv"))
        for c in part.columns
        if made.columns[c] not in ATTRIBUTES
    }
    # A cell that is empty in CSV is none at all; a subscription that is none, of nobody.
    ways = [row | {c: Bad(random.choice(values))} for c, values in bad.items() if values]
    for start, end in table.in_order:
        if end in part.columns:
            ways.append(row | {start: datetime(2025, 5, 2), end: datetime(2025, 5, 1)})
    if "customer_id" in row and world.closed and made.name != "customers":
        ways.append(row | {"customer_id": "99"})
    if "customer_id" not in row:
        ways.append(row | {"subscription_id": "999"})
    row_id, before = [c for c in table.row_id if c in row], made.good_rows()
    if row_id and before:
        # Of rows with the same id the one stays that was known first.
        first = random.choice(before)
        known = max(first[c] for c in (table.time, *KNOWN_LATE) if first.get(c))
        again = {c: first.get(c) for c in row_id} | {table.time: known + timedelta(days=1)}
        ways += [row | again] * 3
    return random.choice(ways)


def add_part(made, world):
    random, table = world.random, TABLES[made.name]
    held = [
        c for c in made.columns.values() if c.required or c.never_null or c.name in table.row_id
    ]
    part = Part([n for n, c in made.columns.items() if c in held or random.random() < 0.6])
    random.shuffle(part.columns)
    made.parts.append(part)
    for dirty in random.choices((True, False), k=random.randrange(11)):
        row = clean_row(made, part, world)
        if row is not None:
            part.rows.append(spoilt(made, part, row, world) if dirty else row)
            part.clean.append(not dirty)
    part.separator, part.end = random.choice(",;\t|"), random.choice(("\n", "\r\n"))
    part.encoding, part.packed = random.choice(("utf-8", "utf-8-sig")), random.random() < 0.2


def make_table(name, world):
    random, table = world.random, TABLES[name]
    columns = {column.name: column for column in table.columns}
    if table.attributes:
        columns |= {column.name: column for column in ATTRIBUTES}
    if world.subscriptions and "ticket_id" not in columns and random.random() < 0.2:
        del columns["customer_id"]
        columns["subscription_id"] = Column("subscription_id", "id", "whose row it is")
    kinds = {}
    if random.random() < 0.5:
        ids = TEXTS[:3] if world.style == "text" else KINDS["id"]
        kinds = {
            c: random.choice(ids if column.kind == "id" else KINDS[column.kind])
            for c, column in columns.items()
        }
    made = Made(name, columns, kinds)
    for _ in range(random.randint(1, MOST_PARTS)):
        add_part(made, world)
    return made


class Generated:
    """Histories whose bad rows are known."""

    def __init__(self, random: Random) -> None:
        style = random.choice(list(CUSTOMER_IDS))
        self.world = world = World(random, random.choice(ZONES), style, CUSTOMER_IDS[style])
        self.tables: list[Made] = []
        chosen = random.sample(list(TABLES), k=random.randint(2, len(TABLES)))
        for name in [name for name in TABLES if name in chosen]:
            made = make_table(name, world)
            self.tables.append(made)
            if name == "customers":
                world.closed = True
                world.ids = [row["customer_id"] for row in made.good_rows()]
            if name == "subscriptions":
                world.subscriptions = [row["subscription_id"] for row in made.good_rows()]
            if not world.ids:
                break

    @property
    def names_a_customer(self) -> bool:
        tables = [table for table in self.tables if "customer_id" in table.columns]
        return bool(self.world.ids) and any(table.good_rows() for table in tables)

    def __repr__(self) -> str:
        held = ", ".join(f"{t.name} ({len(t.parts)}, {t.kinds or 'csv'})" for t in self.tables)
        return f"{held}; {self.world.zone}, ids {self.world.style}"


# Reading.


def as_csv(rows, part, world):
    out = io.StringIO(newline="")
    lines = csv.writer(out, lineterminator=part.end, delimiter=part.separator)
    lines.writerow(part.columns)
    for row in rows:
        lines.writerow([as_text(row[c], world.zone) for c in part.columns])
    return out.getvalue().encode(part.encoding)


def as_parquet(rows, part, kinds, world):
    columns = {}
    for name in part.columns:
        cells = [as_arrow(row[name], kinds[name], world.zone) for row in rows]
        columns[name] = pa.array(cells, arrow_type(kinds[name], world.zone))
    return pa.table(columns)


def write(made, folder, world, *, dirty):
    """The table's parts as files, with the bad rows or without them."""
    (folder / made.name).mkdir()
    for number, part in enumerate(made.parts):
        rows = [r for r, clean in zip(part.rows, part.clean, strict=True) if dirty or clean]
        place = folder / made.name / f"part-{number:03}"
        if made.kinds:
            table = as_parquet(rows, part, made.kinds, world)
            pq.write_table(table, place.with_suffix(".parquet"))
        elif part.packed:
            place.with_suffix(".csv.gz").write_bytes(gzip.compress(as_csv(rows, part, world)))
        else:
            place.with_suffix(".csv").write_bytes(as_csv(rows, part, world))


@dataclass(frozen=True)
class Found:
    """What was read, apart from the engine."""

    rows: dict[str, list[str]]
    attributes: dict[str, str]
    span: tuple[datetime, datetime]
    vectors: pd.DataFrame | None


def found_in(histories, everyone, *, vectors):
    read = {name: histories.engine.to_pyarrow(rows) for name, rows in histories.tables.items()}
    frame = None
    if vectors:
        plan = make_plan(histories, windows=(7, 30), known_before=CUTOFFS[-1])
        frame = build_vectors(histories, plan, everyone(histories, CUTOFFS), labels=False).frame
    return Found(
        rows={
            name: sorted(str(sorted(row.items())) for row in rows.to_pylist())
            for name, rows in read.items()
        },
        attributes=histories.attributes,
        span=(histories.observed_from, histories.observed_until),
        vectors=frame,
    )


def account_for_every_row(histories, tables, *, dirty):
    """Rows in = rows used + rows set aside; these are the bad ones, with the reasons counted."""
    for made in tables:
        account, reasons = histories.accounts[made.name], Counter()
        if made.name in histories.quarantined:
            bad = histories.engine.to_pyarrow(histories.quarantined[made.name])
            reasons.update(bad["quarantine_reason"].to_pylist())
        assert account.quarantined == reasons
        assert account.rows == account.used + reasons.total()
        expected = made.count(clean=True), dirty * made.count(clean=False)
        assert (account.used, account.bad) == expected, f"{made.name}: {reasons} for {expected}"


dirty_histories = (
    st.randoms(use_true_random=True).map(Generated).filter(lambda made: made.names_a_customer)
)


def leave_no_trace(generated, everyone, folder, *, vectors):
    """Histories with their bad rows and without them: the same good rows, the same vectors."""
    world, found = generated.world, {}
    for dirty in (True, False):
        place = folder / ("dirty" if dirty else "clean")
        place.mkdir()
        for table in generated.tables:
            write(table, place, world, dirty=dirty)
        source = Source(str(place), timezone=world.zone)
        with closing(read_histories(source, max_bad_share=1)) as histories:
            account_for_every_row(histories, generated.tables, dirty=dirty)
            found[dirty] = found_in(histories, everyone, vectors=vectors)
    assert found[True].rows == found[False].rows
    assert found[True].attributes == found[False].attributes
    assert found[True].span == found[False].span
    if vectors:
        pd.testing.assert_frame_equal(found[True].vectors, found[False].vectors)


def test_bad_rows_are_set_aside_and_leave_no_trace(everyone, tmp_path_factory):
    tables = Counter()

    @settings(max_examples=EXAMPLES)
    @given(generated=dirty_histories)
    def holds(generated):
        parts = [part for table in generated.tables for part in table.parts]
        tables.update("dirty" for part in parts if not all(part.clean))
        vectors = tables["histories"] % 4 == 0
        tables.update(["histories"])
        leave_no_trace(generated, everyone, tmp_path_factory.mktemp("fuzz"), vectors=vectors)

    holds()
    assert tables["dirty"] >= 120 * EXAMPLES


# Tables of which nothing is known.

STRANGE_NAMES = (
    *("customer_index", "Customer_ID", "quarantine_reason", "row_in_source", "signed_up_at"),
    *("day_of_sign_up", "customer_left_at", "raw value: customer_id", 'a"b', "x'; --", " ", "😀"),
    *("occurred_at", "subscription_id", "churned", "select", "currency", "y" * 300),
)
STRANGE_VALUES = {
    pa.null(): (None,),
    pa.bool_(): (True, False, None),
    pa.int8(): (-128, 0, 1, None),
    pa.int64(): (MOST, -MOST - 1, 0, 1, 2, 1_735_689_600, 20250201, None),
    pa.uint64(): (2 * MOST + 1, 0, 1, None),
    pa.float32(): (*NO_NUMBERS, 1.5, -0.0, 2.0, None),
    pa.float64(): (*NO_NUMBERS, 1e308, -1e308, 5e-324, 0.1, 7.0, None),
    pa.decimal128(38, 0): (Decimal(10) ** 37, Decimal(1), None),
    pa.decimal128(20, 10): (Decimal("1.5"), Decimal(-2), None),
    pa.string(): (*NASTY, *BAD_TIMES, *BAD_NUMBERS, "", "1", "2", "2025-02-01", None),
    pa.binary(): (b"\xff\x00\xfe", b"", b"1", "ключ".encode(), None),
    pa.binary(4): (b"abcd", b"\x00\x00\x00\x00", None),
    pa.date32(): (date(2025, 2, 1), date(1, 1, 1), date(9999, 12, 31), 2**31 - 1, None),
    pa.time64("us"): (0, 86_399_999_999, None),
    pa.duration("us"): (0, 1, MOST, None),
    pa.timestamp("ms"): (0, 2**53, -(2**53), 1_735_689_600_000, None),
    pa.timestamp("us"): (MOST, -MOST, 0, -(2**60), 2**60, 1_735_689_600_000_000, None),
    pa.timestamp("us", "UTC"): (MOST, -MOST, 0, 2**58, 1_735_689_600_000_000, None),
    pa.timestamp("ns"): (MOST, -MOST, 0, 1_735_689_600_000_000_000, None),
    pa.list_(pa.int64()): ([], [1, None], None),
    pa.struct({"a": pa.string()}): ({"a": "x"}, {"a": None}, None),
    pa.map_(pa.string(), pa.int32()): ([("a", 1)], [], None),
}
TAME = {
    "id": (["1", "2", "3", None], [1, 2, 3, None]),
    "time": (["2025-02-01", "2025-03-01 10:00", ""], [datetime(2025, 2, 1), datetime.max, None]),
    "number": ([1, 2, None], ["1", "x", None]),
    "text": (["a", "paid", "treated", "month", None],),
    "bool": ([True, False, None], ["yes", "no", ""]),
}


def strange_column(random, rows):
    kind = random.choice(list(STRANGE_VALUES))
    return pa.array(random.choices(STRANGE_VALUES[kind], k=rows), kind)


def strange_table(name, random):
    """A table of some tame columns, some strange ones, some missing, some with strange names."""
    rows, columns = random.randrange(13), {}
    strange = random.choice((0.0, 0.0, 0.1, 0.3))
    for column in TABLES[name].columns:
        if random.random() < strange:
            columns[column.name] = strange_column(random, rows)
        elif column.required or random.random() < 0.5:
            columns[column.name] = pa.array(
                random.choices(random.choice(TAME[column.kind]), k=rows)
            )
    for other in random.sample(STRANGE_NAMES, k=random.randrange(3)):
        columns[other] = strange_column(random, rows)
    for gone in random.sample(list(columns), k=random.random() < 0.1):
        del columns[gone]
    names = random.sample(list(columns), k=len(columns))
    return pa.table({each: columns[each] for each in names})


def strange_text(name, random):
    """Bytes that may be CSV."""
    names = [column.name for column in TABLES[name].columns]
    tame, separator = random.random() < 0.6, random.choice(",;\t|")
    lines = [separator.join(names)]
    for _ in range(random.randrange(13)):
        cells = random.choices(["1", "2", "2025-02-01", "", "paid", *BAD_NUMBERS], k=len(names))
        if not tame:
            cells = random.choices([*NASTY[:17], '"', '"a', "\r"], k=random.randrange(9))
        lines.append(separator.join(cells))
    text = random.choice(("\n", "\r\n", "\r")).join(lines)
    return text.encode("utf-16" if random.random() < 0.05 else "utf-8-sig")


def definition_for(histories):
    """Of churn, such that it can be computed."""
    activity = ("usage", "payments", "tickets", "surveys")
    acts = any(name in histories.tables for name in activity)
    return Definition(kind="inactivity" if acts else "subscription", activity=activity)


def account_or_tell(random, folder, everyone):
    """Reads whatever there is, up to vectors; how many tables there were, and how many errors."""
    chosen = random.sample(list(TABLES), k=random.randint(1, 3))
    for name in chosen:
        if random.random() < 0.8:
            pq.write_table(strange_table(name, random), folder / f"{name}.parquet")
        else:
            (folder / f"{name}.csv").write_bytes(strange_text(name, random))
    source = Source(str(folder), timezone=random.choice(ZONES))
    try:
        histories = read_histories(source, max_bad_share=1)
    except UserError:
        return len(chosen), 1
    with closing(histories):
        for name, account in histories.accounts.items():
            assert account.rows == account.used + sum(account.quarantined.values())
            if name in histories.quarantined:
                file = folder / f"{name}.quarantine"
                histories.engine.to_parquet(histories.quarantined[name], str(file))
                assert pq.read_metadata(file).num_rows == account.bad
        inspect(histories, source)
        suspects(histories, definition_for(histories))
        plan = make_plan(histories, windows=(7, 30), known_before=CUTOFFS[-1])
        build_vectors(histories, plan, everyone(histories, CUTOFFS), labels=False)
    return len(chosen), 0


def test_whatever_files_hold_nothing_ends_with_a_traceback(everyone, tmp_path_factory):
    counts = Counter()

    @settings(max_examples=2 * EXAMPLES)
    @given(random=st.randoms(use_true_random=True))
    def holds(random):
        tables, errors = account_or_tell(random, tmp_path_factory.mktemp("strange"), everyone)
        counts.update(tables=tables, refused=errors, read=1 - errors)

    holds()
    assert min(counts["refused"], counts["read"]) > EXAMPLES / 4
