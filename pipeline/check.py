"""`churn check`: every table against its contract, what is odd in it, and suspects of leaks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from features.inspection import Finding, inspect
from features.leaks import Suspect, suspects
from pipeline.config import Config
from pipeline.opening import accounts_of, definition_of, open_histories, source_of
from pipeline.progress import Progress


@dataclass(frozen=True)
class Checked:
    """What the check found: rows in and out of each table, what is odd, what may leak."""

    tables: dict[str, dict[str, Any]]
    findings: list[Finding]
    leak_suspects: list[Suspect]
    observed_from: str
    observed_until: str
    customers: int
    quarantine: Path

    def as_json(self) -> dict[str, Any]:
        return {
            "tables": self.tables,
            "customers": self.customers,
            "observed_from": self.observed_from,
            "observed_until": self.observed_until,
            "findings": [asdict(finding) for finding in self.findings],
            "leak_suspects": [asdict(suspect) for suspect in self.leak_suspects],
        }


def check(config: Config, progress: Progress) -> Checked:
    """Read all tables, account for every row and look for what is odd.

    Raises
    ------
    UserError
        When a table that is needed is missing, or breaks the contract beyond `max_bad_share`.
    """
    histories = open_histories(config, progress)
    try:
        with progress.stage("looking for what is odd"):
            findings = inspect(histories, source_of(config))
        with progress.stage("looking for leaks"):
            leaks = suspects(histories, definition_of(config))
        identical = {f.table: f.rows for f in findings if f.kind == "identical"}
        tables = {
            name: {**account, "identical": identical.get(name, 0)}
            for name, account in accounts_of(histories).items()
        }
        return Checked(
            tables=tables,
            findings=findings,
            leak_suspects=leaks,
            observed_from=histories.observed_from.isoformat(sep=" "),
            observed_until=histories.observed_until.isoformat(sep=" "),
            customers=histories.customers,
            quarantine=config.out / "quarantine",
        )
    finally:
        histories.close()
