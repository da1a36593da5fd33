"""Writes the pages of the docs that come from the code: `python -m pipeline.document`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from features.catalogue import FACTS, LONGEST_SLUG, Feature
from features.histories import Histories, read_histories
from features.listing import list_features
from features.plan import FEWEST_ROWS, MOST_LEVELS, MOST_TEXTS, OTHER, make_plan
from features.sources import Source
from features.tables import TABLES, Column, Table
from pipeline.config import Features

DOCS = Path(__file__).parents[1] / "docs"
KINDS = {"id": "whole number or text", "time": "timestamp or date", "bool": "true or false"}


def tables_page() -> str:
    """docs/tables.md: the contract of the input tables."""
    intro = """# Input tables

A folder of Parquet or CSV files, or tables of a database ([sources](sources.md)). Only what the
churn definition needs is required; every further table that is there is used. Columns that no
declaration knows are not read, but for `customers`, whose further columns are attributes.

**Times** are instants. Naive ones are read on the wall clock of `[data] timezone`, ones with an
offset are put on it, and dates are midnights; so a day of 23 or 25 hours is one day, and what
happened in it counts on it. Numbers are never taken for times: seconds or milliseconds since 1970,
20261101 or 01-11-2026 are refused with a hint. **Ids** are whole numbers or text, and 7 in one
table is "7" in another, while "007" is somebody else. **Amounts** are in one currency; where a
column says which, `churn kpis` keeps them apart, and everything else takes them for one.

Without `customers` the customers are those that the other tables name, signed up when
their first row became known. Without `payments.status` every row is paid. A table that carries
`subscription_id` instead of `customer_id` is joined through subscriptions.

A bad row is set aside in `out/quarantine/<table>.parquet` under the first reason that holds:

| reason | the row |
| --- | --- |
| `null_<column>` | lacks a required value |
| `unparsable_<column>` | has a value that is none of the column's kind |
| `not_finite_<column>` | has NaN or an infinite number |
| `out_of_range_<column>` | has a number beyond 1e15, or a time outside the years 1 to 9999 |
| `unknown_<column>` | has a word that is not among the allowed ones |
| `<end>_before_<start>` | ends before it starts |
| `null_subscription_id` | names no subscription, where its customer is found through it |
| `unknown_customer` | is of a customer (or subscription) that nobody knows |
| `repeated_<id>` | has the id of a row that was known earlier, or stands above; that one stays |

An end from the year 2900 on (2999-12-31, 9999-12-31) is none: what it ends still runs. An end at
midnight is a date, which says on what day and not before what hour.

Identical rows of a table without row ids are kept: two equal purchases on a day are real. `churn
check` counts them. Rows in = rows used + rows set aside, in every table; `run.json` says so. More
bad rows than `[data] max_bad_share` in a table stop the run.

This page is written by `python -m pipeline.document`.
"""
    return "\n".join([intro, *(_section(table) for table in TABLES.values())])


def _section(table: Table) -> str:
    lines = [
        f"## {table.name}",
        "",
        table.meaning,
        "",
        "| column | | kind | meaning | known from |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [_row(table, column) for column in table.columns]
    if table.attributes:
        lines.append(
            "| any other | optional | number, true or false, text | an attribute | signed_up_at |"
        )
    if table.row_id:
        lines += ["", f"Row id: {', '.join(table.row_id)}."]
    return "\n".join([*lines, ""])


def _row(table: Table, column: Column) -> str:
    needed = "required" if column.required else "optional"
    meaning = column.meaning
    if column.allowed:
        meaning += f": {', '.join(column.allowed)}"
    if column.synonyms:
        meaning += f" (or {', '.join(theirs for theirs, _ in column.synonyms)})"
    known = column.known_from or _known_with(table)
    kind = KINDS.get(column.kind, column.kind)
    return f"| {column.name} | {needed} | {kind} | {meaning} | {known} |"


def _known_with(table: Table) -> str:
    """The column whose time makes a row known."""
    late = next((name for name in ("available_at", "valid_from") if table.column(name)), None)
    return f"{table.time}, or {late} if later" if late else table.time


def features_page() -> str:
    """docs/features.md: every feature of histories that have all tables and columns."""
    with TemporaryDirectory() as folder:
        histories = _full_histories(Path(folder))
        try:
            windows = Features().windows_days
            end = histories.observed_until.date() + timedelta(days=1)
            plan = make_plan(histories, windows=windows, known_before=end)
            found = list_features(histories.tables, plan)
        finally:
            histories.close()
    lines = _lines(found)
    sections = [_features_of(table, lines) for table in plan.tables]
    counted = ", ".join(
        f"{most} of `{name}.{column}`" for (name, column), most in MOST_LEVELS.items()
    )
    intro = f"""# Features

Every column of the vectors, for histories that have all tables and columns, with the default
windows. `churn features --list` tells those of your own histories, with `--json` as JSON.

**Names** follow one grammar, `<table>_<what>[_<window>]`, in lower-case letters, digits and `_`:

| ending | speaks of |
| --- | --- |
| `_30d` | the last 30 days before the cutoff, and so for all of `[features] windows_days` |
| `_first_30d` | the first 30 days of a customer, as far as they lie before the cutoff |
| `_ever` | all history before the cutoff |
| none | what holds at the cutoff, or was last |

`{{7,30}}` stands for a column for each window, and `<event>` for a value from the data: in lower
case, without accents, all signs but letters and digits as `_`, {LONGEST_SLUG} letters at most.
Where values would read the same, one that is written so keeps the name, and the others are
numbered in their order (`log_in`, `Log in` as `log_in_2`); one without such letters is `other`. No
two features ever have the same name.

**What can be moved** is marked: whether what a team does from now on can move the feature for the
better. Counts of what went wrong, the worst that was, and all that is over can only fade with time;
who a customer is stays as it is. Groups of facts: {", ".join(FACTS)}; all others are levers.

**Reasons** are sentences that several features tell together: [reasons](reasons.md).

**Nothing and missing.** Counts and sums are 0 where nothing happened; means, shares, recency,
largest and last values are missing. A change is log((now + 1) / (before + 1)), of the window
against as many days before it.

**Values with features of their own** are the commonest ones before a date: in training the first
test cutoff, in `churn features` the earliest cutoff. They belong to the model, so that a new event
type changes no column. At most: {counted}.

**Texts** (unit text) tell their {MOST_TEXTS} commonest values apart; all others are `{OTHER}`.
Where a column has more, a value that is told apart needs {FEWEST_ROWS} rows, and a column without
such a value (a name, an id, a comment) becomes no feature; `churn check` names these columns. An
attribute whose texts are all numbers is a number, unless one has leading zeros, as codes do; a
number that is not finite or beyond 1e15 is missing.

This page is written by `python -m pipeline.document`.
"""
    return "\n".join([intro, *sections])


def _full_histories(folder: Path) -> Histories:
    """A few rows in every column of every table, with samples in place of words from the data."""
    import pandas as pd

    for table in TABLES.values():
        rows = [{c.name: _sample(c, number) for c in table.columns} for number in (1, 2)]
        frame = pd.DataFrame(rows)
        if table.attributes:
            kinds: list[list[Any]] = [[0.5, 2.5], ["true", "false"], ["north", "south"]]
            for number, values in enumerate(kinds, 1):
                frame[f"attribute sample {number}"] = values
        frame.to_parquet(folder / f"{table.name}.parquet")
    return read_histories(Source(str(folder)), max_bad_share=0)


def _sample(column: Column, number: int) -> Any:
    values = {
        "id": number,
        "time": datetime(2026, 1, number),
        "number": float(number),
        "bool": True,
        "text": column.allowed[0] if column.allowed else f"{column.name} sample {number}",
    }
    return values[column.kind]


def _lines(features: Sequence[Feature]) -> list[Feature]:
    """One for all features that differ by their window or by a value from the data."""
    found: dict[str, Feature] = {}
    windows: dict[str, list[str]] = {}
    units: dict[str, list[str]] = {}
    for feature in features:
        plain = _without_window(_without_samples(feature))
        found.setdefault(plain.name, plain)
        windows.setdefault(plain.name, []).append(str(feature.window_days))
        units.setdefault(plain.name, []).append(feature.unit)
    return [
        replace(
            feature,
            name=name.replace("{}", "{" + ",".join(dict.fromkeys(windows[name])) + "}"),
            unit=", ".join(dict.fromkeys(units[name])),
        )
        for name, feature in found.items()
    ]


def _without_samples(feature: Feature) -> Feature:
    """With ``<column>`` for each value from the data."""
    name = re.sub(r"([a-z]+)_sample_\d", r"<\1>", feature.name)
    meaning = re.sub(r"'?([a-z]+) sample \d'?", r"`<\1>`", feature.meaning)
    return replace(feature, name=name, meaning=meaning)


def _without_window(feature: Feature) -> Feature:
    if feature.window_days is None:
        return feature
    days = feature.window_days
    name = feature.name.removesuffix(f"_{days}d") + "_{}d"
    meaning = feature.meaning.removesuffix(f" in the last {days} days").rstrip(",")
    return replace(feature, name=name, meaning=re.sub(rf"\b{days}\b", "n", meaning))


def _features_of(table: str, features: Sequence[Feature]) -> str:
    lines = [
        f"## {table}",
        "",
        "| feature | meaning | unit | group | can be moved |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{one.name}` | {one.meaning} | {one.unit} | {one.group} | "
        f"{'yes' if one.actionable else ''} |"
        for one in features
        if one.table == table
    ]
    return "\n".join([*lines, ""])


PAGES = {"tables.md": tables_page, "features.md": features_page}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
