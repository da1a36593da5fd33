"""The figures of a model on the test points, beside what anybody could do without it.

What each figure means is told in docs/evaluation.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from features.departure_kinds import departure_kinds
from features.vectors import KEYS
from models.baselines import baselines
from models.beaten import beaten
from models.earnings import curves, earnings
from models.empc import Money, expected_maximum_profit, money_of
from models.evaluation import Prediction, by_cutoff, evaluate, evaluate_parts
from models.kinds import by_kind
from models.model import ChurnModel
from models.profit import Campaign, realised
from models.reliability import calibration, reliability
from models.resampling import intervals
from models.risk import risk_bands, top_share
from models.segments import enough, segments
from models.stages import stages
from models.weak_spots import Points, weak_spots
from pipeline.candidate import Candidate
from pipeline.config import Config
from pipeline.health import points_score
from pipeline.opening import definition_of
from pipeline.parting import Parts, date_of
from pipeline.worth import campaign_of

if TYPE_CHECKING:
    import pandas as pd

MOST_OF_TRAINING = 20_000
"""Training points whose figures are told beside the test's."""
BANDS = ("low", "medium", "high")
Masks = dict[str, np.ndarray]


@dataclass(frozen=True)
class Test:
    """The test points as a judge sees them.

    `values` are what their customers are worth, in the order of the points; None without money.
    """

    frame: pd.DataFrame
    labels: np.ndarray
    predicted: np.ndarray
    values: np.ndarray | None
    campaign: Campaign | None
    seed: int

    @cached_property
    def model(self) -> Prediction:
        return Prediction(self.labels, self.predicted, self.predicted)

    @cached_property
    def customers(self) -> np.ndarray:
        """Whose point each is, as numbers: ids that are text are dear to compare."""
        return np.unique(self.frame[KEYS[0]].to_numpy(), return_inverse=True)[1]


def metrics_of(candidate: Candidate) -> dict[str, Any]:
    """Everything that is told of a new model, as JSON values."""
    config, model, parts = candidate.config, candidate.model, candidate.parts
    test = Test(
        candidate.frame,
        candidate.labels,
        np.asarray(candidate.predicted, dtype=np.float64),
        candidate.values,
        campaign_of(config),
        config.model.seed,
    )
    simpler = _baselines(config, model, parts, test)
    kinds = departure_kinds(candidate.histories, definition_of(config), candidate.test_points)
    figures, train = _test(test), _train(model, parts)
    return {
        "test": figures,
        **_parts(config, model, test),
        "reliability": reliability(test.labels, test.predicted),
        "baselines": {name: _figures(one) for name, one in simpler.items()},
        "points_score": points_score(
            config.health_score,
            test.model,
            simpler,
            _segments(config, model, test),
            parts.frames["train"],
            parts.labels("train"),
        ),
        "beaten": beaten(test.model, simpler, test.customers, seed=test.seed),
        "profit": _profit(test, simpler),
        "curves": curves({"model": test.model, **simpler}, test.values, test.campaign),
        "by_churn_kind": {} if kinds is None else by_kind(test.labels, test.predicted, kinds),
        "train": train,
        "gap": _gap(train, figures),
    }


def _baselines(
    config: Config, model: ChurnModel, parts: Parts, test: Test
) -> dict[str, Prediction]:
    return baselines(
        parts.frames["train"],
        parts.labels("train"),
        test.frame,
        test.labels,
        features=model.names,
        levels=model.levels,
        seed=test.seed,
        rules=config.health_score.rules,
    )


def _figures(one: Prediction) -> dict[str, float | None]:
    """The figures of a baseline; of calibration where it has probabilities."""
    found = {**one.figures(), "base_rate": float(one.labels.mean())}
    if one.probabilities is not None:
        found["mean_prediction"] = float(one.probabilities.mean())
        found |= calibration(one.labels, one.probabilities)
    return found


def _test(test: Test) -> dict[str, Any]:
    """The figures of all test points, with their intervals."""
    own = _own_money(test)

    def resampled(weights: np.ndarray | None) -> dict[str, float | None]:
        return {**test.model.figures(weights), **_money(test, own, weights)}

    found = {**evaluate(test.labels, test.predicted), **_money(test, own, None)}
    groups = test.model.ranking.count()
    return {
        **found,
        "emp_share": expected_maximum_profit(groups)[1],
        "emp_own_share": expected_maximum_profit(groups, own)[1] if own else None,
        "points": len(test.labels),
        "churned": int(test.labels.sum()),
        "customers": len(np.unique(test.customers)),
        "cutoffs": list(by_cutoff(test.frame[KEYS[1]].to_numpy())),
        "intervals": intervals(resampled, test.customers, seed=test.seed),
    }


def _own_money(test: Test) -> Money | None:
    """The config's values as EMP needs them: one value for all, the mean."""
    if test.values is None or test.campaign is None:
        return None
    return money_of(
        float(test.values.mean()),
        incentive=test.campaign.incentive,
        contact=test.campaign.cost,
        success_rate=test.campaign.success_rate,
    )


def _money(test: Test, own: Money | None, weights: np.ndarray | None) -> dict[str, float | None]:
    """EMP under the paper's money and the config's, and the policy's profit per point."""
    groups = test.model.ranking.count(weights)
    found: dict[str, float | None] = {
        "emp": expected_maximum_profit(groups)[0],
        "emp_own": expected_maximum_profit(groups, own)[0] if own else None,
        "profit": None,
    }
    if test.values is not None and test.campaign is not None:
        earned = realised(test.labels, test.predicted, test.values, test.campaign)
        found["profit"] = float(np.average(earned, weights=weights))
    return found


def _parts(config: Config, model: ChurnModel, test: Test) -> dict[str, Any]:
    """The figures by month, stage, segment and risk band; and the parts that are clearly weak."""
    months = by_cutoff(test.frame[KEYS[1]].to_numpy())
    life = stages(test.frame, horizon_days=config.churn.horizon_days)
    bands = risk_bands(test.predicted, model.base_rate)
    by_band = {band: bands == band for band in BANDS}
    kinds = _segments(config, model, test)

    def judged(masks: Masks) -> dict[str, Any]:
        return evaluate_parts(test.labels, test.predicted, masks)

    named = {f"cutoff {name}": mask for name, mask in months.items()}
    named |= {f"stage {name}": mask for name, mask in life.items()}
    for feature, masks in kinds.items():
        named |= {f"{feature} = {level}": mask for level, mask in masks.items()}
    of_bands = {f"risk band {band}": mask for band, mask in by_band.items()}
    points = Points(test.labels, test.predicted, test.customers)
    return {
        "by_cutoff": judged(months),
        "by_stage": judged(life),
        "by_segment": {feature: judged(masks) for feature, masks in kinds.items()},
        "by_risk_band": judged(by_band),
        "weak_spots": weak_spots(points, named | of_bands, only_calibration=frozenset(of_bands)),
    }


def _segments(config: Config, model: ChurnModel, test: Test) -> dict[str, Masks]:
    """Values of text features, and customers of high value, where there are enough of them."""
    texts = [feature["name"] for feature in model.features if feature["unit"] == "text"]
    found = segments(test.frame, texts, test.labels)
    if test.values is None:
        return found
    high = top_share(test.values, config.value.high_value_share)
    if enough(high, test.labels) and enough(~high, test.labels):
        found["value"] = {"high": high, "other": ~high}
    return found


def _profit(test: Test, simpler: dict[str, Prediction]) -> dict[str, Any] | None:
    if test.values is None or test.campaign is None:
        return None
    return earnings(test.model, simpler, test.values, test.campaign)


def _train(model: ChurnModel, parts: Parts) -> dict[str, Any]:
    """What was trained on, and how well the model knows a sample of it."""
    frame, labels = parts.frames["train"], parts.labels("train")
    step = max(1, int(np.ceil(len(frame) / MOST_OF_TRAINING)))
    sample = frame.iloc[::step].reset_index(drop=True)
    figures = evaluate(labels[::step], model.predict(sample))
    return {
        "points": len(frame),
        "churned": int(labels.sum()),
        "cutoffs": [str(date_of(day)) for day in parts.split.known],
        "auc": figures["auc"],
        "log_loss": figures["log_loss"],
    }


def _gap(train: dict[str, Any], test: dict[str, Any]) -> dict[str, float | None]:
    """By how much the model is better on what it has seen."""
    known = train["auc"] is not None and test["auc"] is not None
    return {
        "auc": train["auc"] - test["auc"] if known else None,
        "log_loss": test["log_loss"] - train["log_loss"],
    }
