"""`churn check`: every table against its contract, what is odd in it, and suspects of leaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.errors import ContractBroken
from features.inspection import Finding, inspect
from features.leaks import Suspect, suspects
from pipeline.config import Config
from pipeline.opening import accounts_of, definition_of, open_histories, source_of
from pipeline.progress import Progress
from pipeline.proof import Proof, prove


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
    refused: list[ContractBroken]
    proof: Proof | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            **(self.proof.as_json() if self.proof else {}),
            "tables": self.tables,
            "customers": self.customers,
            "observed_from": self.observed_from,
            "observed_until": self.observed_until,
            "findings": [asdict(finding) for finding in self.findings],
            "refused": [error.what for error in self.refused],
            "leak_suspects": [asdict(suspect) for suspect in self.leak_suspects],
        }


def check(
    config: Config, progress: Progress, *, leaks: bool = False, cutoffs: Sequence[date] = ()
) -> Checked:
    """Read all tables, account for every row and look for what is odd.

    Tables with more bad rows than `max_bad_share` are told like any other, and `refused`. With
    ``leaks`` it is put to the proof that vectors see nothing of what comes after their cutoffs.

    Raises
    ------
    UserError
        When a table that is needed is missing, cannot be read, or has no good row.
    """
    refused: list[ContractBroken] = []
    try:
        histories = open_histories(config, progress, refused=refused)
    except ContractBroken as error:
        # The first cause says more than what follows from it.
        raise (refused or [error])[0] from None
    try:
        with progress.stage("looking for what is odd"):
            findings = inspect(histories, source_of(config))
        with progress.stage("looking for leaks"):
            suspected = suspects(histories, definition_of(config))
        proof = prove(config, histories, progress, cutoffs=cutoffs) if leaks else None
        identical = {f.table: f.rows for f in findings if f.kind == "identical"}
        tables = {
            name: {**account, "identical": identical.get(name, 0)}
            for name, account in accounts_of(histories).items()
        }
        return Checked(
            tables=tables,
            findings=findings,
            leak_suspects=suspected,
            observed_from=histories.observed_from.isoformat(sep=" "),
            observed_until=histories.observed_until.isoformat(sep=" "),
            customers=histories.customers,
            quarantine=config.out / "quarantine",
            refused=refused,
            proof=proof,
        )
    finally:
        histories.close()
