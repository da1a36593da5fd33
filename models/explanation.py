"""Why a probability is what it is: exact SHAP values, summed to drivers, told as reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.model import ChurnModel

if TYPE_CHECKING:
    import pandas as pd
    import shap

MOST_REASONS = 3


@dataclass(frozen=True)
class Explanation:
    """Contributions to the log-odds of churn.

    Attributes
    ----------
    contributions
        Points x features; positive ones raise the risk.
    expected
        The log-odds before anything is known of a customer.
    """

    model: ChurnModel
    frame: pd.DataFrame
    contributions: np.ndarray
    expected: float

    def importance(self) -> dict[str, float]:
        """Mean |SHAP| by feature, the largest first."""
        means = np.abs(self.contributions).mean(axis=0)
        order = sorted(range(len(means)), key=lambda i: (-means[i], self.model.names[i]))
        return {self.model.names[i]: float(means[i]) for i in order}

    def group_importance(self) -> dict[str, float]:
        """Mean |sum of SHAP| by driver group, the largest first."""
        groups, sums = self.by_group()
        means = np.abs(sums).mean(axis=0)
        order = sorted(range(len(groups)), key=lambda i: (-means[i], groups[i]))
        return {groups[i]: float(means[i]) for i in order}

    def by_group(self) -> tuple[list[str], np.ndarray]:
        """Driver groups, and points x groups: what each group adds to the log-odds."""
        of_feature = [feature["group"] for feature in self.model.features]
        groups = sorted(set(of_feature))
        member = np.array([[group == g for g in groups] for group in of_feature], dtype=float)
        return groups, self.contributions @ member

    def for_plots(self) -> shap.Explanation:
        """The same as an Explanation of the `shap` package, for its plots."""
        import shap

        return shap.Explanation(
            values=self.contributions,
            base_values=np.full(len(self.contributions), self.expected),
            data=self.model.matrix(self.frame),
            feature_names=self.model.names,
        )


def explain(model: ChurnModel, frame: pd.DataFrame) -> Explanation:
    """Exact TreeSHAP of every row."""
    found = model.contributions(frame)
    expected = float(found[0, -1]) if len(found) else 0.0
    return Explanation(model, frame, found[:, :-1], expected)


def drivers_and_reasons(
    explanation: Explanation,
) -> tuple[list[list[str | None]], list[list[str | None]]]:
    """For each row the groups that raise its risk, strongest first, and a sentence for each.

    A group that does not raise the risk is no driver: fewer than three are filled up with None.
    """
    groups, sums = explanation.by_group()
    features = explanation.model.features
    members = {g: [i for i, f in enumerate(features) if f["group"] == g] for g in groups}
    columns = [explanation.frame[name].to_numpy() for name in explanation.model.names]
    order = np.argsort(-sums, axis=1, kind="stable")[:, :MOST_REASONS]
    drivers: list[list[str | None]] = []
    reasons: list[list[str | None]] = []
    for row, ranked in enumerate(order):
        names = [groups[g] for g in ranked if sums[row, g] > 0]
        strongest = [
            max(members[g], key=lambda i: explanation.contributions[row, i]) for g in names
        ]
        told = [
            reason(features[i], columns[i][row], explanation.model.typical.get(features[i]["name"]))
            for i in strongest
        ]
        drivers.append(_filled(names))
        reasons.append(_filled(told))
    return drivers, reasons


def _filled(found: Sequence[str]) -> list[str | None]:
    return [*found, *[None] * (MOST_REASONS - len(found))]


def reason(feature: Mapping[str, Any], value: Any, typical: float | None) -> str:
    """A sentence with the customer's own number, beside the median customer's."""
    meaning = feature["meaning"][:1].upper() + feature["meaning"][1:]
    if feature["unit"] == "text":
        return f"{meaning}: {value}" if isinstance(value, str) else f"{meaning}: not known"
    if np.isnan(value):
        return f"{meaning}: none on record" + _beside(feature, typical)
    return f"{meaning}: {_told(value, feature['unit'])}" + _beside(feature, typical)


def _beside(feature: Mapping[str, Any], typical: float | None) -> str:
    if typical is None or feature["unit"] == "0 or 1":
        return ""
    return f" (median customer: {_told(typical, feature['unit'])})"


def _told(value: float, unit: str) -> str:
    """A number as people say it."""
    if unit == "0 or 1":
        return "yes" if value else "no"
    if unit == "share":
        return f"{value:.0%}"
    if unit == "log ratio":
        return f"{np.expm1(value):+.0%}"
    if unit == "ratio":
        return f"{value:.2f}"
    number = f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:,.1f}"
    return number
