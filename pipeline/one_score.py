"""Where one points score for all customers fails, and why: in rows and sentences.

Of all segments in ``metrics["points_score"]`` people see everybody's, those of the feature with
which the weights differ most clearly, and the one where the score falls furthest behind the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "customers_profile_"
BY_HAND = "points by hand"
MOST_RULES, MOST_VALUES = 3, 5
FIGURES = (
    ("AUC: model", "model", "auc", ".3f"),
    ("score", "points_score", "auc", ".3f"),
    ("expected: model", "model", "mean_prediction", ".1%"),
    ("score", "points_score", "mean_prediction", ".1%"),
)
Found = Mapping[str, Any]


@dataclass(frozen=True)
class Segment:
    """A segment: the feature it is of, its value, and the figures of model and score."""

    feature: str
    value: str
    figures: Found

    @property
    def name(self) -> str:
        """As people read it."""
        return called(self.feature, self.value)

    @property
    def behind(self) -> float | None:
        """By how much the score's AUC is lower than the model's."""
        of_model, of_score = (self.figures[who]["auc"] for who in ("model", "points_score"))
        return None if of_model is None or of_score is None else of_model - of_score


def segments_of(found: Found) -> list[Segment]:
    """All segments, everybody first."""
    return [
        Segment(feature, value, figures)
        for feature, values in found["by_segment"].items()
        for value, figures in values.items()
    ]


def called(feature: str, value: str) -> str:
    """A segment as people read it."""
    return "all" if feature == "all points" else f"{feature.removeprefix(PREFIX)} = {value}"


def table(found: Found) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Its header, and a name and cells for each row; the points by hand stand last."""
    feature, shown = _shown(found)
    rules = [one["rule"] for one in found["apart"] if one["by"] == feature][:MOST_RULES]
    rows = []
    for one in shown:
        in_all = one.feature == "all points"
        column = "all" if in_all else f"{one.feature} = {one.value}"
        cells = [_text(one.figures[who][name], form) for _, who, name, form in FIGURES]
        needed = [_text(found["weights"][rule].get(column), ".1f") for rule in rules]
        churned = one.figures["churned"] / one.figures["points"]
        rows.append((one.name, [f"{one.figures['points']:,}", f"{churned:.1%}", *cells, *needed]))
    if rules:
        blank = [""] * (2 + len(FIGURES))
        by_hand = [_text(found["weights"][rule]["by_hand"], ".0f") for rule in rules]
        rows.append((BY_HAND, [*blank, *by_hand]))
    head = ["points", "churned", *[label for label, *_ in FIGURES]]
    return [*head, *[f"needs: {rule}" if not n else rule for n, rule in enumerate(rules)]], rows


def sentences(found: Found) -> list[str]:
    """Where the score fails most, and the rule whose weight differs most clearly."""
    told = []
    if (one := _furthest(found)) is not None:
        figures = one.figures
        told.append(
            f"The points score falls furthest behind at {one.name}: AUC "
            f"{figures['points_score']['auc']:.3f} against {figures['model']['auc']:.3f}."
        )
    if found["apart"]:
        first = found["apart"][0]
        rule, by_hand = first["rule"], found["weights"][first["rule"]]["by_hand"]
        low, high = (first[edge] for edge in ("low", "high"))
        told.append(
            f"No one weight fits all: {rule} counts {by_hand:.0f} by hand, and would need "
            f"{low['points']:.1f} points at {called(first['by'], low['value'])} and "
            f"{high['points']:.1f} at {called(first['by'], high['value'])}."
        )
    elif found["weights"] and len(segments_of(found)) > 1:
        told.append("That a rule weighs unlike in two segments is not beyond chance.")
    return told


def _shown(found: Found) -> tuple[str | None, list[Segment]]:
    """The feature whose segments are told, and what is told."""
    every, worst = segments_of(found), _furthest(found)
    feature = found["apart"][0]["by"] if found["apart"] else worst.feature if worst else None
    shown = [one for one in every if one.feature == "all points"]
    shown += [one for one in every if one.feature == feature][:MOST_VALUES]
    if worst is not None and worst not in shown:
        shown.append(worst)
    return feature, shown


def _furthest(found: Found) -> Segment | None:
    """The segment where the score falls furthest behind."""
    parts = [
        one for one in segments_of(found) if one.feature != "all points" and one.behind is not None
    ]
    return max(parts, key=lambda one: one.behind or 0.0, default=None)


def _text(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
