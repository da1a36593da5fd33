"""`churn check`: every table against its contract, in figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config import Config
from pipeline.opening import accounts_of, open_histories
from pipeline.progress import Progress


@dataclass(frozen=True)
class Checked:
    """What the check found: per table rows, span and bad rows."""

    tables: dict[str, dict[str, Any]]
    observed_until: str
    customers: int
    quarantine: Path

    def as_json(self) -> dict[str, Any]:
        return {
            "tables": self.tables,
            "customers": self.customers,
            "observed_until": self.observed_until,
        }


def check(config: Config, progress: Progress) -> Checked:
    """Read all tables and account for every row.

    Raises
    ------
    UserError
        When a table that is needed is missing, or breaks the contract beyond `max_bad_share`.
    """
    histories = open_histories(config, progress)
    try:
        return Checked(
            tables=accounts_of(histories),
            observed_until=histories.observed_until.isoformat(sep=" "),
            customers=histories.customers,
            quarantine=config.out / "quarantine",
        )
    finally:
        histories.close()
