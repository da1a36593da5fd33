"""What share of leavers an action keeps, learned from campaigns.

Before any campaign there is what the team believes: a Beta distribution with a mean, worth so many
leavers. A campaign with ``x_h`` leavers of ``n_h`` in the holdout and ``x_t`` of ``n_t`` treated
adds its likelihood: with ``q`` the churn rate without a contact and ``s`` the success rate,

    x_h ~ Binomial(n_h, q),   x_t ~ Binomial(n_t, q (1 - s f)),   s in [0, 1]

where ``f`` is how many times the success rate was expected of the treated, for how well the action
fitted them (1 where nothing tells), and ``q``, which nobody needs to know, is integrated out: under
Jeffreys' prior, or under what a model of before said of these customers (a Beta distribution worth
as many customers as the model is trusted), so that a few customers held out are not all that tells
how many would have left.
Campaigns have their own ``q`` and share ``s``; the product with the prior is taken on a grid
(Gelman et al. 2013, chapters 3 and 5), and a Beta with the same mean and variance is told. An
action that does harm ends near 0: a rate below nothing has no place in the expected profit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FEWEST_EXPECTED = 10.0
"""So many of the treated must have been expected to leave without the contact,"""
FEWEST_BY_MODEL = 3.0
"""(fewer where a model tells how many, as few customers held out do not)"""
FEWEST_HELD_OUT = 5
"""and so many of the holdout must have left, before anything is learned."""
STEPS, RATES = 1000, 600
"""Points of the grid: success rates, and churn rates without a contact."""
MOST_KEPT = 1 - 0.5 / STEPS
"""Nobody is kept for sure."""
FARTHEST = 1e-7
"""Churn rates less likely than this on either side are left out."""


@dataclass(frozen=True)
class Campaign:
    """What came of an action once.

    Attributes
    ----------
    treated, treated_leavers, holdout, holdout_leavers
        Customers of each arm, and how many of them left.
    rate, rate_evidence
        The churn rate of the treated without the contact by a model of before, and how many
        customers held out it is worth.
    fit
        How many times the success rate is expected of the treated, their mean.
    """

    treated: int
    treated_leavers: int
    holdout: int
    holdout_leavers: int
    rate: float | None = None
    rate_evidence: float = 0.0
    fit: float = 1.0

    def __post_init__(self) -> None:
        arms = ((self.treated_leavers, self.treated), (self.holdout_leavers, self.holdout))
        if not all(0 <= leavers <= customers for leavers, customers in arms):
            raise ValueError(f"an arm has from none to all of its customers as leavers: {self}")
        if self.rate is not None and not (0 < self.rate < 1 and self.rate_evidence > 0):
            raise ValueError(f"a rate lies between 0 and 1 and is worth some customers: {self}")
        if not 0 < self.fit < np.inf:
            raise ValueError(f"the treated are fitted more than not at all: {self}")

    @property
    def expected(self) -> float:
        """Leavers among the treated, had they not been contacted."""
        left, customers = self.without_contact
        return self.treated * left / customers if customers else 0.0

    @property
    def without_contact(self) -> tuple[float, float]:
        """Leavers, and of how many customers: those held out, and what the model is worth."""
        told = 0.0 if self.rate is None else self.rate * self.rate_evidence
        worth = 0.0 if self.rate is None else self.rate_evidence
        return self.holdout_leavers + told, self.holdout + worth


@dataclass(frozen=True)
class Success:
    """The success rate of an action.

    Attributes
    ----------
    mean, evidence
        Of the Beta distribution: its mean, and how many leavers it is worth.
    low, high
        The middle 95 %.
    learned, why
        Whether campaigns told anything; if not, the prior is told, and why.
    prior_mean, prior_evidence
        What was believed before.
    treated, treated_leavers, holdout, holdout_leavers, expected
        Of all campaigns; `expected` leavers among the treated without the contact.
    """

    mean: float
    evidence: float
    low: float
    high: float
    learned: bool
    why: str
    prior_mean: float
    prior_evidence: float
    treated: int
    treated_leavers: int
    holdout: int
    holdout_leavers: int
    expected: float


def learn(
    mean: float, evidence: float, campaigns: Sequence[Campaign], *, held_out_leavers: int = 0
) -> Success:
    """The success rate after these campaigns; their order does not matter.

    Parameters
    ----------
    mean, evidence
        What is believed before: the success rate, and how many leavers that belief is worth.
    held_out_leavers
        Of all that the rates by a model were held against, whatever their action.

    Raises
    ------
    ValueError
        When the mean is not between 0 and 1, or the evidence not above 0.
    """
    if not 0 <= mean <= 1 or not 0 < evidence < np.inf:
        raise ValueError(
            f"a success rate is between 0 and 1 and worth some leavers, not {mean:g} worth "
            f"{evidence:g}"
        )
    # In one order, so that the sums are the same to the last bit.
    used = sorted(campaigns, key=_order)
    why = _too_little(used, held_out_leavers)
    sure = mean in (0.0, 1.0)
    if why or sure:
        found = (mean, evidence, *_middle_of_prior(mean, evidence))
        why = why or "a success rate of exactly 0 or 1 leaves nothing to learn"
    else:
        found = _moments(_posterior(mean, evidence, used))
    return Success(
        *found,
        learned=not why,
        why=why,
        prior_mean=mean,
        prior_evidence=evidence,
        treated=sum(one.treated for one in used),
        treated_leavers=sum(one.treated_leavers for one in used),
        holdout=sum(one.holdout for one in used),
        holdout_leavers=sum(one.holdout_leavers for one in used),
        expected=sum(one.expected for one in used),
    )


def _order(campaign: Campaign) -> tuple[float, ...]:
    counts = campaign.treated, campaign.treated_leavers, campaign.holdout, campaign.holdout_leavers
    return *counts, campaign.rate or 0.0, campaign.rate_evidence, campaign.fit


def _too_little(campaigns: Sequence[Campaign], held_out_leavers: int) -> str:
    """Why nothing can be learned; empty where it can."""
    expected = sum(one.expected for one in campaigns)
    held_out = max(sum(one.holdout_leavers for one in campaigns), held_out_leavers)
    if not campaigns:
        return "no campaign with a holdout yet"
    if held_out < FEWEST_HELD_OUT:
        return f"{held_out:,} of the holdout left; it takes {FEWEST_HELD_OUT}"
    fewest = FEWEST_BY_MODEL if all(one.rate for one in campaigns) else FEWEST_EXPECTED
    if expected < fewest:
        return (
            f"{expected:.1f} of the treated would have left without the contact; it takes "
            f"{fewest:g}"
        )
    return ""


def _grid() -> np.ndarray:
    """Success rates, the middle of each step."""
    return (np.arange(STEPS) + 0.5) / STEPS


def _posterior(mean: float, evidence: float, campaigns: Sequence[Campaign]) -> np.ndarray:
    """The probability of each step of the grid."""
    grid = _grid()
    log = (mean * evidence - 1) * np.log(grid) + ((1 - mean) * evidence - 1) * np.log1p(-grid)
    for one in campaigns:
        log = log + _likelihood(one, grid)
    weights = np.exp(log - log.max())
    return np.asarray(weights / weights.sum())


def _likelihood(campaign: Campaign, grid: np.ndarray) -> np.ndarray:
    """The log-likelihood of each success rate, the churn rate integrated out."""
    left, customers = campaign.without_contact
    if not customers or not campaign.treated:
        return np.zeros_like(grid)
    q = _churn_rates(campaign)
    held_out = (left - 0.5) * np.log(q) + (customers - left - 0.5) * np.log1p(-q)
    rate = q * (1 - np.minimum(grid * campaign.fit, MOST_KEPT))[:, None]
    stayed = campaign.treated - campaign.treated_leavers
    log = campaign.treated_leavers * np.log(rate) + stayed * np.log1p(-rate) + held_out
    most = log.max(axis=1)
    return np.asarray(most + np.log(np.exp(log - most[:, None]).sum(axis=1)))


def _churn_rates(campaign: Campaign) -> np.ndarray:
    """Evenly spaced rates that the holdout allows, up to those that the treated call for."""
    from scipy.special import betaincinv

    left, customers = campaign.without_contact
    left, stayed = left + 0.5, customers - left + 0.5
    low, high = (float(betaincinv(left, stayed, at)) for at in (FARTHEST, 1 - FARTHEST))
    left = campaign.treated_leavers + 0.5
    stayed = campaign.treated - campaign.treated_leavers + 0.5
    # Where more of the treated left than of the holdout, both tell of a rate between.
    high = max(high, float(betaincinv(left, stayed, 1 - FARTHEST)))
    return np.asarray(low + (high - low) * (np.arange(RATES) + 0.5) / RATES)


def _moments(weights: np.ndarray) -> tuple[float, float, float, float]:
    """Mean, evidence and the middle 95 % of a distribution on the grid."""
    grid = _grid()
    mean = float(weights @ grid)
    # Within a step the rate is anywhere.
    variance = float(weights @ (grid - mean) ** 2) + 1 / STEPS**2 / 12
    reached, edges = np.cumsum([0.0, *weights]), np.append(0.0, grid + 0.5 / STEPS)
    low, high = (float(edge) for edge in np.interp((0.025, 0.975), reached, edges))
    return mean, max(mean * (1 - mean) / variance - 1, 0.0), low, high


def _middle_of_prior(mean: float, evidence: float) -> tuple[float, float]:
    from scipy.special import betaincinv

    if mean in (0.0, 1.0):
        return mean, mean
    a, b = mean * evidence, (1 - mean) * evidence
    return float(betaincinv(a, b, 0.025)), float(betaincinv(a, b, 0.975))
