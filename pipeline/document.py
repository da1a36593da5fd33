"""Writes the pages of the docs that come from declarations: `python -m pipeline.document`."""

from __future__ import annotations

from pathlib import Path

from features.tables import TABLES, Column, Table

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
table is "7" in another, while "007" is somebody else. **Amounts** are in one currency.

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


if __name__ == "__main__":
    (DOCS / "tables.md").write_text(tables_page(), encoding="utf-8")
