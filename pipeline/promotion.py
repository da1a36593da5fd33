"""Whether a new model takes over: judged on untouched points, against the one in charge.

Two figures count, both as means over the same points with an interval over customers: log loss,
which says how good the probabilities are, and the profit that acting on them would have brought.
Where no model is in charge, or one of another churn, the constant churn rate is the opponent; one
that cannot be compared with stays in charge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from features.churn import Definition
from features.errors import UserError
from features.plan import Plan
from features.vectors import KEYS, build_vectors
from models.comparison import Gain
from models.model import ChurnModel
from pipeline.candidate import Candidate
from pipeline.opening import definition_of
from pipeline.parting import Parts
from pipeline.reaching import StoreFailed, cause_of
from pipeline.registry import Registered, Registry

if TYPE_CHECKING:
    import pandas as pd


ONE_OUTCOME = "all test points had the same outcome, so nothing tells whether the model is better"


@dataclass(frozen=True)
class Verdict:
    """Whether a model takes over, and the figures that say so.

    Attributes
    ----------
    opponent
        What it was compared with; None where nothing could be compared.
    log_loss, profit
        By how much it is better, a point; None where that is not known.
    warning
        What people must not miss.
    champion
        The label of the model that was in charge then; None where there was none.
    asked
        Whether anybody could tell who was in charge.
    is_forced
        Whether somebody decided whatever the comparison says.
    """

    promoted: bool
    reason: str
    opponent: str | None = None
    log_loss: Gain | None = None
    profit: Gain | None = None
    warning: str | None = None
    champion: str | None = None
    asked: bool = True
    is_forced: bool = False

    def figures(self) -> dict[str, float]:
        """The gains by name, as MLflow metrics."""
        found = {}
        for name, gain in (("log_loss", self.log_loss), ("profit", self.profit)):
            if gain is not None:
                found[f"promotion.{name}_gain"] = gain.mean
                found[f"promotion.{name}_gain_low"] = gain.low
                found[f"promotion.{name}_gain_high"] = gain.high
        return found

    def forced(self) -> Verdict:
        """The same, promoted whatever the comparison says."""
        said = "too" if self.promoted else "otherwise"
        reason = f"forced; the comparison says {said}: {self.reason}"
        warning = self.warning if self.promoted else None
        return replace(self, promoted=True, is_forced=True, reason=reason, warning=warning)

    def when(self, champion: str | None) -> Verdict:
        """What holds of it when it is carried out, and this model is in charge by then.

        It was found better than the one in charge before; of another nothing is known.
        """
        if not self.promoted or self.is_forced or self.champion == champion:
            return self
        before = self.champion or "no model"
        judged = f"while {before} was in charge" if self.asked else "when nobody could be asked"
        reason = f"judged {judged}, and now {champion or 'none'} is in charge: {self.reason}"
        return replace(self, promoted=False, reason=reason)


def judge(candidate: Candidate, registry: Registry) -> Verdict:
    """Whether a new model takes over from the one in charge.

    Raises
    ------
    StoreFailed
        When the registry cannot be asked who is in charge.
    """
    champion = registry.champion()
    if champion is None:
        return judge_first(candidate)
    return replace(_against(candidate, champion, registry), champion=champion.label)


def _against(candidate: Candidate, champion: Registered, registry: Registry) -> Verdict:
    try:
        incumbent = registry.load(champion)
        is_of_another = incumbent.context["definition"] != definition_of(candidate.config).as_dict()
        theirs = None if is_of_another else _their_predictions(candidate, incumbent)
    except StoreFailed:
        raise  # it could be read some other time: that says nothing about the model
    except UserError as error:
        said = error.what if error.value is None else f"{error.what} ({error.value})"
        return _not_comparable(champion.label, said)
    except Exception as error:
        # Whatever a strange model raises, it must not cost the new one.
        said = f"{type(error).__name__}: {cause_of(error, candidate.config)}"
        return _not_comparable(champion.label, said)
    if theirs is None:
        why = f"{champion.label} predicts another churn than the config now defines"
        return _replacing(candidate, why)
    return _compare(candidate, champion.label, *theirs)


def _not_comparable(label: str, why: str) -> Verdict:
    """A table that lacks rows today, or a disk that is not there, makes no model worse."""
    told = f"{label} cannot be compared with: {why}"
    warning = (
        f"{told}. It stays in charge; if it is of no use any more, put the new one in charge: "
        "churn train --force-promote."
    )
    return Verdict(False, told, warning=warning)


def judge_first(candidate: Candidate) -> Verdict:
    """Whether a model may be the first in charge: better than the churn rate for everybody.

    No list at all is no safer than one in an order that is probably better than chance, so the
    best estimate decides; the reason tells where it may be noise.
    """
    verdict = _against_base_rate(candidate, "the first model", lambda gain: gain.mean > 0)
    if verdict.promoted:
        return verdict
    return replace(verdict, warning=f"No model is in charge: {verdict.reason}.")


def _replacing(candidate: Candidate, why: str) -> Verdict:
    """Against the churn rate, where the model in charge predicts something else: beyond noise.

    No list can be made by that model, but another config may want it.
    """
    verdict = _against_base_rate(candidate, why, lambda gain: gain.is_certain)
    outcome = "is replaced" if verdict.promoted else "stays in charge, though"
    follow = "; churn rollback undoes that" if verdict.promoted else ""
    return replace(verdict, warning=f"The model in charge {outcome}: {why}{follow}.")


def _against_base_rate(
    candidate: Candidate, why: str, is_better: Callable[[Gain], bool]
) -> Verdict:
    opponent = "the churn rate for all"
    if _one_outcome(candidate.labels):
        return Verdict(False, f"{why}; {ONE_OUTCOME} than {opponent}")
    everybody = np.full(len(candidate.labels), candidate.model.base_rate)
    gain = candidate.log_loss_gain(everybody, np.ones(len(everybody), dtype=bool))
    promoted = is_better(gain)
    told = f"log loss {_told(gain, '.5f')} against {opponent}"
    if not promoted:
        told = f"not better than {opponent}: {told}"
    elif not gain.is_certain:
        told += ", which may be noise"
    return Verdict(promoted, f"{why}; {told}", opponent, log_loss=gain)


def _their_predictions(
    candidate: Candidate, incumbent: ChurnModel
) -> tuple[np.ndarray, np.ndarray]:
    """What the model in charge says of the test points, and which of them it was not trained on."""
    plan = Plan.from_dict(incumbent.context["plan"])
    vectors = build_vectors(candidate.histories, plan, candidate.test_points)
    frame = Parts(vectors, candidate.parts.split).frames["test"]
    return incumbent.predict(frame), _unseen_by(incumbent, frame, definition_of(candidate.config))


def _compare(candidate: Candidate, label: str, theirs: np.ndarray, judged: np.ndarray) -> Verdict:
    """Against the model in charge, on points that neither was trained on."""
    if not judged.any():
        return Verdict(False, f"{label} was trained on these test points: nothing to compare on")
    if _one_outcome(candidate.labels[judged]):
        return Verdict(False, f"{ONE_OUTCOME} than {label}")
    loss = candidate.log_loss_gain(theirs, judged)
    return _decided(label, loss, candidate.profit_gain(theirs, judged))


def _decided(label: str, loss: Gain, profit: Gain | str) -> Verdict:
    """Better beyond noise in one figure, and not worse beyond noise in the other."""
    told = f"log loss {_told(loss, '.5f')}"
    if isinstance(profit, str):
        promoted = loss.is_certain
        told += f" against {label}; {profit}"
    else:
        promoted = (loss.is_certain and not profit.is_loss) or (
            profit.is_certain and not loss.is_loss
        )
        told += f", profit a point {_told(profit, '.3g')} against {label}"
    money = None if isinstance(profit, str) else profit
    if not promoted:
        torn = loss.is_certain or (money is not None and money.is_certain)
        told = (
            f"{'better in one, worse in the other' if torn else 'not better beyond noise'}: {told}"
        )
    return Verdict(promoted, told, label, loss, money)


def _one_outcome(labels: np.ndarray) -> bool:
    """Whether nobody churned, or everybody: the lowest, or highest, guess would then win."""
    return len(np.unique(labels)) < 2


def _told(gain: Gain, form: str) -> str:
    """A gain with its interval, such as ``0.00120 better (95 % interval +0.00050 to +0.00190)``."""
    if gain.mean == 0:
        size = "the same"
    else:
        size = f"{abs(gain.mean):{form}} {'better' if gain.mean > 0 else 'worse'}"
    return f"{size} (95 % interval {gain.low:+{form}} to {gain.high:+{form}})"


def _unseen_by(model: ChurnModel, frame: pd.DataFrame, definition: Definition) -> np.ndarray:
    """Which points lie after everything that a model was trained on, its labels included."""
    last = np.datetime64(max(model.context["train_cutoffs"]))
    known = last + np.timedelta64(definition.days_until_known, "D")
    return frame[KEYS[1]].to_numpy().astype("datetime64[D]") >= known
