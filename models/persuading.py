"""Whether customers are taken by how persuadable they are, or by risk times value.

The rule: an uplift model (`models.uplift`) is used only where, learned from earlier campaigns, it
put the customers of the latest ones into a better order than risk times value does, beyond noise.

- There are at least two campaigns with a holdout, and time is kept: the latest judge, the earlier
  ones teach.
- The campaigns that judge have at least 50 leavers in each arm, and those that teach at least 100.
  The smaller arm decides, since an effect is a difference of both. With 50 leavers in the holdout
  the churn rate there has a relative standard error of about 14 %: enough to see that a contact
  keeps a third or more, and with fewer leavers no order of customers can be told from another.
  In each arm of those that teach at least 20 stayed, too.
- The 95 % interval of the paired bootstrap (over customers) of the difference of the Qini
  coefficients lies above zero; benefits are weighted by value where values are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.comparison import Gain
from models.qini import DRAWS, Targeting, qini_gain
from models.uplift import FEWEST_OF_EACH, Uplift

FEWEST_TAUGHT, FEWEST_JUDGED = 100, 50
"""Leavers in each arm of the campaigns that teach, and of those that judge."""
FEWEST_CAMPAIGNS = 2


@dataclass(frozen=True)
class Contacts:
    """Customers of campaigns with a holdout, a row per customer and campaign.

    Attributes
    ----------
    matrix
        Rows x features before the contact, from `models.matrix`.
    treated, churned, propensity
        Whether contacted, whether gone, and the chance of being contacted.
    risk
        Probability of churn that was told before.
    campaign
        When each row's campaign was: numbers or dates, ascending in time.
    customers
        Whose row each is.
    value
        Money each customer was worth; None where nobody knows.
    """

    matrix: np.ndarray
    treated: np.ndarray
    churned: np.ndarray
    propensity: np.ndarray
    risk: np.ndarray
    campaign: np.ndarray
    customers: np.ndarray
    value: np.ndarray | None = None

    def some(self, rows: np.ndarray) -> Contacts:
        """Those rows of a mask."""
        taken: dict[str, Any] = {
            name: None if (own := getattr(self, name)) is None else np.asarray(own)[rows]
            for name in self.__dataclass_fields__
        }
        return replace(self, **taken)

    @property
    def worth(self) -> np.ndarray:
        """Value, or one for everybody."""
        return np.ones(len(self.risk)) if self.value is None else np.asarray(self.value)

    @property
    def leavers(self) -> int:
        """In the arm that has fewer."""
        return self._in_smaller_arm(np.asarray(self.churned) == 1)

    @property
    def stayers(self) -> int:
        """In the arm that has fewer."""
        return self._in_smaller_arm(np.asarray(self.churned) == 0)

    def _in_smaller_arm(self, rows: np.ndarray) -> int:
        treated = np.asarray(self.treated, bool)
        return int(min(rows[treated].sum(), rows[~treated].sum()))


@dataclass(frozen=True)
class UpliftVerdict:
    """Whether the uplift model is used, and why.

    Attributes
    ----------
    used, why
        A sentence.
    gain
        Of the Qini coefficient over risk times value, with its interval; None where not judged.
    qini, qini_of_risk
        The coefficients, in churn (or money) per customer.
    auuc, auuc_of_risk
        The areas under the uplift curves, in the same.
    taught, judged
        Rows that were learned from, and rows that judged.
    """

    used: bool
    why: str
    gain: Gain | None = None
    qini: float | None = None
    qini_of_risk: float | None = None
    auuc: float | None = None
    auuc_of_risk: float | None = None
    taught: int = 0
    judged: int = 0


def judge(
    contacts: Contacts,
    *,
    features: Sequence[str],
    categorical: Sequence[str],
    seed: int,
    draws: int = DRAWS,
) -> UpliftVerdict:
    """Learn from the earlier campaigns, and judge by the latest ones.

    A model that is used is then fitted on all of them: `Uplift.fit`.
    """
    short = too_few(contacts)
    if len(np.unique(contacts.campaign)) < FEWEST_CAMPAIGNS:
        return UpliftVerdict(used=False, why=short)
    earlier, latest = split(contacts)
    if short:
        return UpliftVerdict(
            used=False, why=short, taught=len(earlier.risk), judged=len(latest.risk)
        )
    model = Uplift.fit(
        earlier.matrix,
        earlier.treated,
        earlier.churned,
        earlier.propensity,
        features,
        categorical,
        seed,
    )
    return _held_against_risk(model, earlier, latest, seed=seed, draws=draws)


def split(contacts: Contacts) -> tuple[Contacts, Contacts]:
    """The campaigns that teach, and the latest ones that judge.

    As many judge as leave twice as many leavers to teach (in the smaller arm); more, where these
    are too few to judge by. With too few in all, all but the first campaign judge.
    """
    times, campaign = np.unique(contacts.campaign), np.asarray(contacts.campaign)
    for start in times[:0:-1]:
        later = campaign >= start
        before, latest = contacts.some(~later), contacts.some(later)
        further = contacts.some(campaign >= times[np.searchsorted(times, start) - 1])
        enough = latest.leavers >= FEWEST_JUDGED
        if enough and contacts.leavers - further.leavers < 2 * further.leavers:
            break
    return before, latest


def too_few(contacts: Contacts) -> str:
    """Why these campaigns cannot teach and judge; empty where they can.

    Asks for no more than who was contacted when, and who left.
    """
    count = len(np.unique(contacts.campaign))
    if count < FEWEST_CAMPAIGNS:
        return (
            f"Risk times value decides: of {count} campaign{'' if count == 1 else 's'} with a "
            f"holdout none can judge what another one taught; it takes {FEWEST_CAMPAIGNS}."
        )
    earlier, latest = split(contacts)
    for part, fewest, what in (
        (latest, FEWEST_JUDGED, "the latest campaigns, which judge,"),
        (earlier, FEWEST_TAUGHT, "the campaigns before, which teach,"),
    ):
        if part.leavers < fewest:
            return (
                f"Risk times value decides: {what} have {part.leavers:,} leavers in the smaller "
                f"arm; it takes {fewest}."
            )
    if earlier.stayers < FEWEST_OF_EACH:
        return (
            f"Risk times value decides: of the campaigns before, which teach, {earlier.stayers:,} "
            f"customers of the smaller arm stayed; it takes {FEWEST_OF_EACH}."
        )
    return ""


def _held_against_risk(
    model: Uplift, earlier: Contacts, latest: Contacts, *, seed: int, draws: int
) -> UpliftVerdict:
    worth = latest.worth
    benefit = -worth * np.asarray(latest.churned, np.float64)
    first, second = (
        Targeting(scores * worth, benefit, latest.treated, latest.propensity)
        for scores in (model.predict(latest.matrix), np.asarray(latest.risk))
    )
    curve, curve_of_risk = first.curve(), second.curve()
    gain = qini_gain(first, second, latest.customers, seed=seed, draws=draws)
    return UpliftVerdict(
        used=gain.is_certain,
        why=_sentence(gain),
        gain=gain,
        qini=curve.qini_coefficient,
        qini_of_risk=curve_of_risk.qini_coefficient,
        auuc=curve.auuc,
        auuc_of_risk=curve_of_risk.auuc,
        taught=len(earlier.risk),
        judged=len(latest.risk),
    )


def _sentence(gain: Gain) -> str:
    by = f"by a Qini coefficient of {gain.mean:+.4g} ({gain.low:.4g} to {gain.high:.4g})"
    order = "on the latest campaigns the order by who is persuadable"
    if gain.is_certain:
        return f"Who is persuadable decides: {order} beats risk times value {by}."
    if gain.is_loss:
        return f"Risk times value decides: {order} is worse than it {by}."
    return f"Risk times value decides: {order} does not beat it beyond noise, {by}."
