"""What an action is expected to bring for a customer, and how sure that is.

Expected profit = P(leave) x success x value - cost - incentive x P(would have stayed anyway).
The probabilities, the values and the success rates are estimates that are wrong for all customers
alike, so one draw of them holds for everybody: what is doubted in common does not average out
over many customers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.levers import Lever

RUN, DO_NOT_RUN, NO_CONTACTS = "run", "do not run", "no contacts"
TAILS = (0.025, 0.975)
"""Of an interval of 95 %."""
CHUNK = 4096


@dataclass(frozen=True)
class Doubt:
    """How wrong the estimates may be that all customers share.

    Attributes
    ----------
    probability
        Standard deviation of a common shift of the log-odds of leaving.
    value
        Standard error of all values together, as a share of them.
    """

    probability: float = 0.0
    value: float = 0.0
    draws: int = 400
    seed: int = 0


@dataclass(frozen=True)
class Outlook:
    """What contacts are expected to bring together, with an interval of 95 %; money."""

    expected: float
    low: float
    high: float
    contacts: int
    cost: float

    @property
    def verdict(self) -> str:
        """Run only where the whole interval lies above zero; of no contacts there is none."""
        if not self.contacts:
            return NO_CONTACTS
        return RUN if self.low > 0 else DO_NOT_RUN


@dataclass(frozen=True)
class Forecast:
    """By customer the interval of its action's profit (nan: no action); the contacts' outlook."""

    low: np.ndarray
    high: np.ndarray
    by_action: dict[str, Outlook]
    total: Outlook


@dataclass(frozen=True)
class _Draws:
    """Factors on odds and values, a number a draw, and success rates, draws x levers."""

    odds: np.ndarray
    values: np.ndarray
    success: np.ndarray


def expected_profits(
    probability: np.ndarray, value: np.ndarray, levers: Sequence[Lever], fits: np.ndarray
) -> np.ndarray:
    """The expected profit of each action for each customer, customers x levers.

    Parameters
    ----------
    fits
        Customers x levers, not below 0: how many times the success rate is expected here; nobody
        is kept more than surely. 0: the action is not offered to that customer, which makes its
        profit ``nan``.

    Raises
    ------
    ValueError
        When a fit is below 0 or no number, or sizes disagree.
    """
    if fits.shape != (len(probability), len(levers)):
        raise ValueError(f"fits of {fits.shape} for {len(probability)} x {len(levers)}")
    if not ((fits >= 0) & (fits < np.inf)).all():
        raise ValueError("fits must be numbers of at least 0")
    at_stake, stays = probability * value, 1 - probability
    found = np.empty(fits.shape)
    for k, lever in enumerate(levers):
        profit = at_stake * np.minimum(lever.success_rate * fits[:, k], 1.0)
        profit -= lever.cost + lever.incentive * stays
        found[:, k] = np.where(fits[:, k] > 0, profit, np.nan)
    return found


def forecast(
    *,
    probability: np.ndarray,
    value: np.ndarray,
    levers: Sequence[Lever],
    fits: np.ndarray,
    action: np.ndarray,
    contacted: np.ndarray,
    doubt: Doubt,
) -> Forecast:
    """How sure the profit of everybody's action is, and that of all who are contacted.

    Parameters
    ----------
    action
        By customer the place of its lever, -1 for none.
    contacted
        Which customers count for the outlook.
    """
    draws = _drawn(levers, doubt)
    low, high = np.full((2, len(action)), np.nan)
    sums = np.zeros((doubt.draws, len(levers)))
    for k, rows in _chunks(action, len(levers)):
        kept = np.minimum(fits[rows, k][:, None] * draws.success[:, k], 1.0)
        profits = _profits(probability[rows], value[rows], kept, levers[k], draws)
        low[rows], high[rows] = np.quantile(profits, TAILS, axis=1)
        sums[:, k] += profits[contacted[rows]].sum(axis=0)
    expected = expected_profits(probability, value, levers, fits)
    alone = {
        lever.name: _outlook([k], expected, sums, levers, np.where(contacted, action, -1))
        for k, lever in enumerate(levers)
    }
    every = _outlook(
        list(range(len(levers))), expected, sums, levers, np.where(contacted, action, -1)
    )
    return Forecast(low, high, alone, every)


def _drawn(levers: Sequence[Lever], doubt: Doubt) -> _Draws:
    """Estimates as they may be; the factor on values has mean 1."""
    random = np.random.default_rng(doubt.seed)
    odds = np.exp(random.normal(0.0, doubt.probability, doubt.draws))
    spread = np.sqrt(np.log1p(doubt.value**2))
    values = np.exp(random.normal(-(spread**2) / 2, spread, doubt.draws))
    success = [
        np.full(doubt.draws, lever.success_rate)
        if lever.certain
        else random.beta(
            lever.success_rate * lever.evidence,
            (1 - lever.success_rate) * lever.evidence,
            doubt.draws,
        )
        for lever in levers
    ]
    return _Draws(odds, values, np.array(success).reshape(len(levers), doubt.draws).T)


def _chunks(action: np.ndarray, levers: int) -> Iterator[tuple[int, np.ndarray]]:
    """Customers with the same action, not too many at once."""
    for k in range(levers):
        own = np.flatnonzero(action == k)
        for start in range(0, len(own), CHUNK):
            yield k, own[start : start + CHUNK]


def _profits(
    probability: np.ndarray, value: np.ndarray, kept: np.ndarray, lever: Lever, draws: _Draws
) -> np.ndarray:
    """Customers x draws, as is `kept`: the share of those who would leave that is kept."""
    leaves = probability[:, None] * draws.odds
    leaves /= leaves + (1 - probability[:, None])
    per_leaver = value[:, None] * (kept * draws.values)
    per_leaver += lever.incentive
    per_leaver *= leaves
    per_leaver -= lever.cost + lever.incentive
    return per_leaver


def _outlook(
    places: list[int],
    expected: np.ndarray,
    sums: np.ndarray,
    levers: Sequence[Lever],
    action: np.ndarray,
) -> Outlook:
    rows = [np.flatnonzero(action == k) for k in places]
    low, high = np.quantile(sums[:, places].sum(axis=1), TAILS)
    return Outlook(
        expected=float(sum(expected[own, k].sum() for k, own in zip(places, rows, strict=True))),
        low=float(low),
        high=float(high),
        contacts=sum(len(own) for own in rows),
        cost=float(sum(len(own) * levers[k].outlay for k, own in zip(places, rows, strict=True))),
    )
