"""Recurring revenue from period to period: by prices, or without them by what was collected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from features.periods import Period, before
from models.movements import CENTS, Movements, movements
from pipeline.business import Business

Basis = Literal["mrr", "collected"]
EVERYBODY = slice(None)


@dataclass(frozen=True)
class Revenue:
    """Movements in one currency; ``by_kind`` parts what churned by how customers left, in cents."""

    currency: str | None
    movements: Movements
    by_kind: dict[str, int] | None

    def as_json(self) -> dict[str, Any]:
        kinds = self.by_kind
        return {
            "currency": self.currency,
            **self.movements.as_json(),
            "churned_by_kind": None
            if kinds is None
            else {kind: cents / CENTS for kind, cents in kinds.items()},
        }


@dataclass(frozen=True)
class Change:
    """The money of two dates by customer, in one currency, and who was a customer at each."""

    currency: str | None
    before: np.ndarray
    after: np.ndarray
    here_before: np.ndarray
    here_after: np.ndarray
    known: np.ndarray

    def of(self, some: Any, kinds: np.ndarray | None, names: tuple[str, ...]) -> Revenue:
        """The movements of some customers; `kinds` has the place of each one's kind of churn."""
        here_before, here_after = self.here_before[some], self.here_after[some]
        found = movements(
            self.before[some],
            self.after[some],
            here_before=here_before,
            here_after=here_after,
            known=self.known[some],
        )
        if kinds is None:
            return Revenue(self.currency, found, None)
        lost = (self.before[some] - self.after[some]) * (here_before & ~here_after)
        by_kind = {name: int(lost[kinds[some] == n].sum()) for n, name in enumerate(names)}
        return Revenue(self.currency, found, by_kind)


def basis_of(business: Business) -> Basis | None:
    """What revenue is told by: prices of subscriptions, else payments, else nothing."""
    if business.terms is not None and business.terms.priced.any():
        return "mrr"
    return "collected" if business.collected is not None else None


def changes(business: Business, period: Period) -> list[Change]:
    """The money at a period's start and end, by currency; nothing where it cannot be told.

    By prices: what ran at both borders, of who was a customer there; a running period ends where
    the histories do. By payments: what was collected in the period before, and in this one, which
    has to be over; who paid more than went back is a customer of that period.
    """
    basis = basis_of(business)
    if basis == "mrr":
        return _by_prices(business, period)
    return _by_payments(business, period) if basis == "collected" else []


def _by_prices(business: Business, period: Period) -> list[Change]:
    terms, ends = business.terms, min(period.end, business.seen_until)
    assert terms is not None
    here_before, here_after = business.at(period.start), business.at(ends)
    return [
        Change(
            currency=currency,
            before=terms.at(period.start, n) * here_before,
            after=terms.at(ends, n) * here_after,
            here_before=here_before,
            here_after=here_after,
            known=business.spells.begun_by(period.start),
        )
        for n, currency in enumerate(terms.currencies)
    ]


def _by_payments(business: Business, period: Period) -> list[Change]:
    collected = business.collected
    assert collected is not None
    if not business.is_over(period):
        return []
    last = before(period, business.question.every)
    found = []
    for n, currency in enumerate(collected.currencies):
        then = collected.between(last.start, last.end, n)
        now = collected.between(period.start, period.end, n)
        known = collected.paid_before(period.start, n)
        found.append(Change(currency, then, now, then > 0, now > 0, known))
    return found


def notes_on(business: Business) -> list[str]:
    """What revenue lacks, or what people should know of it."""
    basis, terms = basis_of(business), business.terms
    if basis is None:
        lacking = "subscriptions.price" if terms is not None else "subscriptions with a price"
        return [f"No revenue is told: it needs {lacking}, or a table payments."]
    if basis == "collected":
        return [
            "Revenue is what was collected in a period against the one before (paid less refunds), "
            "since no subscription has a price; a running period has none. Who paid before the "
            "payments begin on record looks new, and who pays less often than every "
            f"{business.question.every} looks gone in between."
        ]
    assert terms is not None
    last = min(business.periods[-1].end, business.seen_until)
    found = []
    if unpriced := terms.without_price(last):
        found.append(f"{unpriced:,} subscriptions that run at {last} have no price: no revenue.")
    outside = ~business.at(last)
    for n, currency in enumerate(terms.currencies):
        cents = int(terms.at(last, n)[outside].sum())
        if cents:
            money = f"{cents / CENTS:,.2f} {currency or ''}".strip()
            found.append(
                f"At {last} subscriptions of {money} a month run for people who are no "
                "customers by the churn definition: they are not counted."
            )
    return found


def odd_retention(told: Iterable[tuple[Period, Sequence[Revenue]]], of: str = "") -> Iterator[str]:
    """Where gross retention is no share: the money of some customers was below zero."""
    odd = {period.start for period, revenue in told if any(one.movements.odd for one in revenue)}
    if odd:
        yield (
            f"{of}Gross retention is above 100 % or below 0 in {len(odd):,} periods (the first: "
            f"{min(odd)}): customers who left or changed brought less than nothing, by prices "
            "below zero or refunds. The movements add up; that share means nothing."
        )
