"""What the figures of a training run say, in rows and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.consoles import amount

NAMES = {
    "logistic_regression": "logistic regression",
    "points_score": "points score",
    "recency": "longest silence first",
    "base_rate": "churn rate for all",
}
"""The baselines as they are told, the strongest first."""

COLUMNS = (
    ("AUC", "auc", ".3f"),
    ("95 % interval", "interval", ""),
    ("average precision", "average_precision", ".3f"),
    ("lift, top 10 %", "lift_10", ".2f"),
    ("log loss", "log_loss", ".4f"),
    ("calibration error", "ece", ".4f"),
)
"""The table: header, figure, form."""


def rows(metrics: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The model and every baseline: a name, and the figures as texts."""
    edges = metrics["test"]["intervals"]["auc"]
    interval = f"{edges[0]:.3f}–{edges[1]:.3f}" if edges else "–"
    yield "this model", _figures({**metrics["test"], "interval": interval})
    for name, told in NAMES.items():
        if name in metrics["baselines"]:
            yield told, _figures({"interval": "", **metrics["baselines"][name]})


def _figures(figures: Mapping[str, Any]) -> list[str]:
    values = [(figures.get(name), form) for _, name, form in COLUMNS]
    return ["–" if value is None else format(value, form) for value, form in values]


def sentences(metrics: Mapping[str, Any]) -> Iterator[str]:
    """What the figures mean, a sentence or two a line."""
    test = metrics["test"]
    if test["auc"] is None:
        return
    yield _riskiest(test)
    yield _calibration(test)
    if metrics["profit"]:
        yield from _money(metrics)
    if metrics["gap"]["auc"] is not None:
        yield (
            f"On points it was trained on, AUC {metrics['train']['auc']:.3f} and log loss "
            f"{metrics['train']['log_loss']:.4f}."
        )


def warnings(metrics: Mapping[str, Any]) -> Iterator[str]:
    """What should make people stop: nothing to judge by, a baseline not beaten, a weak spot."""
    yield from doubts(metrics)
    if spots := metrics["weak_spots"]:
        more = f" And {len(spots) - 1} more, in metrics.json." if len(spots) > 1 else ""
        yield f"Weakest at {spot(spots[0])}.{more}"


def doubts(metrics: Mapping[str, Any]) -> Iterator[str]:
    """What speaks against the model as a whole: nothing to judge by, a baseline not beaten."""
    test = metrics["test"]
    if test["auc"] is None:
        who = "Everybody" if test["base_rate"] else "Nobody"
        yield f"{who} churned in the test: nothing tells how good this is."
        return
    for name, found in metrics["beaten"].items():
        if not found["beaten"]:
            yield _not_beaten(NAMES[name], found)


def reasons(metrics: Mapping[str, Any]) -> Iterator[str]:
    """How far the reasons can be trusted, a sentence each; nothing where they were not judged."""
    found = metrics.get("explanations")
    if not found:
        return
    steady, faithful = found["stability"], found["faithfulness"]
    if steady:
        yield (
            f"{steady['refits']} refits on customers drawn anew name the same top driver for "
            f"{steady['agreement']:.0%} of {steady['customers']:,} points of high risk."
        )
    if faithful is not None:
        yield (
            f"Were that driver as usual, the model would see less risk for {faithful:.0%} of "
            f"{found['high_risk']:,}."
        )


def spot(found: Mapping[str, Any]) -> str:
    """A weak spot: where it is, and what is weak there."""
    if found["what"] == "calibration":
        told = f"{found['expected']:.1%} expected, {found['observed']:.1%} churned"
    else:
        told = f"AUC {found['auc']:.3f}, elsewhere {found['auc_elsewhere']:.3f}"
    return f"{found['where']} ({found['points']:,} points): {told}"


def worth(metrics: Mapping[str, Any]) -> str:
    """Whether customers brought what values said; or why nobody knows."""
    found = metrics.get("value") or {"why": "it was not looked at"}
    if "why" in found:
        return f"Values are not held against what came: {found['why']}."
    low, high = found["total_interval"]
    ranks = found["rank_correlation"]
    order = "" if ranks is None else f"; rank correlation {ranks:.2f}"
    constant = f" (by one churn rate for all, since {found['how_why']})" if found["how_why"] else ""
    return (
        f"Values{constant} as they would have been found at {found['cutoff']} expected "
        f"{found['total']:.2f} times what {found['customers']:,} customers brought in "
        f"{found['months']} months (95 % interval {low:.2f} to {high:.2f}){order}."
    )


def _riskiest(test: Mapping[str, Any]) -> str:
    """What the lift means for somebody with a phone."""
    tenth = int(-(-test["points"] // 10))
    found = test["lift_10"] * test["base_rate"]
    return (
        f"Of the riskiest tenth ({tenth:,} points) {found:.1%} churned, against "
        f"{test['base_rate']:.1%} of all: {test['lift_10']:.1f} times as many."
    )


def _calibration(test: Mapping[str, Any]) -> str:
    return (
        f"Expected churn {test['mean_prediction']:.1%}, observed {test['base_rate']:.1%}; "
        f"calibration error {test['ece']:.4f} ({test['ece_by_chance']:.4f} would be chance)."
    )


def _money(metrics: Mapping[str, Any]) -> Iterator[str]:
    """What contacting earns, for a thousand customers: by the model, everybody, the baselines."""
    profit, edges = metrics["profit"], metrics["test"]["intervals"]["profit"]
    interval = (
        f" (95 % interval {amount(1000 * edges[0])} to {amount(1000 * edges[1])})" if edges else ""
    )
    yield (
        f"Contacting the {profit['policy']['share']:.1%} whom it seems to pay earns "
        f"{amount(1000 * profit['policy']['profit'])} per 1,000 customers{interval};"
    )
    others = [
        f"chosen by {NAMES[name]} {amount(1000 * profit['baselines'][name]['policy']['profit'])}"
        for name in ("logistic_regression", "points_score")
        if name in profit["baselines"]
    ]
    yield ", ".join([*others, f"contacting everybody {amount(1000 * profit['everybody'])}"]) + "."


def _not_beaten(told: str, found: Mapping[str, Any]) -> str:
    figure = found["judged_by"]
    gain, edges = found[figure]["gain"], found[figure]["interval"]
    name = {"log_loss": "log loss", "auc": "AUC"}[figure]
    interval = f", 95 % interval {edges[0]:+.4f} to {edges[1]:+.4f}" if edges else ""
    return f"NOT BETTER than {told} beyond noise: {name} {gain:+.4f}{interval}."
