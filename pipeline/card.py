"""The model card: what a model is for, how good it is, where it is weak, and how to make it again.

What is weak, and which baseline is not beaten, is what the evaluation found: the card judges
nothing by itself. A figure or an interval that the metrics lack is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.segments import FEWEST_OF_EACH, FEWEST_POINTS
from pipeline import one_score, verdict
from pipeline.provenance import Provenance

MOST_FEATURES = 10
MOST_WEAK = 3
FIGURES = {
    "auc": ("AUC", ".3f"),
    "average_precision": ("average precision", ".3f"),
    "lift_10": ("lift in the top 10 %", ".2f"),
    "log_loss": ("log loss", ".4f"),
    "brier": ("Brier", ".4f"),
}
NOT_FOR = """\
- Decisions against a customer: prices, service or access. It was judged for offering help.
- Saying what would happen after an action: it tells who leaves, not who can be kept.
- Customers of another business, another churn definition, or a time unlike that of the training.
- Proof of a cause: a reason names what goes with the risk in these histories."""


@dataclass(frozen=True)
class Facts:
    """What a card tells of.

    Attributes
    ----------
    definition, tables, metrics
        The churn definition, the account of each table and all figures, as JSON values.
    features
        What each feature means: dicts with name, meaning, group.
    importance
        Mean |SHAP| by feature, the largest first.
    drivers
        By driver group, the log-odds that it adds for customers at risk, the largest first.
    """

    name: str
    definition: Mapping[str, Any]
    tables: Mapping[str, Mapping[str, Any]]
    metrics: Mapping[str, Any]
    features: Sequence[Mapping[str, Any]]
    importance: Mapping[str, float]
    drivers: Mapping[str, float]
    base_rate: float
    data_fingerprint: str
    config_hash: str
    seed: int
    provenance: Provenance


def text(facts: Facts) -> str:
    """The card as Markdown."""
    sections = {
        "What it is for": [
            f"The probability that a customer who is active on a date churns. {churn(facts)} It "
            "puts the customers in an order in which to offer help."
        ],
        "Data": _data(facts),
        "How good": _how_good(facts.metrics),
        "Where one score for all fails": _one_score(facts.metrics),
        "Where it is weak": [_weak(facts.metrics)],
        "What customers are worth": [verdict.worth(facts.metrics)],
        "Not for": [NOT_FOR],
        "What it looks at": _features(facts),
        "Its reasons": _reasons(facts),
        "How to make it again": _again(facts),
    }
    body = "\n\n".join(
        f"## {title}\n\n" + "\n".join(lines) for title, lines in sections.items() if lines
    )
    return f"# {facts.name}\n\n{body}\n"


def short(facts: Facts) -> str:
    """The card in a few lines, for the registry."""
    test, train = facts.metrics["test"], facts.metrics["train"]
    figures = ", ".join(
        f"{label} {value}" for label, value in _figures(test).items() if value != "–"
    )
    return (
        f"{churn(facts)} Trained on {train['points']:,} points ({_span(train['cutoffs'])}), judged "
        f"on {test['points']:,} later ones ({_span(test['cutoffs'])}): {figures}. "
        f"{_weak(facts.metrics)} Not for decisions against a customer. All of it: model_card.md of "
        "the run."
    )


def churn(facts: Facts) -> str:
    """The churn definition in a sentence."""
    values = facts.definition
    lead, grace = values.get("lead_days", 0), values.get("grace_days", 0)
    begin = f", counted from {_days(lead)} after the date," if lead else " after the date"
    window = f"within {_days(values['horizon_days'])}{begin}"
    back = f" and no other begins within {_days(grace)}" if grace else " and no other follows"
    return {
        "subscription": f"Churn: the last running subscription ends {window}{back}.",
        "inactivity": f"Churn: no activity ({', '.join(values.get('activity', ()))}) {window}, of "
        f"customers active in the {_days(values.get('active_days', 0))} before it.",
        "event": f"Churn: the business records it {window}.",
    }[values["kind"]]


def _days(number: int) -> str:
    return f"{number} day" + ("" if number == 1 else "s")


def _data(facts: Facts) -> list[str]:
    train, test = facts.metrics["train"], facts.metrics["test"]
    rows = [
        f"| {name} | {table['rows']:,} | {table['used']:,} | {(table['first'] or '')[:10]} | "
        f"{(table['last'] or '')[:10]} |"
        for name, table in facts.tables.items()
    ]
    return [
        "| table | rows | used | from | to |",
        "| --- | ---: | ---: | --- | --- |",
        *rows,
        "",
        f"Trained on {train['points']:,} points at {len(train['cutoffs'])} cutoffs "
        f"({_span(train['cutoffs'])}), {facts.base_rate:.1%} of which churned; judged on "
        f"{test['points']:,} untouched points ({_span(test['cutoffs'])}), "
        f"{test['base_rate']:.1%} of which churned.",
        f"Fingerprint of the data: `{facts.data_fingerprint}`.",
    ]


def _span(cutoffs: Sequence[str]) -> str:
    if not cutoffs:
        return "no cutoff"
    return cutoffs[0] if len(cutoffs) == 1 else f"{min(cutoffs)} to {max(cutoffs)}"


def _how_good(metrics: Mapping[str, Any]) -> list[str]:
    baselines = metrics["baselines"]
    rows = {"this model": metrics["test"]}
    rows |= {told: baselines[name] for name, told in verdict.NAMES.items() if name in baselines}
    lines = ["| | " + " | ".join(label for label, _ in FIGURES.values()) + " |"]
    lines.append("| --- |" + " ---: |" * len(FIGURES))
    for name, values in rows.items():
        lines.append(f"| {name} | " + " | ".join(_figures(values).values()) + " |")
    doubts = [f"**{doubt}**" for doubt in verdict.doubts(metrics)]
    return [*lines, "", *doubts] if doubts else lines


def _one_score(metrics: Mapping[str, Any]) -> list[str]:
    """The points score by segment; nothing where there is no score."""
    found = metrics.get("points_score")
    if not found:
        return []
    head, rows = one_score.table(found)
    return [
        f"| points score by segment | {' | '.join(head)} |",
        "| --- |" + " ---: |" * len(head),
        *(f"| {_in_table(name)} | {' | '.join(cells)} |" for name, cells in rows),
        "",
        *one_score.sentences(found),
        "All segments and rules: metrics.json.",
    ]


def _in_table(text: str) -> str:
    """A value of the data as a cell: on one line, and no border."""
    return " ".join(text.split()).replace("|", "\\|")


def _figures(values: Mapping[str, Any]) -> dict[str, str]:
    """The figures that people read, by label, with their interval where it is known."""
    shown = {}
    for name, (label, form) in FIGURES.items():
        value = values.get(name)
        if value is None:
            shown[label] = "–"
            continue
        interval = _interval(values, name)
        between = "" if interval is None else f" ({interval[0]:{form}} to {interval[1]:{form}})"
        shown[label] = f"{value:{form}}{between}"
    return shown


def _interval(values: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    """The interval of a figure: ``intervals`` holds pairs, or mappings with low and high."""
    found = (values.get("intervals") or {}).get(name)
    if isinstance(found, Mapping):
        found = [found.get("low"), found.get("high")]
    if not found or None in found:
        return None
    low, high = found
    return float(low), float(high)


def _weak(metrics: Mapping[str, Any]) -> str:
    """Where the model is clearly worse than elsewhere, the clearest first."""
    if metrics["test"]["auc"] is None:
        return "Nothing tells where it is weak."
    spots = metrics["weak_spots"]
    if not spots:
        return (
            f"No part of the test is weaker beyond noise, of those with {FEWEST_POINTS} points, "
            f"{FEWEST_OF_EACH} churners and {FEWEST_OF_EACH} others at least."
        )
    more = len(spots) - MOST_WEAK
    told = "; ".join(verdict.spot(one) for one in spots[:MOST_WEAK])
    return f"Weakest at {told}." + (f" And {more} more, in metrics.json." if more > 0 else "")


def _features(facts: Facts) -> list[str]:
    groups: dict[str, int] = {}
    for feature in facts.features:
        groups[feature["group"]] = groups.get(feature["group"], 0) + 1
    strength = {name: facts.drivers.get(name, 0.0) for name in groups}
    ordered = sorted(groups, key=lambda name: (-strength[name], name))
    meaning = {feature["name"]: feature["meaning"] for feature in facts.features}
    return [
        f"{len(facts.features)} features, by driver (log-odds that it adds for those at risk): "
        + ", ".join(f"{name} {groups[name]} ({strength[name]:.2f})" for name in ordered)
        + ". The strongest, by mean |SHAP|:",
        "",
        *(
            f"- `{name}`: {meaning.get(name, '')} ({size:.3f})"
            for name, size in list(facts.importance.items())[:MOST_FEATURES]
        ),
    ]


def _reasons(facts: Facts) -> list[str]:
    told = [f"- {sentence}" for sentence in verdict.reasons(facts.metrics)]
    return [
        *told,
        "- A driver is an association in these histories, held against a usual customer.",
    ]


def _again(facts: Facts) -> list[str]:
    made = facts.provenance
    changed = ", with changes that are in no commit" if made.dirty else ""
    return [
        f"- config `{facts.config_hash}` (config.json), seed {facts.seed}",
        f"- commit `{made.commit}`{changed}" if made.commit else "- outside a git repository",
        f"- Python {made.python}, libraries `{made.lock}`",
        "- the same histories, told by the fingerprint; then: `churn train`",
    ]
