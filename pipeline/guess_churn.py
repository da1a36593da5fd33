"""What churn is here: the definition that the tables allow, and figures that let it be trained.

Every figure comes with its evidence. The end of the histories, the horizon and the cutoffs belong
together: training needs cutoffs whose labels were known before the validation, the validation ones
before the test, and enough churners in each.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal

from models.split import Split, split_by_time
from pipeline.guess_counts import Counted, day_number, days_of, to_date
from pipeline.guess_reach import LONG_TAIL_DAYS, Reach, find_reach

Every = Literal["month", "week"] | int
Kind = Literal["event", "subscription", "inactivity"]

HORIZONS = (30, 60, 90, 180)
SHORT_HORIZONS = (14, 7)
"""Where histories are too short for a month."""
TEST_POINTS = 2
RETURNING = 0.8
"""A silence is telling when this share of the gaps between two signs of life is shorter."""
ENOUGH_TO_TRAIN = 50
ENOUGH_TO_TEST = 20
FOLLOWED = 0.1
"""Renewals are rows of their own where this share of the ends is followed by a start."""
GRACES = (7, 14, 30)


@dataclass(frozen=True)
class Churn:
    """The guessed `[churn]`, `[points]` and end of the histories.

    ``why`` holds the evidence by key, for comments; ``labelled`` the first and the last cutoff with
    a known label; ``too_little`` tells why training will not work, or nothing.
    """

    kind: Kind
    horizon_days: int
    seen_until: date
    labelled: tuple[date, date]
    every: Every = "month"
    grace_days: int = 0
    active_days: int | None = None
    activity: tuple[str, ...] = ()
    observed_until: date | None = None
    first: date | None = None
    why: Mapping[str, str] = field(default_factory=dict)
    too_little: str = ""

    def as_json(self) -> dict[str, object]:
        """The guessed keys and values, without what does not apply."""
        values: dict[str, object] = {
            "horizon_days": self.horizon_days,
            "every": self.every,
            "grace_days": self.grace_days,
            "active_days": self.active_days,
            "activity": list(self.activity) or None,
            "observed_until": self.observed_until,
            "first": self.first,
        }
        return {key: value for key, value in values.items() if value is not None}


def guess_churn(counted: Counted) -> Churn | None:
    """The definition for these tables; None where nothing tells who leaves."""
    reach = find_reach(counted)
    if reach is None:
        return None
    for kind in (_ByEvent, _BySubscription, _ByInactivity):
        judge = kind(counted, reach)
        if judge.possible:
            return _settled(judge, judge.reach)
    return None


class _Judge:
    """One definition of churn on the counted tables."""

    kind: Kind
    grace = 0
    activity: tuple[str, ...] = ()
    horizon = 30
    why_horizon = ""
    why_kind = ""
    wishes: tuple[tuple[int, int, bool], ...] = (
        (2 * ENOUGH_TO_TRAIN, ENOUGH_TO_TEST, True),
        (ENOUGH_TO_TRAIN, 1, True),
        (ENOUGH_TO_TRAIN, 1, False),
    )
    """Churners in training and test, and whether there is a validation; the dearest first."""

    def __init__(self, counted: Counted, reach: Reach) -> None:
        self.counted = counted
        self.reach = reach

    @property
    def possible(self) -> bool:
        raise NotImplementedError

    def history_needed(self, horizon: int) -> int:
        """Days before the first cutoff."""
        return 30

    def choices(self) -> list[tuple[Every, int]]:
        """Spacings and horizons to try, the best first: rather months than weeks."""
        wide: list[tuple[Every, int]] = [("month", h) for h in HORIZONS]
        narrow: list[tuple[Every, int]] = [("week", h) for h in (*HORIZONS, *SHORT_HORIZONS)]
        return [*wide, *narrow, *((3, h) for h in SHORT_HORIZONS)]

    def churners(self, cutoffs: Sequence[int], horizon: int) -> list[int]:
        """How many leave after each cutoff."""
        raise NotImplementedError


class _Departures(_Judge):
    """Definitions by a day on which a customer leaves."""

    left: list[int]

    def limit_reach(self) -> None:
        """Labels end where departures do, if many more were to be expected by the end."""
        before = self.left[: bisect_left(self.left, self.reach.end)]
        if not before:
            return
        last, silent = before[-1], self.reach.end - before[-1] - 1
        expected = len(before) / max(last - before[0], 1) * silent
        if silent >= LONG_TAIL_DAYS and expected >= ENOUGH_TO_TEST:
            why = f"the last customer leaves then; about {expected:,.0f} more were to be expected"
            why += f" until {to_date(self.reach.end)}"
            self.reach = replace(self.reach, end=last + 1, why_end=why)

    def churners(self, cutoffs: Sequence[int], horizon: int) -> list[int]:
        return [
            bisect_left(self.left, day + horizon) - bisect_left(self.left, day) for day in cutoffs
        ]


class _ByEvent(_Departures):
    kind = "event"

    @property
    def possible(self) -> bool:
        if "churned" not in self.counted.tables:
            return False
        found = self.counted.fetch(
            f"SELECT min(day) FROM {days_of('churned')} WHERE reason IS NULL GROUP BY customer"
        )
        self.left = sorted(day for (day,) in found)
        pattern = self.counted.tables["churned"].pattern
        self.why_kind = f"{len(self.left):,} customers leave in {pattern}"
        self.limit_reach()
        return bool(self.left)


class _BySubscription(_Departures):
    kind = "subscription"

    @property
    def possible(self) -> bool:
        if "subscriptions" not in self.counted.tables:
            return False
        self._find_grace()
        # The end of a stay: no other subscription of the customer covers or follows it.
        found = self.counted.fetch(
            "SELECT s.ended FROM spans s WHERE s.ended IS NOT NULL AND NOT EXISTS (FROM spans t "
            f"WHERE t.customer = s.customer AND t.started <= s.ended + {self.grace} "
            "AND coalesce(t.ended, 3000000) > s.ended)"
        )
        self.left = sorted(day for (day,) in found)
        until = bisect_left(self.left, self.reach.end)
        spans = self.counted.fetch("SELECT count(*), count(ended) FROM spans")[0]
        self.why_kind = f"{spans[1]:,} of {spans[0]:,} subscriptions have an end"
        self.limit_reach()
        return until > 0

    def _find_grace(self) -> None:
        """Days between an end and the next start, where a renewal is a new row."""
        gaps = self.counted.fetch(
            "SELECT next - ended FROM (SELECT ended, (SELECT min(t.started) FROM spans t WHERE "
            "t.customer = s.customer AND t.started >= s.ended AND t.subscription <> s.subscription"
            f") AS next FROM spans s WHERE ended IS NOT NULL) WHERE next - ended <= {GRACES[-1]}"
        )
        ends = self.counted.fetch("SELECT count(ended) FROM spans")[0][0]
        late = sorted(gap for (gap,) in gaps if gap > 0)
        if not ends or len(late) < FOLLOWED * ends:
            return
        most = late[int(0.95 * (len(late) - 1))]
        self.grace = next(grace for grace in GRACES if grace >= most)
        self.why_grace = (
            f"{len(late) / ends:.0%} of the ends are followed by a new start, "
            f"mostly within {most} days"
        )

    why_grace = ""


class _ByInactivity(_Judge):
    kind = "inactivity"
    wishes = ((ENOUGH_TO_TRAIN, 1, True), (ENOUGH_TO_TRAIN, 1, False))

    @property
    def possible(self) -> bool:
        self.activity = tuple(self.counted.events)
        if not self.activity:
            return False
        self._keep_gaps()
        silences = self.counted.fetch(
            f"SELECT count(*), quantile_cont(next - day, {RETURNING}) FROM gaps "
            "WHERE next IS NOT NULL"
        )
        count, telling = silences[0]
        if not self.counted.fetch("SELECT count(*) FROM gaps")[0][0]:
            return False
        self.why_kind = "no table tells who left, so a long silence counts as leaving"
        if count:
            self.horizon = next((h for h in HORIZONS if h >= telling), HORIZONS[-1])
            self.why_horizon = (
                f"{RETURNING:.0%} of those who come back do so within {telling:.0f} days"
            )
        return True

    def _keep_gaps(self) -> None:
        """Every customer's active days with the next one."""
        union = " UNION ".join(
            f"SELECT customer, day FROM {days_of(name)} WHERE acts > 0 AND day < "
            f"{self.reach.end + 1}"
            for name in self.activity
        )
        self.counted.engine.execute(
            "CREATE OR REPLACE TEMP TABLE gaps AS SELECT day, lead(day) OVER "
            f"(PARTITION BY customer ORDER BY day) AS next FROM ({union})"
        )

    def history_needed(self, horizon: int) -> int:
        return horizon

    def choices(self) -> list[tuple[Every, int]]:
        """The silence decides: a shorter one only where the histories are too short for it."""
        shorter = [h for h in reversed(HORIZONS) if h < self.horizon]
        found: list[tuple[Every, int]] = []
        for horizon in (self.horizon, *shorter):
            found += [("month", horizon), ("week", horizon)]
        return [*found, *(("week", h) for h in SHORT_HORIZONS), *((3, h) for h in SHORT_HORIZONS)]

    def churners(self, cutoffs: Sequence[int], horizon: int) -> list[int]:
        """The fewer of those who fall silent and those who stay: both are needed."""
        listed = ", ".join(f"({day})" for day in cutoffs)
        found = self.counted.fetch(
            "SELECT cutoff, count(*), count(*) FILTER (WHERE next IS NULL OR next >= cutoff + "
            f"{horizon}) FROM gaps, (VALUES {listed}) AS cutoffs (cutoff) WHERE day < cutoff AND "
            f"day >= cutoff - {horizon} AND (next IS NULL OR next >= cutoff) GROUP BY cutoff"
        )
        counts = {cutoff: min(left, active - left) for cutoff, active, left in found}
        return [counts.get(day, 0) for day in cutoffs]


@dataclass(frozen=True)
class _Plan:
    """Cutoffs and a horizon, with how many churners they give."""

    every: Every
    horizon: int
    cutoffs: Sequence[int]
    split: Split | None
    train: int
    test: int

    def suits(self, train: int, test: int, *, validated: bool) -> bool:
        if self.split is None or len(self.split.test) < TEST_POINTS:
            return False
        if validated and not self.split.validation:
            return False
        return self.train >= train and self.test >= test


def _settled(judge: _Judge, reach: Reach) -> Churn:
    plans = [_plan(judge, reach, every, horizon) for every, horizon in judge.choices()]
    found = (
        plan
        for train, test, validated in judge.wishes
        for plan in plans
        if plan.suits(train, test, validated=validated)
    )
    plan = next(found, None)
    return _told(judge, reach, plan or plans[0], enough=plan is not None)


def _plan(judge: _Judge, reach: Reach, every: Every, horizon: int) -> _Plan:
    oldest = reach.begin + judge.history_needed(horizon)
    until_known = horizon + judge.grace
    cutoffs = grid(every, oldest, reach.end - until_known)
    try:
        split = split_by_time(cutoffs, test_points=TEST_POINTS, days_until_known=until_known)
    except ValueError:
        return _Plan(every, horizon, cutoffs, None, 0, 0)
    counts = dict(zip(cutoffs, judge.churners(cutoffs, horizon), strict=True))
    train, test = (sum(counts[day] for day in part) for part in (split.train, split.test))
    return _Plan(every, horizon, cutoffs, split, train, test)


def grid(every: Every, oldest: int, newest: int) -> list[int]:
    """Day numbers of cutoffs: firsts of months, Mondays, or every so many days."""
    if every != "month":
        step = 7 if every == "week" else every
        begin = oldest + ((4 if every == "week" else 0) - oldest) % step
        return list(range(begin, newest + 1, step))
    days = []
    day = to_date(oldest)
    while day_number(day) <= newest:
        if day.day == 1:
            days.append(day_number(day))
        day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return days


def _told(judge: _Judge, reach: Reach, plan: _Plan, *, enough: bool) -> Churn:
    """The guess with its evidence."""
    figures = f"{len(plan.cutoffs)} labelled cutoffs; {plan.train:,} leave in training"
    figures += f", {plan.test:,} in the test"
    wish = judge.why_horizon
    if judge.kind == "inactivity" and plan.horizon < judge.horizon:
        wish += f", but the histories are too short for {judge.horizon}"
    why = {
        "definition": judge.why_kind,
        "horizon_days": "; ".join(part for part in (wish, figures if enough else "") if part),
        "grace_days": getattr(judge, "why_grace", ""),
        "observed_until": reach.why_end,
        "first": reach.why_begin,
        "every": "months would give too few cutoffs or leavers",
        "active_days": "as long as the silence that counts as leaving",
        "activity": "rows of these tables are signs of life",
    }
    spanned = f"{to_date(reach.begin)} to {to_date(reach.end)}"
    ends = plan.cutoffs or [reach.begin, reach.end]
    inactivity = judge.kind == "inactivity"
    return Churn(
        kind=judge.kind,
        horizon_days=plan.horizon,
        seen_until=to_date(reach.last),
        labelled=(to_date(min(ends)), to_date(max(ends))),
        every=plan.every if enough else "month",
        grace_days=judge.grace,
        active_days=plan.horizon if inactivity else None,
        activity=judge.activity,
        observed_until=to_date(reach.end) if reach.why_end else None,
        first=to_date(reach.begin + judge.history_needed(plan.horizon))
        if reach.why_begin
        else None,
        why={key: text for key, text in why.items() if text},
        too_little=""
        if enough
        else f"the histories ({spanned}) are too short, or too few leave, to train and test",
    )
