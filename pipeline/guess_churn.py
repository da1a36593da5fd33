"""What churn is here: the definition that the tables allow, and figures that let it be trained.

Every figure comes with its evidence. The end of the histories, the horizon and the cutoffs belong
together: training needs cutoffs whose labels were known before the validation, the validation ones
before the test, and enough churners in each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import cache
from typing import Any

import numpy as np

from features.arrays import days, indices
from features.churn import NEVER, Definition, activity
from features.departures import departures_of, latest_versions
from features.engines import Embedded
from features.errors import TooLittleData
from features.histories import Histories
from features.inspection import EVENTS
from features.points import Every, labelled_cutoffs, make_points
from features.sql import text_of
from features.tables import CUSTOMER
from features.timeline import day_number
from models.split import rolling_origins, split_by_time
from pipeline.config import Model
from pipeline.guess_reach import LONG_TAIL_DAYS, Reach, find_reach, to_date

HORIZONS = (30, 60, 90, 180)
SHORT_HORIZONS = (14, 7)
"""Where histories are too short for a month."""
RETURNING = 0.8
"""A silence is telling when this share of the gaps between two signs of life is shorter."""
ENOUGH_TO_TRAIN = 50
ENOUGH_TO_TEST = 20
FOLLOWED = 0.1
"""Renewals are rows of their own where this share of the ends is followed by a start."""
GRACES = (7, 14, 30)
APART = 10**7
"""More days than between any two times: keeps customers apart in one ascending list."""


@dataclass(frozen=True)
class Churn:
    """The guessed `[churn]`, `[points]` and end of the histories.

    ``why`` holds the evidence by key, for comments; ``labelled`` the first and the last cutoff with
    a known label; ``too_little`` tells why training will not work, or nothing.
    """

    definition: Definition
    seen_until: date
    labelled: tuple[date, date]
    every: Every
    observed_until: date | None
    first: date | None
    why: Mapping[str, str]
    too_little: str = ""

    def as_json(self) -> dict[str, Any]:
        """The guessed keys and values, without what does not apply."""
        inactivity = self.definition.kind == "inactivity"
        values = {
            "horizon_days": self.definition.horizon_days,
            "every": self.every,
            "grace_days": self.definition.grace_days,
            "active_days": self.definition.active_days if inactivity else None,
            "activity": list(self.definition.activity) if inactivity else None,
            "observed_until": self.observed_until,
            "first": self.first,
        }
        return {key: value for key, value in values.items() if value is not None}


@dataclass(frozen=True)
class _Wish:
    """A definition that the tables allow, with spacings and horizons to try, the best first.

    ``enough`` holds the fewest leavers and stayers in training and test, and whether there is to
    be a validation; the dearest first.
    """

    definition: Definition
    reach: Reach
    choices: Sequence[tuple[Every, int]]
    why: Mapping[str, str]
    enough: Sequence[tuple[int, int, bool]] = (
        (2 * ENOUGH_TO_TRAIN, ENOUGH_TO_TEST, True),
        (ENOUGH_TO_TRAIN, 1, True),
        (ENOUGH_TO_TRAIN, 1, False),
    )


def guess_churn(histories: Histories) -> Churn | None:
    """The definition for these tables; None where nothing tells who leaves."""
    reach = find_reach(histories)
    for allowed in (_by_event, _by_subscription, _by_inactivity):
        wish = allowed(histories, reach)
        if wish is not None:
            return _settled(histories, wish)
    return None


def _by_event(histories: Histories, reach: Reach) -> _Wish | None:
    rows = histories.tables.get("churned")
    if rows is None:
        return None
    left = _days(histories, rows.group_by(CUSTOMER).agg(left_at=rows["churned_at"].min()))
    why = {"definition": f"the table churned names {len(left):,} customers who left"}
    return _Wish(Definition("event"), _while_some_leave(left, reach), _rather_months(), why)


def _by_subscription(histories: Histories, reach: Reach) -> _Wish | None:
    if "subscriptions" not in histories.tables:
        return None
    rows = latest_versions(histories.tables["subscriptions"])
    spans = histories.engine.to_pyarrow(rows.select(CUSTOMER, "started_at", "ended_at"))
    grace, why_grace = _grace(spans)
    left = _days(histories, departures_of(rows, grace))
    if not (left < reach.end).any():
        return None
    ended = len(spans) - spans["ended_at"].null_count
    why = {
        "definition": f"{ended:,} of {len(spans):,} subscriptions have an end",
        "grace_days": why_grace,
    }
    definition = Definition("subscription", grace_days=grace)
    return _Wish(definition, _while_some_leave(left, reach), _rather_months(), why)


def _days(histories: Histories, departures: Any) -> np.ndarray:
    """The days on which customers leave, ascending."""
    return np.sort(days(histories.engine.to_pyarrow(departures)["left_at"], null=NEVER))


def _rather_months() -> list[tuple[Every, int]]:
    wide: list[tuple[Every, int]] = [("month", h) for h in HORIZONS]
    narrow: list[tuple[Every, int]] = [("week", h) for h in (*HORIZONS, *SHORT_HORIZONS)]
    return [*wide, *narrow, *((3, h) for h in SHORT_HORIZONS)]


def _while_some_leave(left: np.ndarray, reach: Reach) -> Reach:
    """Labels end where departures do, if many more were to be expected by the end."""
    before = left[left < reach.end]
    if not len(before):
        return reach
    last, silent = int(before[-1]), reach.end - int(before[-1]) - 1
    expected = len(before) / max(last - int(before[0]), 1) * silent
    if silent < LONG_TAIL_DAYS or expected < ENOUGH_TO_TEST:
        return reach
    why = f"the last customer leaves then; about {expected:,.0f} more were to be expected"
    return replace(reach, end=last + 1, why_end=f"{why} until {to_date(reach.end)}")


def _grace(spans: Any) -> tuple[int, str]:
    """Days between an end and the customer's next start, where a renewal is a new row."""
    owner = indices(spans[CUSTOMER]) * APART
    starts = np.sort(owner + days(spans["started_at"], null=0))
    ended = days(spans["ended_at"], null=NEVER)
    ends = (owner + ended)[ended < NEVER]
    following = np.append(starts, np.iinfo(np.int64).max)[np.searchsorted(starts, ends)]
    gaps = following - ends
    late = np.sort(gaps[(gaps > 0) & (gaps <= GRACES[-1])])
    if not len(late) or len(late) < FOLLOWED * len(ends):
        return 0, ""
    most = late[int(0.95 * (len(late) - 1))]
    share = f"{len(late) / len(ends):.0%} of the ends are followed by a new start"
    return next(g for g in GRACES if g >= most), f"{share}, mostly within {most} days"


def _by_inactivity(histories: Histories, reach: Reach) -> _Wish | None:
    names = tuple(name for name in EVENTS if name in histories.tables)
    if not names:
        return None
    telling = _telling_silence(histories, names, reach)
    why = {
        "definition": "no table tells who left, so a long silence counts as leaving",
        "active_days": "as long as the silence that counts as leaving",
        "activity": "rows of these tables are signs of life",
    }
    longest = HORIZONS[0]
    if telling is not None:
        longest = next((h for h in HORIZONS if h >= telling), HORIZONS[-1])
        back = f"{RETURNING:.0%} of those who come back do so within {telling:.0f} days"
        why["horizon_days"] = back
    # The silence decides: a shorter one only where the histories are too short for it.
    horizons = [longest, *(h for h in reversed(HORIZONS) if h < longest)]
    choices: list[tuple[Every, int]] = []
    for horizon in horizons:
        choices += [("month", horizon), ("week", horizon)]
    choices += [(every, h) for every in ("week", 3) for h in SHORT_HORIZONS]
    enough = ((ENOUGH_TO_TRAIN, 1, True), (ENOUGH_TO_TRAIN, 1, False))
    return _Wish(Definition("inactivity", activity=names), reach, choices, why, enough)


def _telling_silence(histories: Histories, names: Sequence[str], reach: Reach) -> float | None:
    """Days within which most gaps between a customer's active days end; None without a gap."""
    acts = histories.engine.compile(activity(histories, names))
    query = (
        f"SELECT DISTINCT {CUSTOMER} AS customer, CAST(occurred_at AS DATE) AS day FROM ({acts}) "
        f"WHERE occurred_at < {text_of(str(to_date(reach.end + 1)))}"
    )
    next_day = "lead(day) OVER (PARTITION BY customer ORDER BY day)"
    gaps = f"SELECT {next_day} - day AS gap FROM ({query})"
    assert isinstance(histories.engine, Embedded), "files are guessed at with the embedded engine"
    found = histories.engine.raw_sql(f"SELECT quantile_cont(gap, {RETURNING}) FROM ({gaps})")
    ((telling,),) = found.fetchall()
    return telling


@dataclass(frozen=True)
class _Plan:
    """Cutoffs of a definition: who leaves, and the fewer of leavers and stayers.

    Both are counted in training and test.
    """

    definition: Definition
    every: Every
    cutoffs: Sequence[date] = ()
    validated: bool = False
    leavers: tuple[int, int] = (0, 0)
    fewest: tuple[int, int] = (0, 0)

    def suits(self, train: int, test: int, validated: bool) -> bool:
        enough = self.fewest[0] >= train and self.fewest[1] >= test
        return enough and (self.validated or not validated)


def _settled(histories: Histories, wish: _Wish) -> Churn:
    reach = wish.reach
    if reach.why_begin:
        histories = replace(histories, observed_from=_midnight(reach.begin))
    seen_until = histories.observed_until.date()
    if reach.why_end:
        histories = replace(histories, observed_until=_midnight(reach.end))

    @cache
    def plan(every: Every, horizon: int) -> _Plan:
        return _plan(histories, wish.definition, every, horizon)

    suited = (
        plan(*choice)
        for enough in wish.enough
        for choice in wish.choices
        if plan(*choice).suits(*enough)
    )
    found = next(suited, None)
    return _told(wish, found or plan(*wish.choices[0]), seen_until, enough=found is not None)


def _midnight(day: int) -> datetime:
    return datetime.combine(to_date(day), time())


def _plan(histories: Histories, definition: Definition, every: Every, horizon: int) -> _Plan:
    """What training would have with these cutoffs and this horizon."""
    definition = replace(definition, horizon_days=horizon, active_days=horizon)
    try:
        cutoffs = labelled_cutoffs(histories, definition, every=every)
    except TooLittleData:
        return _Plan(definition, every)
    try:
        split = split_by_time(
            [day_number(cutoff) for cutoff in cutoffs],
            test_points=Model().test_points,
            days_until_known=definition.days_until_known,
        )
        counts = make_points(histories, definition, cutoffs).counts
    except (TooLittleData, ValueError):
        return _Plan(definition, every, cutoffs)
    folds = rolling_origins(split.known, days_until_known=definition.days_until_known)
    learned = folds[-1].train if folds else split.known
    parts = [[c for c in counts if day_number(c.cutoff) in p] for p in (learned, split.test)]
    left = [[c.churned or 0 for c in part] for part in parts]
    stay = [[c.points - (c.churned or 0) for c in part] for part in parts]
    train, test = (sum(part) for part in left)
    fewest = [min(sum(a), sum(b)) for a, b in zip(left, stay, strict=True)]
    return _Plan(definition, every, cutoffs, bool(folds), (train, test), (fewest[0], fewest[1]))


def _told(wish: _Wish, plan: _Plan, seen_until: date, *, enough: bool) -> Churn:
    """The guess with its evidence."""
    reach, why = wish.reach, dict(wish.why)
    silence = why.pop("horizon_days", "")
    if silence and plan.definition.horizon_days < wish.choices[0][1]:
        silence += f", but the histories are too short for {wish.choices[0][1]}"
    train, test = plan.leavers
    figures = (
        f"{len(plan.cutoffs)} labelled cutoffs; {train:,} leave in training, {test:,} in the test"
    )
    why |= {
        "horizon_days": "; ".join(part for part in (silence, figures if enough else "") if part),
        "observed_until": reach.why_end,
        "first": reach.why_begin,
        "every": "months would give too few cutoffs or leavers",
    }
    begin, end = to_date(reach.begin), to_date(reach.end)
    ends = plan.cutoffs or (begin, end)
    short = f"the histories ({begin} to {end}) are too short, or too few leave, to train and test"
    return Churn(
        definition=plan.definition,
        seen_until=seen_until,
        labelled=(ends[0], ends[-1]),
        every=plan.every if enough else "month",
        observed_until=end if reach.why_end else None,
        first=ends[0] if reach.why_begin else None,
        why={key: text for key, text in why.items() if text},
        too_little="" if enough else short,
    )
