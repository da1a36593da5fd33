"""Writes the pages of the docs that come from declarations: `python -m pipeline.document`."""

from __future__ import annotations

from pathlib import Path

from features.tables import TABLES, Column, Table

DOCS = Path(__file__).parents[1] / "docs"
KINDS = {"id": "whole number or text", "time": "timestamp or date", "bool": "true or false"}


def tables_page() -> str:
    """docs/tables.md: the contract of the input tables."""
    intro = """# Input tables

Parquet, CSV or tables of a DuckDB file. Timestamps are instants; naive ones are read in
`[data] timezone`, dates are midnights. Ids are whole numbers or text. Only what the churn
definition needs is required; every further table that is there is used.

Without `customers` the customers are those that the other tables name, signed up at their first
row. Without `payments.status` every row is paid. A table that carries `subscription_id` instead of
`customer_id` is joined through subscriptions.

A bad row is set aside in `out/quarantine/<table>.parquet` with its reason, and counted: a
required value that is null, a value that does not parse or is not finite (or beyond 1e15), an
unknown status, an end before its start, a customer nobody knows, a further row with the same id.

This page is written by `python -m pipeline.document`.
"""
    return "\n".join([intro, *(_section(table) for table in TABLES.values())])


def _section(table: Table) -> str:
    lines = [
        f"## {table.name}",
        "",
        table.meaning,
        "",
        "| column | | kind | meaning |",
        "| --- | --- | --- | --- |",
    ]
    lines += [_row(column) for column in table.columns]
    if table.attributes:
        lines.append(
            "| any other | optional | number, true or false, text | an attribute known at sign-up |"
        )
    if table.row_id:
        lines += ["", f"Row id: {', '.join(table.row_id)}."]
    return "\n".join([*lines, ""])


def _row(column: Column) -> str:
    needed = "required" if column.required else "optional"
    meaning = column.meaning
    if column.allowed:
        meaning += f": {', '.join(column.allowed)}"
    if column.known_from:
        meaning += f" (known from {column.known_from})"
    return f"| {column.name} | {needed} | {KINDS.get(column.kind, column.kind)} | {meaning} |"


if __name__ == "__main__":
    (DOCS / "tables.md").write_text(tables_page(), encoding="utf-8")
