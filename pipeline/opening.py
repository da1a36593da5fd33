"""From a config to checked histories, and to what is made of them: how every command begins."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.churn import Definition
from features.errors import ContractBroken
from features.histories import Histories, read_histories
from features.plan import FEWEST_ROWS, MOST_TEXTS, Plan, make_plan
from features.sources import Source
from pipeline.config import Config
from pipeline.files import refuse_unwritable, whole_folder
from pipeline.progress import Progress

if TYPE_CHECKING:
    import ibis

    from features.engines import Engine


def source_of(config: Config) -> Source:
    """Where the config says the histories are."""
    return Source(
        location=config.data.source,
        base=config.folder,
        tables=config.data.tables,
        columns=config.data.columns,
        timezone=config.data.timezone,
        memory_limit=config.data.memory_limit,
        engine=config.data.engine,
    )


def definition_of(config: Config) -> Definition:
    """What the config says churn is."""
    churn = config.churn
    return Definition(
        kind=churn.definition,
        horizon_days=churn.horizon_days,
        lead_days=churn.lead_days,
        grace_days=churn.grace_days,
        active_days=churn.active_days,
        activity=tuple(churn.activity),
    )


def open_histories(
    config: Config, progress: Progress, *, refused: list[ContractBroken] | None = None
) -> Histories:
    """Read and check the histories; bad rows are written to the quarantine and told.

    With a list for what is `refused`, too many bad rows do not stop the run.
    """
    refuse_unwritable(config.out)
    definition = definition_of(config)
    with progress.stage("reading and checking histories"):
        histories = read_histories(
            source_of(config),
            needed=definition.needed,
            needed_any=definition.needed_any,
            max_bad_share=config.data.max_bad_share,
            observed_until=config.data.observed_until,
            refused=refused,
            set_aside=lambda engine, bad: quarantine(engine, bad, config.out / "quarantine"),
        )
    for name in histories.empty:
        progress.warn(f"The table {name} is there but has no usable rows: it is left out.")
    for name, account in histories.accounts.items():
        if account.bad:
            reasons = ", ".join(f"{why} {rows:,}" for why, rows in account.quarantined.items())
            progress.warn(
                f"{account.bad:,} of {account.rows:,} rows of {name} are set aside ({reasons}); "
                f"see {config.out / 'quarantine' / name}.parquet"
            )
    return histories


def plan_features(
    config: Config, histories: Histories, progress: Progress, *, known_before: date
) -> Plan:
    """Which features there are, by what was known before a date; tells what becomes none."""
    plan = make_plan(histories, windows=config.features.windows_days, known_before=known_before)
    left_out = [f"customers.{name}" for name in histories.attributes if name not in plan.attributes]
    sold = histories.tables.get("subscriptions")
    if sold is not None and "plan" in sold.columns and not plan.has("subscriptions", "plan"):
        left_out.append("subscriptions.plan")
    for name in left_out:
        progress.warn(
            f"No feature is made of {name}: it has more than {MOST_TEXTS} values, and no "
            f"{FEWEST_ROWS} rows share one."
        )
    return plan


def quarantine(engine: Engine, bad: Mapping[str, ibis.Table], folder: Path) -> None:
    """Write the bad rows of each table, with their reason; a clean source leaves no folder."""
    if not bad:
        shutil.rmtree(folder, ignore_errors=True)
        return
    with whole_folder(folder) as draft:
        for name, rows in bad.items():
            engine.to_parquet(rows, draft / f"{name}.parquet")


def fingerprint(histories: Histories) -> str:
    """A short hash of what was read: each table's rows by day, what is missing and set aside."""
    found = hashlib.sha256(json.dumps(accounts_of(histories), sort_keys=True).encode())
    for account in histories.accounts.values():
        if account.daily is not None:
            for part in (account.daily.days, account.daily.rows, account.daily.last):
                found.update(part.tobytes())
    return found.hexdigest()[:12]


def accounts_of(histories: Histories) -> dict[str, dict[str, Any]]:
    """What became of each table's rows, as JSON values."""
    return {
        name: {
            "rows": account.rows,
            "used": account.used,
            "quarantined": account.quarantined,
            "first": account.first,
            "last": account.last,
            "nulls": account.nulls,
        }
        for name, account in histories.accounts.items()
    }
