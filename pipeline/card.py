"""The model card: what a model is for, how good it is, where it is weak, and how to make it again.

Figures are read as they come: a breakdown or an interval that the metrics lack is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.provenance import Provenance

MOST_FEATURES = 10
MOST_WEAK = 3
FEWEST_POINTS = 50
"""Figures of fewer points than this are noise, and no weakness."""
FIGURES = {
    "auc": ("AUC", ".3f"),
    "average_precision": ("average precision", ".3f"),
    "lift_10": ("lift in the top 10 %", ".2f"),
    "log_loss": ("log loss", ".4f"),
    "brier": ("Brier", ".4f"),
}
BASELINES = {"base_rate": "churn rate for all", "recency": "longest silence first"}
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
    importance, drivers
        Mean |SHAP| by feature and by driver group, the largest first.
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
        "Where it is weak": _weak(facts.metrics),
        "Not for": [NOT_FOR],
        "What it looks at": _features(facts),
        "How to make it again": _again(facts),
    }
    body = "\n\n".join(f"## {title}\n\n" + "\n".join(lines) for title, lines in sections.items())
    return f"# {facts.name}\n\n{body}\n"


def short(facts: Facts) -> str:
    """The card in a few lines, for the registry."""
    test, train = facts.metrics["test"], facts.metrics["train"]
    figures = ", ".join(
        f"{label} {value}" for label, value in _figures(test).items() if value != "–"
    )
    weak = _weak(facts.metrics)[0]
    return (
        f"{churn(facts)} Trained on {train['points']:,} points ({_span(train['cutoffs'])}), judged "
        f"on {test['points']:,} later ones ({_span(test['cutoffs'])}): {figures}. Weak: {weak} "
        "Not for decisions against a customer. All of it: model_card.md of the run."
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
    test, baselines = metrics["test"], metrics.get("baselines", {})
    rows = {"this model": test}
    rows |= {BASELINES.get(name, _words(name)): values for name, values in baselines.items()}
    lines = ["| | " + " | ".join(label for label, _ in FIGURES.values()) + " |"]
    lines.append("| --- |" + " ---: |" * len(FIGURES))
    for name, values in rows.items():
        lines.append(f"| {name} | " + " | ".join(_figures(values).values()) + " |")
    beaten_by = [name for name, values in list(rows.items())[1:] if _is_better(values, test)]
    if beaten_by:
        lines += ["", f"**It does not beat: {', '.join(beaten_by)}.**"]
    return lines


def _is_better(baseline: Mapping[str, Any], test: Mapping[str, Any]) -> bool:
    """Whether a baseline is as good in order or in probabilities, where it tells them."""
    for name, sign in (("auc", 1), ("log_loss", -1)):
        ours, theirs = test.get(name), baseline.get(name)
        if ours is not None and theirs is not None and sign * theirs >= sign * ours:
            return True
    return False


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


def _weak(metrics: Mapping[str, Any]) -> list[str]:
    """The parts of the test in which the order of customers is worst."""
    whole = metrics["test"].get("auc")
    parts = [
        (values["auc"], where, values["points"])
        for where, values in _parts(metrics)
        if values["auc"] is not None and values["points"] >= FEWEST_POINTS
    ]
    if whole is None or not parts:
        return ["No part of the test has figures of its own."]
    worst = sorted(parts)[:MOST_WEAK]
    told = [f"{where}: AUC {auc:.3f} on {points:,} points" for auc, where, points in worst]
    return [f"{'; '.join(told)} (all: {whole:.3f})."]


def _parts(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every breakdown that the metrics hold, however deep: its name and its figures."""
    for name, values in metrics.items():
        if name not in ("baselines", "train"):
            yield from _below(values, [] if name == "test" else [name])


def _below(values: Any, path: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(values, Mapping):
        return
    if path and "auc" in values and "points" in values:
        yield " ".join(_words(part) for part in path), values
    for name, inner in values.items():
        if name != "baselines":
            yield from _below(inner, [*path, str(name)])


def _words(name: str) -> str:
    return name.removeprefix("by_").replace("_", " ")


def _features(facts: Facts) -> list[str]:
    groups: dict[str, int] = {}
    for feature in facts.features:
        groups[feature["group"]] = groups.get(feature["group"], 0) + 1
    strength = {name: facts.drivers.get(name, 0.0) for name in groups}
    ordered = sorted(groups, key=lambda name: (-strength[name], name))
    meaning = {feature["name"]: feature["meaning"] for feature in facts.features}
    return [
        f"{len(facts.features)} features, by driver (mean |SHAP| in log-odds): "
        + ", ".join(f"{name} {groups[name]} ({strength[name]:.2f})" for name in ordered)
        + ". The strongest:",
        "",
        *(
            f"- `{name}`: {meaning.get(name, '')} ({size:.3f})"
            for name, size in list(facts.importance.items())[:MOST_FEATURES]
        ),
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
