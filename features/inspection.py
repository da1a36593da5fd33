"""What people should know of usable histories: gaps, clocks, copies, feeds that broke off.

None of it stops a run or sets a row aside. The counts come from the accounts that reading made;
only identical rows and customers nobody knows need a look of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from features.contract import LONG, REASON
from features.coverage import HAPPENED, SILENCE_TIMES, core_of
from features.histories import Histories
from features.plan import FEWEST_ROWS, MOST_TEXTS, OTHER, Text, counted_of, texts_of
from features.sources import Source, near_table, shortened, unused_files
from features.tables import CURRENCY, TABLES
from features.timeline import EPOCH, day_number

if TYPE_CHECKING:
    import ibis.expr.types as ir

EXACT_ROWS = 10_000_000
SAMPLED_ROWS = 1_000_000
"""Identical rows are counted in tables up to the first size, of larger ones in a sample of the
second: to compare all rows would cost several times what the whole check does."""
EARLY_DAYS = 14
EVENTS = ("usage", "payments", "tickets", "surveys")


@dataclass(frozen=True)
class Finding:
    """Something that is odd in a table: of what kind, how many rows, and in words."""

    table: str
    kind: str
    rows: int | None
    evidence: str


def inspect(histories: Histories, source: Source) -> list[Finding]:
    """All findings, table by table."""
    found = [finding for name in histories.accounts for finding in _of_table(histories, name)]
    return [*found, *_texts(histories), *_unused(source)]


def stopped(histories: Histories, cutoff: date) -> list[Finding]:
    """The feeds that broke off before a cutoff: to its vectors, every customer fell silent."""
    before = day_number(cutoff) - 1
    return [one for name in histories.accounts for one in _stops_early(histories, name, before)]


def _of_table(histories: Histories, name: str) -> Iterator[Finding]:
    yield from _identical(histories, name)
    yield from _unknown(histories, name)
    yield from _clocks(histories, name)
    yield from _stops_early(histories, name)
    yield from _currencies(histories, name)
    yield from _booked_ends(histories, name)
    ignored = histories.raw[name].ignored + histories.not_read.get(name, ())
    if ignored:
        yield Finding(name, "not_read", None, f"columns that are not read: {shortened(ignored)}")


def _identical(histories: Histories, name: str) -> Iterator[Finding]:
    """Rows that have a twin, in tables without row ids: they are kept."""
    if TABLES[name].row_id:
        return
    rows = histories.accounts[name].rows
    share = 1 if rows <= EXACT_ROWS else -(-rows // SAMPLED_ROWS)
    found = identical_rows(histories, name, one_in=share)
    if found:
        about = "" if share == 1 else f"about (counted for one in {share} customers) "
        yield Finding(
            name,
            "identical",
            found,
            f"{about}{found:,} rows repeat another one; unless they are bad, they are kept",
        )


def identical_rows(histories: Histories, name: str, *, one_in: int = 1) -> int:
    """How many rows are the same as an earlier one in all columns; by a sample of customers.

    Identical rows belong to the same customer, so that
    what is found for one in so many customers stands for all.
    """
    raw = histories.raw[name].rows
    if not histories.accounts[name].rows:
        return 0
    key = next(c for c in ("customer_id", "subscription_id") if c in raw.columns)
    return histories.engine.identical_rows(raw, key, one_in=one_in)


def _unknown(histories: Histories, name: str) -> Iterator[Finding]:
    """Rows of customers that nobody knows: how many there are of these, and some."""
    rows = histories.accounts[name].quarantined.get("unknown_customer")
    if not rows:
        return
    bad = histories.quarantined[name]
    key = "customer_id" if "customer_id" in bad.columns else "subscription_id"
    bad = bad.filter((bad[REASON] == "unknown_customer") & bad[key].notnull())
    ids = bad.select(id=bad[key].cast("string")).distinct().order_by("id")
    count = histories.engine.to_pyarrow(ids.count()).as_py()
    some = histories.engine.to_pyarrow(ids.limit(3))["id"].to_pylist()
    what = "customers" if key == "customer_id" else "subscriptions"
    examples = f", such as {', '.join(some)}" if some else ""
    yield Finding(
        name,
        "unknown_customer",
        rows,
        f"{rows:,} rows name {count:,} {what} without a good row in their own table{examples}",
    )


def _clocks(histories: Histories, name: str) -> Iterator[Finding]:
    account = histories.accounts[name]
    for kind, told in (
        ("long_before_sign_up", f"lie more than {LONG} days before their customer signed up"),
        ("after_end", "are later than the day on which their customer left"),
    ):
        if account.odd.get(kind):
            yield Finding(name, kind, account.odd[kind], f"{account.odd[kind]:,} rows {told}")
    daily = account.daily
    if name not in EVENTS or daily is None or not len(daily.days):
        return
    core = core_of(daily)
    before = int(daily.rows[daily.days < core.first].sum())
    if before:
        first = _day(int(daily.days[0]))
        yield Finding(
            name,
            "long_before_all",
            before,
            f"{before:,} rows lie far before all others, from {first} on; these begin on "
            f"{_day(core.first)}",
        )
    end = day_number(histories.observed_until.date())
    after = int(daily.rows[daily.days > end].sum())
    if after:
        yield Finding(
            name,
            "after_the_end",
            after,
            f"{after:,} rows are later than the end of the histories ({_day(end)}), up to "
            f"{_day(int(daily.days[-1]))}",
        )


def _stops_early(
    histories: Histories, name: str, before: float = float("inf")
) -> Iterator[Finding]:
    """A feed that broke off before a day: silent until the end for far longer than it ever was."""
    daily = histories.accounts[name].daily
    if name not in EVENTS or daily is None or not len(daily.days):
        return
    core = core_of(daily)
    silence = day_number(histories.observed_until.date()) - core.last
    usual = max(EARLY_DAYS, SILENCE_TIMES * core.longest_silence)
    if silence > usual and core.last < before:
        yield Finding(
            name,
            "stops_early",
            None,
            f"its last usual day is {_day(core.last)}, {silence} days before the histories end; "
            f"before, it was never silent for more than {core.longest_silence} days",
        )


def _booked_ends(histories: Histories, name: str) -> Iterator[Finding]:
    """Ends long after the last start may be booked ahead, and then nothing is known until them."""
    if name != "subscriptions" or any(table in histories.tables for table in HAPPENED):
        return
    rows = histories.tables.get(name)
    if rows is None or "ended_at" not in rows.columns:
        return
    started = _day_of(histories, rows["started_at"].max())
    ended = _day_of(histories, rows["ended_at"].max())
    import ibis

    if started and ended and (ended - started).days > 2 * LONG:
        later = rows.filter(rows["ended_at"] > ibis.timestamp(f"{started} 23:59:59")).count()
        count = histories.engine.to_pyarrow(later).as_py()
        yield Finding(
            name,
            "booked_ends",
            count,
            f"{count:,} ends are later than the last start ({started}), up to {ended}, and no "
            "table tells what happened until then: if they are booked ahead, set [data] "
            "observed_until",
        )


def _day_of(histories: Histories, moment: ir.Scalar) -> date | None:
    found = histories.engine.to_pyarrow(moment).as_py()
    return None if found is None else found.date()


def _currencies(histories: Histories, name: str) -> Iterator[Finding]:
    rows = histories.raw[name].rows
    column = next((c for c in rows.columns if c.lower() in CURRENCY), None)
    if name != "payments" or column is None:
        return
    counted = rows.group_by(currency=rows[column].cast("string")).agg(n=rows.count())
    found = histories.engine.to_pyarrow(counted.order_by("currency")).to_pylist()
    if len(found) > 1:
        shares = ", ".join(f"{row['currency'] or 'none'} {row['n']:,}" for row in found)
        yield Finding(
            name, "mixed_currencies", None, f"amounts of several currencies are added up: {shares}"
        )


def _texts(histories: Histories) -> Iterator[Finding]:
    """Columns of text with more values than a feature tells apart."""
    told: dict[str, list[str]] = {}
    for text in texts_of(histories, histories.observed_until.date()):
        if text.values > MOST_TEXTS:
            told.setdefault(text.table, []).append(_many_values(text))
    for counted in counted_of(histories, histories.observed_until.date()):
        if counted.values > MOST_TEXTS:
            told.setdefault(counted.table, []).append(
                f"{counted.column} has {counted.values:,} values: the {len(counted.levels)} "
                f"commonest ({counted.share:.0%} of the rows) are counted, each by itself"
            )
    for table, texts in told.items():
        yield Finding(table, "many_values", None, "; ".join(texts))


def _many_values(text: Text) -> str:
    told = f"{text.column} has {text.values:,} values"
    if text.names_rows:
        return f"{told}, and no {FEWEST_ROWS} rows share one: no feature is made of it"
    return (
        f"{told}: the {len(text.levels)} commonest ({text.share:.0%} of the rows) are told apart, "
        f"all others are {OTHER!r}"
    )


def _unused(source: Source) -> Iterator[Finding]:
    for file in unused_files(source):
        near = near_table(file)
        hint = f'; if it is {near}, say so: [data.tables] {near} = "{file}"' if near else ""
        yield Finding(file, "not_read", None, f"no table is read from this file{hint}")


def _day(number: int) -> date:
    return EPOCH + timedelta(days=number)
