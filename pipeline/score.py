"""Scoring: who is at risk at a date, what it is worth, why, and whom to contact with what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.consent import contact_allowed, recently_contacted
from features.histories import Histories
from features.plan import Plan
from features.points import LabelledPoints, make_points, newest_cutoff, refuse_future
from features.tables import CUSTOMER
from features.vectors import KEYS, build_vectors
from features.wording import DEFAULT, Wording
from models.model import ChurnModel
from models.outreach import CONTACT, Lever, Limits, Outreach, plan_outreach
from models.risk import LOW, risk_bands, risk_list, top_share
from pipeline.config import Config
from pipeline.files import refuse_unwritable, to_json, whole_folder, write_csv, write_parquet
from pipeline.guarding import refuse_other_churn, warnings_of
from pipeline.opening import accounts_of, definition_of, fingerprint, open_histories
from pipeline.progress import Progress
from pipeline.reasons import reasons_of, table_of
from pipeline.registry import resolve
from pipeline.steadying import drivers_of
from pipeline.worth import values_of

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

    @property
    def contacts(self) -> pd.DataFrame:
        return self.risk_list[self.risk_list["group"] == CONTACT]

    def as_json(self) -> dict[str, Any]:
        return {
            "path": self.folder / "risk_list.parquet",
            "as_of": self.as_of,
            "model": self.model,
            "customers": len(self.risk_list),
            "at_risk": int(self.risk_list["at_risk"].sum()),
            "contacts": len(self.contacts),
            "expected_profit": float(self.contacts["expected_profit"].sum()),
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
    with progress.stage("loading the model"):
        churn_model, label = resolve(config, model)
    refuse_other_churn(config, churn_model, label)
    histories = open_histories(config, progress)
    try:
        return _score(config, histories, progress, churn_model, label, as_of, wording)
    finally:
        histories.close()


def _score(
    config: Config,
    histories: Histories,
    progress: Progress,
    model: ChurnModel,
    label: str,
    as_of: date | None,
    wording: Wording,
) -> Scored:
    cutoff = as_of or newest_cutoff(histories)
    refuse_future(histories, [cutoff])
    points = make_points(histories, definition_of(config), [cutoff], labels=False)
    plan = Plan.from_dict(model.context["plan"])
    with progress.stage("computing vectors") as stage:
        vectors = build_vectors(histories, plan, points, labels=False, progress=stage.detail)
    warnings = warnings_of(model, histories, cutoff, vectors.frame, progress)
    with progress.stage("scoring and explaining"):
        probability = model.predict(vectors.frame)
        bands = risk_bands(probability, model.base_rate)
        drivers = drivers_of(model, vectors.frame)
        told = reasons_of(drivers, wording, bands != LOW)
    value = _values(config, histories, progress, model, plan, points)
    ids = vectors.frame[KEYS[0]].to_numpy()
    found = risk_list(
        customer_ids=ids,
        as_of=cutoff,
        probability=probability,
        value=value,
        bands=bands,
        high_value=top_share(value, config.value.high_value_share),
        drivers=told.drivers,
        reasons=told.reasons,
        outreach=_outreach(
            config, histories, plan, points, ids, probability, value, bands, told.drivers, cutoff
        ),
        model=label,
    )
    folder = config.out / "risk" / f"as_of={cutoff}"
    left_out = not_scored(histories, points, cutoff)
    run = _run(config, histories, points, model, label, cutoff, progress)
    further = {
        "not_scored": _counted(left_out),
        "not_steady": int(told.unsteady.sum()),
        "warnings": warnings,
    }
    _write(folder, found, table_of(drivers, ids), left_out, {**run, **further})
    return Scored(folder, cutoff, label, found)


def _values(
    config: Config,
    histories: Histories,
    progress: Progress,
    model: ChurnModel,
    plan: Plan,
    points: LabelledPoints,
) -> np.ndarray:
    """What each customer is still worth; 0 where the histories hold no money."""
    values = values_of(config, histories, plan, points, churn_rate=model.base_rate)
    if values is None:
        progress.warn(
            "There are no payments and no prices: nobody's value is known, so the list is in order "
            "of risk, and no contact can be shown to pay."
        )
        return np.zeros(len(points))
    return values


def _outreach(
    config: Config,
    histories: Histories,
    plan: Plan,
    points: LabelledPoints,
    ids: np.ndarray,
    probability: np.ndarray,
    value: np.ndarray,
    bands: np.ndarray,
    drivers: list[list[str | None]],
    cutoff: date,
) -> Outreach:
    settings = config.outreach
    return plan_outreach(
        customer_ids=list(ids),
        probability=probability,
        value=value,
        drivers=drivers,
        at_risk=bands != LOW,
        allowed=contact_allowed(histories, plan, points),
        suppressed=recently_contacted(histories, plan, points, days=settings.suppress_days),
        levers=[
            Lever(a.name, tuple(a.drivers), a.cost, a.incentive, a.success_rate)
            for a in settings.actions
        ],
        limits=Limits(settings.budget, settings.capacity, settings.holdout_share),
        salt=f"{config.mlflow.model}:{cutoff}",
    )


def _run(
    config: Config,
    histories: Histories,
    points: LabelledPoints,
    model: ChurnModel,
    label: str,
    cutoff: date,
    progress: Progress,
) -> Mapping[str, Any]:
    """What ran: enough to tell why two lists differ."""
    from importlib.metadata import version

    return {
        "as_of": cutoff,
        "model": label,
        "config_hash": config.hash,
        "data_fingerprint": fingerprint(histories),
        "trained_on": {
            "data_fingerprint": model.context["data_fingerprint"],
            "cutoffs": model.context["train_cutoffs"],
        },
        "customers": asdict(points.counts[0]),
        "tables": accounts_of(histories),
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
    left_out: pd.DataFrame,
    run: Mapping[str, Any],
) -> None:
    with whole_folder(folder) as draft:
        write_parquet(found, draft / "risk_list.parquet")
        write_csv(found, draft / "risk_list.csv")
        write_csv(found[found["group"] == CONTACT], draft / "outreach.csv")
        write_parquet(drivers, draft / "drivers.parquet")
        write_csv(left_out, draft / "not_scored.csv")
        (draft / "run.json").write_text(to_json(run) + "\n", encoding="utf-8")
