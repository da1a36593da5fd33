"""Scoring: who is at risk at a date, what it is worth, why, and whom to contact with what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.histories import Histories
from features.points import LabelledPoints
from features.tables import CUSTOMER
from features.wording import DEFAULT, Wording
from models.outreach import CONTACT, HOLDOUT
from models.risk import risk_list
from pipeline.assessing import Assessed, assess
from pipeline.choosing import Chosen, choose
from pipeline.config import Config
from pipeline.files import refuse_unwritable, to_json, whole_folder, write_csv, write_parquet
from pipeline.guarding import model_and_histories
from pipeline.opening import accounts_of, fingerprint
from pipeline.progress import Progress
from pipeline.reasons import reasons_of, table_of

if TYPE_CHECKING:
    import ibis
    import pandas as pd


@dataclass(frozen=True)
class Scored:
    """What a scoring run gives back."""

    folder: Path
    as_of: date
    model: str
    risk_list: pd.DataFrame
    chosen: Chosen

    @property
    def contacts(self) -> pd.DataFrame:
        return self.risk_list[self.risk_list["group"] == CONTACT]

    @property
    def held_out(self) -> int:
        """How many of those worth a contact are held out."""
        return int((self.risk_list["group"] == HOLDOUT).sum())

    def as_json(self) -> dict[str, Any]:
        return {
            "path": self.folder / "risk_list.parquet",
            "as_of": self.as_of,
            "model": self.model,
            "customers": len(self.risk_list),
            "at_risk": int(self.risk_list["at_risk"].sum()),
            "contacts": len(self.contacts),
            "holdout": self.held_out,
            "expected_profit": float(self.contacts["expected_profit"].sum()),
            "outreach": self.chosen.as_json(),
        }


def score(
    config: Config,
    progress: Progress,
    *,
    as_of: date | None = None,
    model: str | None = None,
    language: str = DEFAULT,
) -> Scored:
    """Write the risk list and the outreach list for a date.

    Parameters
    ----------
    as_of
        The cutoff; by default the newest date the histories support.
    model
        An MLflow URI; by default the model in charge.
    language
        Of the reasons.

    Raises
    ------
    UserError
        When there is no model or no customer, or the model and the config disagree.
    """
    refuse_unwritable(config.out)
    wording = Wording.of(language)
    with model_and_histories(config, model, progress) as (churn_model, label, histories):
        assessed = assess(config, histories, progress, churn_model, label, as_of)
        return _score(assessed, progress, wording)


def _score(assessed: Assessed, progress: Progress, wording: Wording) -> Scored:
    told = reasons_of(assessed.drivers, wording, assessed.at_risk)
    chosen = choose(assessed, told.drivers, progress)
    found = risk_list(
        customer_ids=list(assessed.ids),
        as_of=assessed.cutoff,
        probability=assessed.probability,
        value=assessed.value,
        bands=assessed.bands,
        high_value=assessed.high_value,
        drivers=told.drivers,
        reasons=told.reasons,
        outreach=chosen.outreach,
        model=assessed.label,
    )
    folder = assessed.config.out / "risk" / f"as_of={assessed.cutoff}"
    left_out = not_scored(assessed.histories, assessed.points, assessed.cutoff)
    run = {
        **_run(assessed, progress),
        "not_scored": _counted(left_out),
        "not_steady": int(told.unsteady.sum()),
        "outreach": chosen.as_json(),
        "warnings": assessed.warnings,
    }
    _write(folder, found, table_of(assessed.drivers, assessed.ids), chosen, left_out, run)
    return Scored(folder, assessed.cutoff, assessed.label, found, chosen)


def _run(assessed: Assessed, progress: Progress) -> Mapping[str, Any]:
    """What ran: enough to tell why two lists differ."""
    from importlib.metadata import version

    context = assessed.model.context
    return {
        "as_of": assessed.cutoff,
        "model": assessed.label,
        "config_hash": assessed.config.hash,
        "data_fingerprint": fingerprint(assessed.histories),
        "trained_on": {
            "data_fingerprint": context["data_fingerprint"],
            "cutoffs": context["train_cutoffs"],
        },
        "customers": asdict(assessed.points.counts[0]),
        "tables": accounts_of(assessed.histories),
        "versions": {
            name: version(name) for name in ("churn-risk", "lightgbm", "duckdb", "ibis-framework")
        },
        "seconds": progress.seconds,
    }


def not_scored(histories: Histories, points: LabelledPoints, cutoff: date) -> pd.DataFrame:
    """Every customer that came in and is on no list, with the reason.

    ``signed_up_later``: not before the cutoff. ``not_active``: no customer at the cutoff, by the
    churn definition. ``not_active_rows_quarantined``: the same, but bad rows of it were set aside,
    which may be why. ``quarantined``: no good row names it.
    """
    import pandas as pd

    ids = [str(each) for each in histories.customer_ids().to_pylist()]
    customers = histories.tables["customers"].order_by(CUSTOMER).select("signed_up_at")
    signed_up = histories.engine.to_pyarrow(customers)["signed_up_at"].to_numpy()
    later = signed_up >= np.datetime64(cutoff)
    left_out = np.ones(len(ids), dtype=bool)
    left_out[points.points.customer] = False
    bad = {name: _quarantined_ids(histories, rows) for name, rows in histories.quarantined.items()}
    events = set().union(*(found for name, found in bad.items() if name != "customers"))
    found = {}
    for number in np.flatnonzero(left_out):
        inactive = "not_active_rows_quarantined" if ids[number] in events else "not_active"
        found[ids[number]] = "signed_up_later" if later[number] else inactive
    found |= dict.fromkeys(sorted(set().union(*bad.values()).difference(ids)), "quarantined")
    return pd.DataFrame({"customer_id": list(found), "reason": list(found.values())}, dtype="str")


def _quarantined_ids(histories: Histories, bad: ibis.Table) -> set[str]:
    """The customers that bad rows name."""
    if "customer_id" not in bad.columns:
        return set()
    ids = bad.select(id=histories.engine.casts.as_id(bad["customer_id"]).cast("string")).distinct()
    return set(histories.engine.to_pyarrow(ids.filter(ids["id"].notnull()))["id"].to_pylist())


def _counted(left_out: pd.DataFrame) -> dict[str, int]:
    return {str(reason): int(n) for reason, n in left_out["reason"].value_counts().items()}


def _write(
    folder: Path,
    found: pd.DataFrame,
    drivers: pd.DataFrame,
    chosen: Chosen,
    left_out: pd.DataFrame,
    run: Mapping[str, Any],
) -> None:
    with whole_folder(folder) as draft:
        write_parquet(found, draft / "risk_list.parquet")
        write_csv(found, draft / "risk_list.csv")
        write_csv(found[found["group"] == CONTACT], draft / "outreach.csv")
        write_csv(chosen.contacts, draft / "contacts.csv")
        write_parquet(chosen.contacts, draft / "contacts.parquet")
        write_parquet(drivers, draft / "drivers.parquet")
        write_csv(left_out, draft / "not_scored.csv")
        (draft / "run.json").write_text(to_json(run) + "\n", encoding="utf-8")
