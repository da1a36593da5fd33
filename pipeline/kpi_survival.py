"""How long customers stay: curves, the median and the mean lifetime, and which groups differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from features.errors import UsageError
from features.lifetimes import Lifetimes, first_plans, lifetimes_of
from features.parts import PLAN, TENURE, parting
from models.kaplan_meier import FEWEST, Curve, LifeTable, kaplan_meier, life_table
from models.logrank import LogRank, log_rank
from models.many import holm
from pipeline.business import Business

MONTH = 365.25 / 12
MEAN_MONTHS = 24
"""The mean lifetime is that within so many months, or as many as are told: of later ones nobody
knows, and a mean without an end would be a guess about them."""
MOST_GROUPS = 12
OTHERS = "all others"


@dataclass(frozen=True)
class Group:
    """Some customers' stay.

    Attributes
    ----------
    label
        Which they are; None for everybody.
    mean
        Mean age in days of leaving within the age that all groups share, with its 95 % interval;
        None where the curve is not told so far.
    """

    label: str | None
    table: LifeTable
    curve: Curve | None
    mean: tuple[float, float, float] | None

    @property
    def left(self) -> int:
        """How many of them have left."""
        return int(self.table.left.sum())

    def after(self, months: int) -> tuple[float, float, float] | None:
        """Who is still there after so many months, with the interval; None where not told."""
        return None if self.curve is None else self.curve.at(days_of(months))

    def months_told(self) -> list[int]:
        """The whole months that the curve tells."""
        if self.curve is None:
            return []
        last = int(self.curve.stop / MONTH) + 1
        return [n for n in range(last + 1) if self.after(n) is not None]

    def as_json(self) -> dict[str, Any]:
        months = self.months_told()
        found = [self.after(n) or (None, None, None) for n in months]
        shares, low, high = ([one[place] for one in found] for place in range(3))
        return {
            "group": self.label,
            "customers": self.table.customers,
            "left": self.left,
            "seen_from_a_later_age": self.table.entered_late,
            "told_from_day": None if self.curve is None else self.curve.start,
            "months": months,
            "share": shares,
            "share_low": low,
            "share_high": high,
            **_interval("median_days", self.curve.median() if self.curve else None),
            **_interval("mean_days", self.mean),
        }


@dataclass(frozen=True)
class Grouping:
    """Groups by one thing, and whether they stay equally long.

    ``p_value`` allows for all the groupings that were looked at (Holm); None where there is nothing
    to compare.
    """

    name: str
    groups: tuple[Group, ...]
    test: LogRank
    p_value: float | None

    def as_json(self) -> dict[str, Any]:
        return {
            "by": self.name,
            "chi_squared": self.test.statistic,
            "freedom": self.test.freedom,
            "p_value": self.test.p_value,
            "p_value_holm": self.p_value,
            "groups": [
                {**group.as_json(), "left_expected": expected}
                for group, expected in zip(self.groups, self.test.expected, strict=True)
            ],
        }


@dataclass(frozen=True)
class Survival:
    """How long customers stay, as it is known for the days from `since` up to `until`."""

    since: date
    until: date
    mean_within: int
    everybody: Group
    groupings: tuple[Grouping, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "since": self.since,
            "until": self.until,
            "mean_within_days": self.mean_within,
            "all": self.everybody.as_json(),
            "by": [grouping.as_json() for grouping in self.groupings],
        }


def survival_of(business: Business) -> Survival:
    """The stay of all customers, and by each thing that parts them.

    By what the question asks for, or else by every attribute that is text or yes and no, and by the
    plan that customers began with. A customer's first stay counts: it is one customer once.
    """
    found = lifetimes_in(business)
    table = _table(found, np.ones(len(found), dtype=bool))
    curve = kaplan_meier(table)
    within = _within(table, curve)
    parts = [_parted(found, *named, within) for named in _codes(business, found)]
    tests = [log_rank([group.table for group in groups]) for _, groups in parts]
    adjusted = holm([test.p_value for test in tests])
    return Survival(
        since=found.since,
        until=found.until,
        mean_within=within,
        everybody=_group(None, table, within),
        groupings=tuple(
            Grouping(name, groups, test, p)
            for (name, groups), test, p in zip(parts, tests, adjusted, strict=True)
        ),
        notes=tuple(_notes(business, found, table, curve)),
    )


def _within(table: LifeTable, curve: Curve | None) -> int:
    """The age in days, of whole months, within which the mean lifetime is told; 0 of nobody."""
    if curve is None:
        return 0
    # Of a handful, as long as half of them are seen.
    enough = np.flatnonzero(table.at_risk >= min(FEWEST, table.at_risk.max() / 2))
    months = int(min(enough[-1] + 1, curve.stop) / MONTH)
    return days_of(min(months, MEAN_MONTHS))


def lifetimes_in(business: Business) -> Lifetimes:
    """The first stays of all customers, by what the histories tell."""
    return lifetimes_of(
        business.spells,
        begins=business.begins,
        seen_until=business.seen_until,
        grace_days=business.definition.grace_days,
    )


def days_of(months: int) -> int:
    """So many months in days."""
    return round(months * MONTH)


def _interval(name: str, values: Sequence[float | None] | None) -> dict[str, Any]:
    given = values or (None, None, None)
    return dict(zip((name, f"{name}_low", f"{name}_high"), given, strict=True))


def _table(found: Lifetimes, some: np.ndarray) -> LifeTable:
    return life_table(found.entry[some], found.exit[some], found.left[some])


def _group(label: str | None, table: LifeTable, within: int) -> Group:
    curve = kaplan_meier(table)
    told = curve is not None and curve.start < within <= curve.stop
    return Group(label, table, curve, curve.mean_until(within) if curve and told else None)


def _codes(
    business: Business, found: Lifetimes
) -> Iterator[tuple[str, tuple[str, ...], np.ndarray]]:
    """What parts customers: its name, the parts, and the place of each lifetime's; -1 of none."""
    terms = business.terms
    for name in _names(business):
        if name == PLAN and terms is not None and terms.plans:
            yield name, terms.plans, first_plans(terms, found)
            continue
        try:
            by = parting(business.histories, business.spells, terms, name, business.seen_until)
        except UsageError:
            if name in business.question.by:
                raise
            # An attribute that hardly two customers share; nobody asked for it.
            continue
        yield name, by.labels, by.at(business.seen_until)[found.customer]


def _names(business: Business) -> list[str]:
    """What was asked for; tenure is what the curves are drawn over, so it parts nobody here."""
    asked = [name for name in dict.fromkeys(business.question.by) if name != TENURE]
    if business.question.by:
        return asked
    kinds = business.histories.attributes
    told = sorted(name for name, kind in kinds.items() if kind in {"text", "bool"})
    plans = business.terms is not None and bool(business.terms.plans)
    return list(dict.fromkeys([*told, *([PLAN] if plans else [])]))


def _parted(
    found: Lifetimes, name: str, labels: Sequence[str], codes: np.ndarray, within: int
) -> tuple[str, tuple[Group, ...]]:
    """The groups, in the order of their labels; beyond the largest ones all others are one."""
    sizes = np.bincount(codes[codes >= 0], minlength=len(labels))
    largest = np.argsort(-sizes, kind="stable")
    kept = largest if len(labels) <= MOST_GROUPS else largest[: MOST_GROUPS - 1]
    groups = [
        _group(labels[place], _table(found, codes == place), within)
        for place in sorted(kept.tolist())
        if sizes[place]
    ]
    rest = (codes >= 0) & ~np.isin(codes, kept)
    if rest.any():
        groups.append(_group(OTHERS, _table(found, rest), within))
    return name, tuple(groups)


def _notes(
    business: Business, found: Lifetimes, table: LifeTable, curve: Curve | None
) -> Iterator[str]:
    if curve is None:
        yield "How long customers stay is not told: nobody came into view."
        return
    if found.since > business.begins:
        yield (
            f"Departures are on record from {found.since} on, where {business.begins} is the first "
            "day of the histories: how long customers stay is told by what happened since then."
        )
    if curve.start:
        yield (
            f"Of the first {curve.start} days of being a customer too little is known: survival "
            "is told of those who reach that age."
        )
    elif table.entered_late:
        yield (
            f"{table.entered_late:,} of {table.customers:,} customers were there before "
            f"{found.since}: in survival they count from the age that they had then."
        )
