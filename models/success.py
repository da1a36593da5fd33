"""What share of leavers an action keeps, learned from campaigns.

Before any campaign there is what the team believes: a Beta distribution with a mean, worth so many
leavers. A campaign with ``x_h`` leavers of ``n_h`` in the holdout and ``x_t`` of ``n_t`` treated
adds its likelihood: with ``q`` the churn rate without a contact and ``s`` the success rate,

    x_h ~ Binomial(n_h, q),   x_t ~ Binomial(n_t, q (1 - s)),   s in [0, 1]

where ``q``, which nobody needs to know, is integrated out under Jeffreys' prior. Campaigns have
their own ``q`` and share ``s``. Where a model of before told the risk of each customer, the
likelihood is that of `models.foretold` instead, so that a few customers held out are not all that
tells how many would have left. The product with the prior is taken on a grid (Gelman et al. 2013,
chapters 3 and 5), and a Beta with the same mean and variance is told. An action that does harm ends
near 0: a rate below nothing has no place in the expected profit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.foretold import Foretold

FEWEST_EXPECTED = 10.0
"""So many of the treated must have been expected to leave without the contact,"""
FEWEST_BY_MODEL = 3.0
"""(fewer where a model tells how many, as few customers held out do not)"""
FEWEST_HELD_OUT = 5
"""and so many of the holdout must have left, before anything is learned."""
STEPS, RATES = 1000, 600
"""Points of the grid: success rates, and churn rates without a contact."""
FARTHEST = 1e-7
"""Churn rates less likely than this on either side are left out."""
COUNTS = ("treated", "treated_leavers", "holdout", "holdout_leavers", "expected")
Likelihood = Callable[[np.ndarray], np.ndarray]
"""The logarithm of that of each success rate, up to a constant."""


@dataclass(frozen=True)
class Campaign:
    """What came of an action once.

    Attributes
    ----------
    treated, treated_leavers, holdout, holdout_leavers
        Customers of each arm, and how many of them left.
    """

    treated: int
    treated_leavers: int
    holdout: int
    holdout_leavers: int

    def __post_init__(self) -> None:
        arms = ((self.treated_leavers, self.treated), (self.holdout_leavers, self.holdout))
        if not all(0 <= leavers <= customers for leavers, customers in arms):
            raise ValueError(f"an arm has from none to all of its customers as leavers: {self}")

    @property
    def expected(self) -> float:
        """Leavers among the treated, had they not been contacted."""
        return self.treated * self.holdout_leavers / self.holdout if self.holdout else 0.0


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


def learn(mean: float, evidence: float, campaigns: Sequence[Campaign]) -> Success:
    """The success rate after these campaigns; their order does not matter.

    Parameters
    ----------
    mean, evidence
        What is believed before: the success rate, and how many leavers that belief is worth.

    Raises
    ------
    ValueError
        When the mean is not between 0 and 1, or the evidence not above 0.
    """
    # In one order, so that the sums are the same to the last bit.
    used = sorted(campaigns, key=_order)
    counts = {name: sum(getattr(one, name) for one in used) for name in COUNTS}
    why = "" if used else "no campaign with a holdout yet"
    why = why or _too_little(counts["holdout_leavers"], counts["expected"], FEWEST_EXPECTED)

    def likelihood(grid: np.ndarray) -> np.ndarray:
        return np.sum([_by_counts(one, grid) for one in used], axis=0)

    return _success(mean, evidence, why, likelihood, counts)


def learn_foretold(
    mean: float, evidence: float, told: Foretold, *, held_out_leavers: int
) -> Success:
    """The success rate after contacts whose risk a model told beforehand.

    Parameters
    ----------
    held_out_leavers
        Of all that the model's risks were held against, whatever their action.

    Raises
    ------
    ValueError
        As of `learn`.
    """
    counts = {
        "treated": int(told.treated.sum()),
        "treated_leavers": int((told.treated & told.left).sum()),
        "holdout": int((~told.treated).sum()),
        "holdout_leavers": int((~told.treated & told.left).sum()),
        "expected": told.expected,
    }
    why = "" if counts["treated"] else "no campaign with a holdout yet"
    why = why or _too_little(held_out_leavers, counts["expected"], FEWEST_BY_MODEL)
    return _success(mean, evidence, why, told.log_likelihood, counts)


def _success(
    mean: float,
    evidence: float,
    why: str,
    likelihood: Likelihood,
    counts: Mapping[str, Any],
) -> Success:
    """The belief times what campaigns say of each step of the grid; the belief where `why` not."""
    if not 0 <= mean <= 1 or not 0 < evidence < np.inf:
        raise ValueError(
            f"a success rate is between 0 and 1 and worth some leavers, not {mean:g} worth "
            f"{evidence:g}"
        )
    if not why and mean in (0.0, 1.0):
        why = "a success rate of exactly 0 or 1 leaves nothing to learn"
    if why:
        found = (mean, evidence, *_middle_of_prior(mean, evidence))
    else:
        found = _moments(_posterior(mean, evidence, likelihood))
    return Success(
        *found, learned=not why, why=why, prior_mean=mean, prior_evidence=evidence, **counts
    )


def _order(campaign: Campaign) -> tuple[int, ...]:
    return campaign.treated, campaign.treated_leavers, campaign.holdout, campaign.holdout_leavers


def _too_little(held_out_leavers: int, expected: float, fewest: float) -> str:
    """Why nothing can be learned; empty where it can."""
    if held_out_leavers < FEWEST_HELD_OUT:
        return f"{held_out_leavers:,} of the holdout left; it takes {FEWEST_HELD_OUT}"
    if expected < fewest:
        return (
            f"{expected:.1f} of the treated would have left without the contact; it takes "
            f"{fewest:g}"
        )
    return ""


def _grid() -> np.ndarray:
    """Success rates, the middle of each step."""
    return (np.arange(STEPS) + 0.5) / STEPS


def _posterior(mean: float, evidence: float, likelihood: Likelihood) -> np.ndarray:
    """The probability of each step of the grid."""
    grid = _grid()
    log = (mean * evidence - 1) * np.log(grid) + ((1 - mean) * evidence - 1) * np.log1p(-grid)
    log += likelihood(grid)
    weights = np.exp(log - log.max())
    return np.asarray(weights / weights.sum())


def _by_counts(campaign: Campaign, grid: np.ndarray) -> np.ndarray:
    """The log-likelihood of each success rate, the churn rate integrated out."""
    left, customers = campaign.holdout_leavers, campaign.holdout
    if not customers or not campaign.treated:
        return np.zeros_like(grid)
    q = _churn_rates(campaign)
    held_out = (left - 0.5) * np.log(q) + (customers - left - 0.5) * np.log1p(-q)
    rate = q * (1 - grid)[:, None]
    stayed = campaign.treated - campaign.treated_leavers
    log = campaign.treated_leavers * np.log(rate) + stayed * np.log1p(-rate) + held_out
    most = log.max(axis=1)
    return np.asarray(most + np.log(np.exp(log - most[:, None]).sum(axis=1)))


def _churn_rates(campaign: Campaign) -> np.ndarray:
    """Evenly spaced rates that the holdout allows, up to those that the treated call for."""
    from scipy.special import betaincinv

    left = campaign.holdout_leavers + 0.5
    stayed = campaign.holdout - campaign.holdout_leavers + 0.5
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
