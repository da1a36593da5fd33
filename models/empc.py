"""Expected maximum profit for churn: a ranking in money, whatever share of contacts succeeds.

Verbraken, Verbeke, Baesens (2013), "A novel profit maximizing metric for measuring classification
performance of customer churn prediction models", IEEE TKDE 25(5). Contacting the riskiest share F0
of churners and F1 of others earns, per customer,

    profit = CLV (gamma (1 - delta) - phi) pi0 F0 - CLV (delta + phi) pi1 F1

with delta = incentive / CLV, phi = contact / CLV, and gamma ~ Beta(alpha, beta) the share of
contacted churners who are kept. EMPC is the mean over gamma of the profit at the best threshold.

The best threshold for a gamma lies on the convex hull of the ROC curve, whose segments are the
blocks that isotonic regression of the label on the score makes (Fawcett and Niculescu-Mizil 2007).
A block of churn rate r pays where gamma lies above

    c(r) = ((delta + phi) (1 - r) / r + phi) / (1 - delta)

so EMPC is a sum over blocks of integrals from c(r) to 1, which incomplete beta functions give.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.ranking import Groups


@dataclass(frozen=True)
class Money:
    """What a customer is worth and what keeping one costs; the defaults are the paper's.

    Attributes
    ----------
    value
        What a customer who stays is still worth (CLV).
    incentive
        What who is contacted and stays is given (d), a churner who is kept like anybody else.
    contact
        The cost of a contact (f).
    alpha, beta
        Of the Beta distribution of the share of contacted churners who are kept.
    """

    value: float = 200.0
    incentive: float = 10.0
    contact: float = 1.0
    alpha: float = 6.0
    beta: float = 14.0


PAPER = Money()
"""What the paper takes for telecoms: figures of different histories can be compared under it."""

CERTAINTY = 20.0
"""alpha + beta, as in the paper: how sure anybody is of the share of churners who are kept."""


def money_of(
    value: float, *, incentive: float, contact: float, success_rate: float
) -> Money | None:
    """Money with a mean share of success; None where no customer could be worth a contact."""
    if value <= incentive or value <= 0 or not 0 < success_rate < 1:
        return None
    alpha = CERTAINTY * success_rate
    return Money(value, incentive, contact, alpha, CERTAINTY - alpha)


def expected_maximum_profit(groups: Groups, money: Money = PAPER) -> tuple[float, float]:
    """EMPC per customer, in money, and the share of customers that should be contacted for it."""
    from scipy.special import betainc

    rate, share = _hull(groups)
    delta, phi = money.incentive / money.value, money.contact / money.value
    # In a block without churners nobody can be kept.
    odds_against = (1 - rate) / np.maximum(rate, 1e-300)
    pays_from = ((delta + phi) * odds_against + phi) / (1 - delta)
    pays_from = np.where(rate > 0, np.minimum(pays_from, 1.0), 1.0)
    alpha, beta = money.alpha, money.beta
    # The chance that gamma lies above, and gamma's mean over that part.
    above = 1 - betainc(alpha, beta, pays_from)
    mean_above = alpha / (alpha + beta) * (1 - betainc(alpha + 1, beta, pays_from))
    gain = rate * ((1 - delta) * mean_above - phi * above) - (delta + phi) * (1 - rate) * above
    return float(money.value * (share @ gain)), float(share @ above)


def _hull(groups: Groups) -> tuple[np.ndarray, np.ndarray]:
    """Churn rate of each part of the ROC curve's convex hull, and its share of all points."""
    from scipy.optimize import isotonic_regression

    there = groups.points > 0
    points, churned = groups.points[there], groups.churned[there]
    fitted = isotonic_regression(churned / points, weights=points, increasing=False)
    starts = fitted.blocks[:-1]
    of_blocks = np.add.reduceat(points, starts)
    return np.add.reduceat(churned, starts) / of_blocks, of_blocks / points.sum()
