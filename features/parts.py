"""Parts of the customers that key figures are told for: attributes, plans, bands of tenure."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np

from features.arrays import values
from features.errors import UsageError
from features.histories import Histories
from features.plan import NO_PLAN, Plan, texts_of
from features.prices import Terms
from features.spells import Spells
from features.tables import CUSTOMER

PLAN, TENURE = "plan", "tenure"
BANDS = (3, 12, 24)
"""Months since sign-up at which a band of tenure ends and the next begins."""
BAND_NAMES = ("0-3 months", "3-12 months", "12-24 months", "24+ months")
YES_NO = ("no", "yes")


@dataclass(frozen=True)
class Parting:
    """How customers are parted.

    Attributes
    ----------
    name
        As it was asked for.
    labels
        The parts, in order.
    at
        Per customer the place of its part in `labels` at a cutoff; -1 where it has none.
    """

    name: str
    labels: tuple[str, ...]
    at: Callable[[date], np.ndarray]


def parting(
    histories: Histories, spells: Spells, terms: Terms | None, name: str, known_before: date
) -> Parting:
    """Part customers by an attribute, by ``plan``, or by ``tenure``.

    Texts are told apart as features tell them, by what was known before a date: the commonest by
    name, the others as one.

    Raises
    ------
    UsageError
        When there is no such column, or it parts nobody.
    """
    if name == TENURE and TENURE not in histories.attributes:
        return Parting(name, BAND_NAMES, lambda day: tenure_bands(spells.signed_up, day))
    if name == PLAN and terms is not None and terms.plans:
        return _by_plan(histories, terms, known_before)
    if histories.attributes.get(name) in {"text", "bool"}:
        return _by_attribute(histories, name, known_before)
    raise _unknown(histories, terms, name)


def _unknown(histories: Histories, terms: Terms | None, name: str) -> UsageError:
    usable = sorted(n for n, kind in histories.attributes.items() if kind in {"text", "bool"})
    usable += [PLAN] if terms is not None and terms.plans else []
    usable = list(dict.fromkeys([*usable, TENURE]))
    near = difflib.get_close_matches(name, usable, n=1, cutoff=0.5)
    what = f"There is no column {name!r} to part customers by."
    if name in histories.attributes:
        what = f"The attribute {name!r} is a number, which parts customers into no groups."
    return UsageError(
        what,
        where="--by",
        value=repr(name),
        allowed=", ".join(usable),
        fix=f"--by {near[0] if near else TENURE}",
    )


def _by_attribute(histories: Histories, name: str, known_before: date) -> Parting:
    rows = histories.tables["customers"].order_by(CUSTOMER).select(name)
    given = values(histories.engine.to_pyarrow(rows)[name])
    if histories.attributes[name] == "bool":
        codes = np.where(np.isnan(given), -1, np.nan_to_num(given)).astype(np.int64)
        return Parting(name, YES_NO, lambda day: codes)
    told = _told_apart(histories, "customers", name, given, known_before)
    labels, codes = _placed(told)
    return Parting(name, labels, lambda day: codes)


def _by_plan(histories: Histories, terms: Terms, known_before: date) -> Parting:
    plans = np.array([*terms.plans, None], dtype=object)
    told = _told_apart(histories, "subscriptions", PLAN, plans, known_before)
    labels, codes = _placed(told)
    # Who has no plan has the place -1, which is that of the None at the end.
    return Parting(PLAN, labels, lambda day: codes[terms.main_plan(day)])


def _placed(told: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Texts in order, and the place of each one given; -1 for none."""
    labels = tuple(sorted({text for text in told if text is not None}))
    place = {text: n for n, text in enumerate(labels)}
    return labels, np.array([place.get(text, -1) for text in told], dtype=np.int64)


def _told_apart(
    histories: Histories, table: str, name: str, given: np.ndarray, known_before: date
) -> np.ndarray:
    """The texts given, those that a feature would not tell apart as one."""
    found = {(text.table, text.column): text for text in texts_of(histories, known_before)}
    text = found[table, name]
    if text.names_rows:
        raise UsageError(
            f"The column {table}.{name} has {text.values:,} values, none of them common.",
            where="--by",
            value=repr(name),
            allowed="a column that parts customers into groups",
            fix="group its values in the export, or leave it out",
        )
    key = f"{table}.{name}"
    levels = tuple(level.strip() for level in text.levels)
    plan = Plan(NO_PLAN.windows, {}, {key: levels}, {})
    return plan.told_apart(key, given)


def tenure_bands(signed_up: np.ndarray, day: date) -> np.ndarray:
    """The place in `BAND_NAMES` of days of sign-up at a cutoff, by whole months of the calendar."""
    # Days that never came have no calendar; nobody of them is a customer.
    dates = np.minimum(signed_up, np.datetime64(day).astype(np.int64)).astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    of_month = (dates - months.astype("datetime64[D]")).astype(np.int64)
    passed = day.year * 12 + day.month - 1 - (months.astype(np.int64) + 1970 * 12)
    passed = passed - (day.day - 1 < of_month)
    return np.searchsorted(BANDS, passed, side="right")
