"""Did the contacts work: what came of those contacted against those held out."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from features.contacted import HELD_OUT, TREATED, Contacted, contacted
from features.errors import TooLittleData, UsageError
from features.histories import Histories
from models.calibration import log_odds_of
from models.effects import Effect, PartEffect, effect, effects_by
from models.observational import Observed
from models.success import Success
from pipeline.config import Config
from pipeline.experiment import Experiment, experiment_of, without_price
from pipeline.files import refuse_unwritable, to_json, whole_file
from pipeline.holdouts import has_holdout
from pipeline.learning import learned_from
from pipeline.not_contacted import against_others
from pipeline.opening import definition_of, open_histories
from pipeline.parting import date_of
from pipeline.progress import Progress


@dataclass(frozen=True)
class Money:
    """What contacts brought, in money per contact.

    Attributes
    ----------
    kept
        Effect on the expected remaining margin: what was kept of the value, before costs.
    cost
        A contact's mean cost, incentives included.
    from_config
        How many contacts have no cost on record: what the config says of their action is taken.
    margin
        Effect on the margin of what was paid within the horizon, before costs; None without
        payments.
    """

    kept: Effect | None
    cost: float
    margin: Effect | None
    from_config: int = 0

    def profit(self) -> tuple[float, float, float] | None:
        """Per contact, after costs: estimate, low, high."""
        if self.kept is None:
            return None
        return (
            self.kept.estimate - self.cost,
            self.kept.low - self.cost,
            self.kept.high - self.cost,
        )

    def as_json(self) -> dict[str, Any]:
        profit = self.profit()
        return {
            "value_kept": self.kept and self.kept.as_dict(),
            "margin": self.margin and self.margin.as_dict(),
            "cost": self.cost,
            "costs_from_config": self.from_config,
            "profit": profit and dict(zip(("estimate", "low", "high"), profit, strict=True)),
        }


@dataclass(frozen=True)
class Campaign:
    """One campaign: who was in it, and what is known of it.

    Attributes
    ----------
    first, last
        Its days.
    pending
        Rows whose window is still open.
    has_holdout
        Whether it can be told what the contacts did.
    churn
        Effect against the holdout; None without one, or while nothing has matured.
    observed
        Without a holdout: against customers whom nobody contacted, where that can be told.
    """

    name: str
    first: str
    last: str
    treated: int
    holdout: int
    pending: int
    has_holdout: bool
    churn: Effect | None
    money: Money | None
    observed: Observed | None

    def as_json(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in ("name", "first", "last")},
            **{name: getattr(self, name) for name in ("treated", "holdout", "pending")},
            "has_holdout": self.has_holdout,
            "observational": self.observed and self.observed.as_dict(),
            "churn": self.churn and self.churn.as_dict(),
            "money": self.money and self.money.as_json(),
        }


@dataclass(frozen=True)
class Evaluated:
    """What contacts did.

    Attributes
    ----------
    churn, money
        Of all campaigns that have a holdout, together.
    parts
        The effect on churn by what, and by which value of it.
    rates
        Success rates by action, as learned.
    adjusted_by
        What made the groups more alike, in words.
    """

    campaigns: tuple[Campaign, ...]
    churn: Effect | None
    money: Money | None
    parts: Mapping[str, Mapping[str, PartEffect]]
    rates: Mapping[str, Success]
    horizon_days: int
    pending: int
    left_out: Mapping[str, int]
    contacted_again: Mapping[str, int]
    adjusted_by: str
    warnings: tuple[str, ...]
    path: Path

    def as_json(self) -> dict[str, Any]:
        return {
            "warnings": list(self.warnings),
            "horizon_days": self.horizon_days,
            "churn": self.churn and self.churn.as_dict(),
            "money": self.money and self.money.as_json(),
            "by": {
                what: {name: _part(one) for name, one in parts.items()}
                for what, parts in self.parts.items()
            },
            "campaigns": [campaign.as_json() for campaign in self.campaigns],
            "success_rates": {name: asdict(rate) for name, rate in self.rates.items()},
            "pending": self.pending,
            "left_out": dict(self.left_out),
            "contacted_again": dict(self.contacted_again),
            "adjusted_by": self.adjusted_by,
            "path": self.path,
        }


def _part(one: PartEffect) -> dict[str, Any]:
    return {
        "effect": one.effect and one.effect.as_dict(),
        "p_corrected": one.p,
        "clear": one.clear,
    }


def evaluate_outreach(
    config: Config, progress: Progress, *, campaign: str | None = None
) -> Evaluated:
    """Compare those contacted with those held out, and write ``outreach/evaluation.json``.

    Parameters
    ----------
    campaign
        Only this one; by default all, each and together.

    Raises
    ------
    UsageError
        When there is no such campaign.
    TooLittleData
        When there are no contacts, or the outcome of none is known yet.
    """
    refuse_unwritable(config.out)
    histories = open_histories(config, progress)
    try:
        with progress.stage("finding out what came of the contacts"):
            found = _some(contacted(histories, definition_of(config)), campaign)
        _refuse_unripe(config, found)
        return _evaluate(config, histories, found, progress)
    finally:
        histories.close()


def _some(found: Contacted | None, campaign: str | None) -> Contacted:
    """The contacts of one campaign, or all; a campaign may have none that count."""
    if found is None:
        raise TooLittleData(
            "There are no contacts on record, so there is nothing to evaluate.",
            where="table contacts",
            allowed="a row per customer contacted or held out: customer_id, occurred_at, campaign, "
            "action, group (treated, holdout)",
            fix="add what churn score wrote to contacts.parquet beside its risk list to the table "
            "contacts, once those calls were made",
        )
    if campaign is None:
        return found
    names = sorted({*found.rows["campaign"], *found.left_out_of})
    if campaign not in names:
        near = difflib.get_close_matches(campaign, names, n=1, cutoff=0.5)
        raise UsageError(
            "There is no such campaign in contacts.",
            where="--campaign",
            value=campaign,
            allowed=", ".join(names[:10]) + (" …" if len(names) > 10 else "") or "none at all",
            fix=f"did you mean {near[0]!r}?" if near else "choose one of these",
        )
    return found.of_campaign(campaign)


def _refuse_unripe(config: Config, found: Contacted) -> None:
    if found.matured.any():
        return
    if not len(found):
        which = f" of campaign {names[0]!r}" if len(names := [*found.left_out_of]) == 1 else ""
        raise TooLittleData(
            f"No row of contacts{which} counts: all were left out.",
            where="table contacts",
            value=_counts(found.left_out) or "no rows",
            allowed="customers on the day of their contact, once in a campaign and in one group",
            fix="look at the rows that are left out",
        )
    needed = config.churn.horizon_days + config.churn.grace_days
    first = date_of(int(found.rows["day"].min())) + timedelta(days=needed)
    raise TooLittleData(
        "Nobody knows yet what came of the contacts: no window has closed.",
        where="table contacts",
        value=f"{len(found):,} contacts, the first on {first - timedelta(days=needed)}",
        allowed=f"histories that reach {needed} days beyond a contact",
        fix=f"come back with histories up to {first} or later",
    )


def _counts(left_out: Mapping[str, int]) -> str:
    return ", ".join(f"{why} {count:,}" for why, count in left_out.items())


def _evaluate(
    config: Config, histories: Histories, found: Contacted, progress: Progress
) -> Evaluated:
    ripe = found.some(found.matured)
    seen = experiment_of(config, histories, ripe, progress)
    compared = has_holdout(ripe.rows)
    compared_rows = has_holdout(found.rows)
    with progress.stage("comparing"):
        campaigns = tuple(
            _campaign(config, histories, found, seen, compared_rows, name)
            for name in dict.fromkeys(found.rows["campaign"])
        )
        churn = _effect(seen.churned, seen, compared, seen.probability)
        result = Evaluated(
            campaigns=campaigns,
            churn=churn,
            money=None if churn is None else _money(seen, compared),
            parts=_parts(seen, compared),
            rates=learned_from(config, ripe.rows, fits=seen.fits, risk=seen.probability),
            horizon_days=config.churn.horizon_days,
            pending=int((~found.matured).sum()),
            left_out=found.left_out,
            contacted_again=found.contacted_again,
            adjusted_by=_adjusted_by(seen),
            warnings=tuple(_warnings(config, found, campaigns, churn)),
            path=config.out / "outreach" / "evaluation.json",
        )
    with whole_file(result.path) as draft:
        draft.write_text(to_json(result.as_json()) + "\n", encoding="utf-8")
    return result


def _campaign(
    config: Config,
    histories: Histories,
    found: Contacted,
    seen: Experiment,
    compared: np.ndarray,
    name: str,
) -> Campaign:
    here = (found.rows["campaign"] == name).to_numpy()
    ripe = (seen.rows["campaign"] == name).to_numpy()
    rows = found.rows[here]
    days = rows["day"].to_numpy()
    treated = rows["treated"].to_numpy(dtype=bool)
    is_compared = bool(compared[here].all())
    observed = None
    if not is_compared and seen.treated[ripe].any():
        observed = against_others(config, histories, found, seen, ripe)
    return Campaign(
        name=name,
        first=str(date_of(int(days.min()))),
        last=str(date_of(int(days.max()))),
        treated=int(treated.sum()),
        holdout=int((~treated).sum()),
        pending=int((~found.matured[here]).sum()),
        has_holdout=is_compared,
        churn=_effect(seen.churned, seen, ripe & is_compared, seen.probability),
        money=_money(seen, ripe & is_compared),
        observed=observed,
    )


def _effect(
    outcome: np.ndarray,
    seen: Experiment,
    rows: np.ndarray,
    known: np.ndarray | None,
    *,
    is_rate: bool = True,
) -> Effect | None:
    """The effect among some rows, adjusted by what was known before; None without both groups.

    Its interval for any number of looks is made for the same number of customers always: one that
    grew with the campaigns would depend on what is seen.
    """
    treated = seen.treated[rows]
    if not treated.any() or treated.all():
        return None
    return effect(outcome[rows], treated, _covariates(seen, known, rows, is_rate))


def _covariates(
    seen: Experiment, known: np.ndarray | None, rows: np.ndarray, is_rate: bool
) -> np.ndarray:
    """What was known before, and the share of each campaign that was contacted.

    With the share among them, campaigns that held out different shares can be pooled.
    """
    columns = [seen.share_treated[rows]]
    if known is not None:
        columns.append(log_odds_of(known[rows]) if is_rate else known[rows])
    return np.column_stack(columns)


def _money(seen: Experiment, rows: np.ndarray) -> Money | None:
    """What the contacts brought; None where there is neither a value nor a payment."""
    treated = seen.treated[rows]
    if not treated.any() or treated.all():
        return None
    cost = float(seen.spent[rows][treated].mean())
    kept = margin = None
    if seen.value is not None and seen.probability is not None:
        staying = (1 - seen.churned) * seen.value
        expected = (1 - seen.probability) * seen.value
        kept = _effect(staying, seen, rows, expected, is_rate=False)
    if seen.margin is not None:
        margin = _effect(seen.margin, seen, rows, seen.value, is_rate=False)
    if kept is None and margin is None:
        return None
    return Money(kept, cost, margin, int((~seen.on_record[rows][treated]).sum()))


def _parts(seen: Experiment, rows: np.ndarray) -> dict[str, dict[str, PartEffect]]:
    """Effects on churn by action, driver, risk band and segment."""
    if not rows.any():
        return {}
    covariates = _covariates(seen, seen.probability, rows, True)
    return {
        what: effects_by(
            seen.churned[rows],
            seen.treated[rows],
            covariates,
            {name: mask[rows] for name, mask in masks.items()},
        )
        for what, masks in seen.parts.items()
        if masks
    }


def _adjusted_by(seen: Experiment) -> str:
    if seen.probability is None:
        return "nothing: too little was known before the first contact to train a model on"
    return "the risk by a model that knew nothing of what came after the first contact"


def _warnings(
    config: Config, found: Contacted, campaigns: tuple[Campaign, ...], churn: Effect | None
) -> list[str]:
    warnings = []
    alone = [one.name for one in campaigns if one.treated and not one.has_holdout]
    if alone:
        warnings.append(
            f"Without a holdout: {', '.join(alone)}. Those contacted are compared with customers "
            "whom nobody contacted; that is no experiment, and what made the team choose them may "
            "be what made the difference."
        )
    idle = [one.name for one in campaigns if not one.treated]
    if idle:
        warnings.append(
            f"Nobody contacted: {', '.join(idle)}. With only those held out on record there is "
            "nothing to compare; add the rows of those who were contacted."
        )
    below = int((found.rows["cost"] < 0).sum())
    if below:
        warnings.append(
            f"{below:,} contacts are on record with a cost below 0: what the config says of their "
            "action is taken."
        )
    free = without_price(found.rows, config)
    if free:
        told = ", ".join(f"{name} ({count:,})" for name, count in free.items())
        warnings.append(
            f"Contacts without a cost on record, whose action the config does not know, count as "
            f"free: {told}."
        )
    gone = [name for name in found.left_out_of if name not in {one.name for one in campaigns}]
    if gone:
        told = "; ".join(f"{name}: {_counts(found.left_out_of[name])}" for name in gone)
        warnings.append(f"No row counts of these campaigns, so they are not told of. {told}.")
    mixed = found.left_out.get("in_both_groups", 0)
    if mixed:
        warnings.append(f"{mixed:,} rows are of customers in both groups of a campaign: left out.")
    again = found.contacted_again
    if any(again.values()):
        warnings.append(
            f"Contacted by another campaign while the window was open: {again[TREATED]:,} of those "
            f"contacted, {again[HELD_OUT]:,} of those held out. They stay in, or the groups would "
            "no longer be alike; the effect is that of being contacted first."
        )
    if any(one.pending for one in campaigns) and churn is not None:
        warnings.append(
            "Windows are still open: judge by the interval for any number of looks until all have "
            "closed."
        )
    return warnings
