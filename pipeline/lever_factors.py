"""What makes customers alike at a cutoff: the covariates that levers are adjusted by, in groups.

A lever leaves out the groups that tell its own exposure. Plain functions of features that exist
(a fall in use, an open invoice, a ticket that waits), so that no model has to be trained first,
and none whose score already holds the exposure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from features.vectors import KEYS

if TYPE_CHECKING:
    import pandas as pd

WAITING_DAYS, SLOW_HOURS, POOR_CSAT = 7, 14 * 24, 2
"""A ticket waits if it is open for longer; it was slow if it took longer; its score was poor."""
STALE_DAYS = 20
NEWCOMER_DAYS = 150
MOST_LEVELS, MOST_KINDS = 8, 8

Columns = Iterator[np.ndarray]


def factors(frame: pd.DataFrame, horizon_days: int, *, without: tuple[str, ...] = ()) -> np.ndarray:
    """Points x covariates, finite; groups that are `without` and features that are not there stay
    out.

    What weighs differently for different kinds of customers gets a column for each: customers of
    the attributes that tell two or three kinds apart.
    """
    found: list[np.ndarray] = []
    for name, group in GROUPS.items():
        if name not in without:
            found += group(frame, horizon_days)
    kinds = list(_kinds(frame))
    for name, weighty in WEIGHTY.items():
        if name not in without:
            found += [one * kind for one in weighty(frame, horizon_days) for kind in kinds]
    return np.column_stack(found) if found else np.zeros((len(frame), 1))


def of(frame: pd.DataFrame, name: str) -> np.ndarray | None:
    """A feature as float64; None where it is not there."""
    return frame[name].to_numpy(np.float64, na_value=np.nan) if name in frame.columns else None


def waits(frame: pd.DataFrame) -> np.ndarray | None:
    """Points with a ticket that is open for more than a week; None without tickets that close."""
    oldest = of(frame, "tickets_open_oldest_days")
    return None if oldest is None else np.nan_to_num(oldest) > WAITING_DAYS


def badly_solved(frame: pd.DataFrame) -> np.ndarray | None:
    """Points with a ticket closed in the last 30 days after two weeks and more, or a poor score."""
    hours = of(frame, "tickets_hours_to_close_max_30d")
    if hours is None:
        return None
    csat = of(frame, "tickets_csat_min_30d")
    poor = np.zeros(len(frame), bool) if csat is None else np.nan_to_num(csat, nan=9) <= POOR_CSAT
    return (np.nan_to_num(hours) > SLOW_HOURS) | poor


def _usage(frame: pd.DataFrame, horizon_days: int) -> Columns:
    """Falls against the customer's own mean and the month before, deeper ones apart; silence."""
    own, trend = of(frame, "usage_count_vs_own_30d"), of(frame, "usage_count_trend_30d")
    if own is not None:
        level = np.log(np.nan_to_num(own, nan=1.0) + 0.05)
        yield from (np.clip(-level - start, 0, 1.5) for start in (0.0, 0.3, 0.8))
        yield np.clip(level, 0, 2)
    if trend is not None:
        yield np.clip(-np.nan_to_num(trend), 0, 1.5)
    silence = of(frame, "usage_days_since_last")
    if silence is not None:
        yield np.log1p(np.nan_to_num(silence, nan=365.0))


def _fall(frame: pd.DataFrame, horizon_days: int) -> Columns:
    own = of(frame, "usage_count_vs_own_30d")
    if own is not None:
        yield np.clip(-np.log(np.nan_to_num(own, nan=1.0) + 0.05) - 0.3, 0, 1.5)


def _payments(frame: pd.DataFrame, horizon_days: int) -> Columns:
    """An invoice that is open, for long, and one that was until lately."""
    failed, since = of(frame, "payments_last_failed"), of(frame, "payments_days_since_failed")
    run = of(frame, "payments_failed_run_days")
    if failed is None or since is None or run is None:
        return
    yield failed
    yield failed * (np.nan_to_num(run) > STALE_DAYS)
    yield (1 - failed) * (np.nan_to_num(since, nan=9e3) <= horizon_days)


def _open_invoice(frame: pd.DataFrame, horizon_days: int) -> Columns:
    failed = of(frame, "payments_last_failed")
    if failed is not None:
        yield failed


def _support(frame: pd.DataFrame, horizon_days: int) -> Columns:
    waiting, badly = waits(frame), badly_solved(frame)
    if waiting is not None:
        yield waiting.astype(float)
        oldest = frame["tickets_open_oldest_days"].to_numpy(np.float64)
        yield np.clip(np.nan_to_num(oldest), 0, 28) / 28
    if badly is not None:
        yield badly.astype(float)
    opened = of(frame, "tickets_opened_count_30d")
    if opened is not None:
        yield np.log1p(opened)


def _waiting(frame: pd.DataFrame, horizon_days: int) -> Columns:
    waiting = waits(frame)
    if waiting is not None:
        yield waiting.astype(float)


def _subscription(frame: pd.DataFrame, horizon_days: int) -> Columns:
    """Term, renewal by hand, the end of the term within the horizon, and notice."""
    yield from _term(frame, horizon_days)
    by_hand = _by_hand(frame)
    if by_hand is not None:
        yield by_hand
        yield from (by_hand * one for one in _term(frame, horizon_days))


def _by_hand(frame: pd.DataFrame) -> np.ndarray | None:
    renews = of(frame, "subscriptions_auto_renew")
    return None if renews is None else (renews == 0).astype(float)


def _term(frame: pd.DataFrame, horizon_days: int) -> Columns:
    yearly, left = of(frame, "subscriptions_is_yearly"), of(frame, "subscriptions_days_to_renewal")
    if yearly is not None:
        yield np.nan_to_num(yearly)
    yearly = np.ones(len(frame)) if yearly is None else np.nan_to_num(yearly)
    if left is not None:
        yield yearly * (np.nan_to_num(left, nan=9e3) < horizon_days)
    noticed = of(frame, "subscriptions_notice_given")
    if noticed is not None:
        yield noticed


def _price(frame: pd.DataFrame, horizon_days: int) -> Columns:
    """The last rise, by how long ago it was."""
    since = of(frame, "subscriptions_days_since_price_change")
    size = of(frame, "subscriptions_last_price_change")
    if since is not None and size is not None:
        rise = np.clip(np.nan_to_num(size), 0, 1)
        for first, last in ((0, 30), (30, 60), (60, 91)):
            yield rise * ((since >= first) & (since < last))


def _start(frame: pd.DataFrame, horizon_days: int) -> Columns:
    """What newcomers did in their first 30 days, all and by kind."""
    tenure = of(frame, "customers_tenure_days")
    names = [name for name in frame.columns if name.endswith("_count_first_30d")]
    if tenure is None:
        return
    fresh = np.clip((NEWCOMER_DAYS - tenure) / 90, 0, 1)
    for name in names[: MOST_KINDS + 1]:
        yield fresh * np.log1p(np.nan_to_num(frame[name].to_numpy(np.float64)))


def _profile(frame: pd.DataFrame, horizon_days: int) -> Columns:
    """Attributes and plan."""
    for name in frame.columns:
        if frame[name].dtype == "category":
            yield from _levels(frame[name].astype(object).to_numpy())
        elif name.startswith("customers_profile_"):
            values = of(frame, name)
            assert values is not None
            yield np.isnan(values).astype(float)
            yield np.nan_to_num(np.sign(values) * np.log1p(np.abs(values)))


def _tenure(frame: pd.DataFrame, horizon_days: int) -> Columns:
    """How long they have been customers, and whether they are new."""
    tenure = of(frame, "customers_tenure_days")
    if tenure is not None:
        yield np.log1p(np.maximum(tenure, 0))
        yield np.clip((NEWCOMER_DAYS - tenure) / 90, 0, 1)
        yield (tenure < 30).astype(float)


def _time(frame: pd.DataFrame, horizon_days: int) -> Columns:
    """The cutoff: what happens to everybody at a time is nobody's own."""
    cutoffs = frame[KEYS[1]].to_numpy()
    yield from ((cutoffs == one).astype(float) for one in np.unique(cutoffs)[1:])


def _levels(texts: np.ndarray) -> Columns:
    """A column for each of the commonest values but one."""
    named = np.array([one if isinstance(one, str) else "" for one in texts], dtype=object)
    found, counts = np.unique(named.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")[1 : MOST_LEVELS + 1]
    yield from ((named == one).astype(float) for one in found[order])


def _kinds(frame: pd.DataFrame) -> Columns:
    """Kinds of customers, of attributes with two or three."""
    for name in frame.columns:
        if name.startswith("customers_profile_") and frame[name].dtype == "category":
            texts = frame[name].astype(object).to_numpy()
            if len({one for one in texts if isinstance(one, str)}) in (2, 3):
                yield from _levels(texts)


GROUPS: dict[str, Callable[[pd.DataFrame, int], Columns]] = {
    "usage": _usage,
    "payments": _payments,
    "support": _support,
    "subscription": _subscription,
    "price": _price,
    "onboarding": _start,
    "profile": _profile,
    "tenure": _tenure,
    "time": _time,
}
WEIGHTY: dict[str, Callable[[pd.DataFrame, int], Columns]] = {
    "usage": _fall,
    "payments": _open_invoice,
    "support": _waiting,
    "subscription": _term,
    "tenure": _tenure,
}
