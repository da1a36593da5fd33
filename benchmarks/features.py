"""What each group of features brings to later points: `make bench ONLY=features`.

A group that adds noise costs more than it brings, and one fit says little: two fits that differ in
nothing but their seed differ by more than most groups. So the groups are taken in and left out in a
balanced design (a Hadamard matrix and its mirror): in half of the fits a group is there, and every
other group is there in half of both halves. Each fit then tells of all groups, and an effect is a
difference of means over all fits, beside some others that may tell the same.

Levels are always there: counts, sums, means, recency, attributes, plan, price. Nothing here sees a
test point: of the cutoffs whose labels were known when the test began the newest are predicted by
what was known before them.

The rule, made before the first run: a group stays if it lowers log loss by more than two standard
errors, pooled over the histories that have it or on one of them, and does not raise it by more than
two, pooled. Else it goes, unless docs/decisions.md tells a reason of another kind.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.linalg import hadamard

from benchmarks import businesses, candidates
from benchmarks.effects import Figure, Scored, pooled, ranked, surprised
from features.vectors import FAMILIES, KEYS, LABEL, Vectors
from models.matrix import find_levels, to_matrix
from models.training import parameters

GROUPS = {
    "trends": r"(usage|payments|tickets)_\w+_trend_\d+d",
    "against the own mean": r"usage_count_vs_own_\d+d|payments_last_amount_vs_own",
    "usual gap": r"(usage|payments)_(gap_mean|days_since_last_vs_gap)",
    "regularity": r"(usage|payments)_(gap_spread|gap_max|silence_vs_\w+)",
    "breadth": r"usage_breadth_\d+d",
    "first 30 days": r"usage_\w*count_first_30d",
    "first 30 days: days, kinds, wait *": r"usage_((active_days|breadth)_first_30d|days_to_first)",
    "first 30 days against the cohort *": r"usage_\w+_vs_cohort",
    "failed payments": r"payments_(failed_(count|share)_\d+d|days_since_failed|last_failed)",
    "failures in a row": r"payments_failed_run\w*",
    "days late": r"payments_(late_share|days_late_\w+)_\d+d",
    "refunds": r"payments_refunded_\w+",
    "ticket tone": r"tickets_csat_(mean_\d+d|min_\d+d|last)",
    "ticket tone: change *": r"tickets_csat_change",
    "speed of support": r"tickets_(hours_to_close|reopened)_\w+",
    "open tickets": r"tickets_open_(count|oldest_days|urgent_count)",
    "surveys: against the own mean": r"surveys_\w+_last_score_vs_own",
    "surveys: change": r"surveys_\w+_score_change",
    "surveys": r"surveys_\w+",
    "renewal phase": r"subscriptions_(days_to_renewal|renewal_overdue|term_phase|\w+_unless_\w+)",
    "price changes": r"subscriptions_\w*price_change\w*",
    "contacts": r"contacts_\w+",
}
"""The groups that are judged, by the names of their features; with a star: `candidates`."""

FITS = 192
"""On each of the histories; a balanced design needs a multiple of twice a power of two."""

TREES, LEARNING_RATE = 40, 0.1
MOST_JUDGED = 60_000
"""Later points that are predicted, at most."""


@dataclass(frozen=True)
class Trial:
    """Points to learn from and later ones to judge by.

    Attributes
    ----------
    customers
        Whose points are judged, as numbers: points of one customer are not independent.
    names, texts
        The columns, and those of them that are categories.
    """

    learned: np.ndarray
    learned_labels: np.ndarray
    judged: np.ndarray
    judged_labels: np.ndarray
    customers: np.ndarray
    names: list[str]
    texts: list[str]


@dataclass(frozen=True)
class Effect:
    """What a group of so many columns adds to AUC (in 1e-4) and log loss (in 1e-5)."""

    columns: int
    auc: Figure
    log_loss: Figure


def run() -> str:
    """Judge all groups on all histories that are there; Markdown."""
    found: dict[str, dict[str, Effect]] = {}
    for name in businesses.there():
        with tempfile.TemporaryDirectory() as folder:
            given = trial(*_vectors(name, Path(folder)))
        found[name] = judge(given, GROUPS, FITS)
    return "\n".join([*_pooled(found), "", *_each(found)])


def _vectors(name: str, folder: Path) -> tuple[Vectors, int]:
    """Vectors of the points whose labels were known when the test began, and the days that took."""
    with businesses.opened(name, folder) as business:
        cutoffs = business.split().known
        families = (*FAMILIES, *candidates.FAMILIES)
        vectors = business.vectors(cutoffs, known_before=_later(cutoffs)[0], families=families)
        return candidates.with_cohorts(vectors), business.definition.days_until_known


def _later(cutoffs: Sequence[Any]) -> Sequence[Any]:
    """The newest cutoffs, which are judged by."""
    return cutoffs[int(0.62 * len(cutoffs)) :]


def trial(vectors: Vectors, days_until_known: int) -> Trial:
    """Learn from the points whose labels were known when the first later cutoff came."""
    frame = vectors.frame
    cutoff = frame[KEYS[1]].to_numpy().astype("datetime64[D]")
    later = _later(np.unique(cutoff))
    learned = frame[cutoff + np.timedelta64(days_until_known, "D") <= later[0]]
    judged = frame[np.isin(cutoff, later)]
    if len(judged) > MOST_JUDGED:
        judged = judged.sample(MOST_JUDGED, random_state=0)
    texts = [feature.name for feature in vectors.catalogue if feature.is_text]
    levels = find_levels(learned, texts)
    return Trial(
        learned=to_matrix(learned, vectors.names, levels),
        learned_labels=learned[LABEL].to_numpy(dtype=np.int8),
        judged=to_matrix(judged, vectors.names, levels),
        judged_labels=judged[LABEL].to_numpy(dtype=np.int8),
        customers=pd.factorize(judged[KEYS[0]])[0],
        names=vectors.names,
        texts=texts,
    )


def judge(given: Trial, groups: Mapping[str, str], fits: int) -> dict[str, Effect]:
    """The effect of each group that has columns which are not the same for everybody."""
    of_column = [_group_of(name, groups) for name in given.names]
    # LightGBM leaves out columns that are the same everywhere, and then its draws do not change.
    tells = {
        group for place, group in enumerate(of_column) if group and _varies(given.learned[:, place])
    }
    there = [group for group in groups if group in tells]
    design = _design(len(there), fits)
    auc, log_loss = [], []
    for seed, signs in enumerate(design):
        taken = {group for group, sign in zip(there, signs, strict=True) if sign > 0}
        columns = [i for i, group in enumerate(of_column) if group is None or group in taken]
        predicted = _predicted(given, columns, seed)
        auc.append(ranked(given.judged_labels, predicted))
        log_loss.append(surprised(given.judged_labels, predicted))
    effects = zip(
        _effects(design, auc, given.customers, 1e4),
        _effects(design, log_loss, given.customers, 1e5),
        strict=True,
    )
    return {
        group: Effect(of_column.count(group), *effect)
        for group, effect in zip(there, effects, strict=True)
    }


def _design(groups: int, fits: int) -> np.ndarray:
    """Which group is in (1) or out (-1) of which fit: any two together as often as apart.

    The mirror keeps effects apart from what two groups do together, and other columns in each round
    from what three do.
    """
    size = 2 ** groups.bit_length()
    columns, random = hadamard(size)[:, 1:], np.random.default_rng(0)
    halves = [random.permutation(columns, axis=1)[:, :groups] for _ in range(fits // (2 * size))]
    return np.concatenate([signs for half in halves for signs in (half, -half)])


def _group_of(name: str, groups: Mapping[str, str]) -> str | None:
    return next((group for group, names in groups.items() if re.fullmatch(names, name)), None)


def _varies(column: np.ndarray) -> bool:
    return len(np.unique(column)) > 1


def _predicted(given: Trial, columns: list[int], seed: int) -> np.ndarray:
    """What a model with these columns predicts for the later points."""
    names = [given.names[place] for place in columns]
    changed = {"learning_rate": LEARNING_RATE, "max_bin": 63}
    settings = {**parameters(seed, len(given.learned)), **changed}
    data = lgb.Dataset(
        given.learned[:, columns],
        given.learned_labels,
        feature_name=names,
        categorical_feature=[name for name in given.texts if name in names],
        params=settings,
    )
    booster = lgb.train(settings, data, num_boost_round=TREES)
    return np.asarray(
        booster.predict(
            given.judged[:, columns], raw_score=True, num_threads=settings["num_threads"]
        )
    )


def _effects(
    design: np.ndarray, scored: Sequence[Scored], customers: np.ndarray, scale: float
) -> list[Figure]:
    """Each group's effect; its error is that of the fits' seeds and that of the customers drawn."""
    known = np.column_stack([np.ones(len(design)), design / 2])
    solve = np.linalg.pinv(known)
    values = np.array([value for value, _ in scored])
    rest = values - known @ solve @ values
    seeds = rest @ rest / (len(design) - known.shape[1]) * (solve**2).sum(axis=1)
    moved = solve @ np.stack([each for _, each in scored])
    drawn = np.array([(np.bincount(customers, weights=each) ** 2).sum() for each in moved])
    errors = np.sqrt(seeds + drawn)
    found = zip(scale * solve @ values, scale * errors, strict=True)
    return [Figure(float(value), float(error)) for value, error in found][1:]


def stays(log_losses: Sequence[Figure]) -> bool:
    """The rule, on a group's effects in all histories that have it."""
    overall = pooled(log_losses)
    return not overall.higher and (overall.lower or any(f.lower for f in log_losses))


def _pooled(found: Mapping[str, Mapping[str, Effect]]) -> list[str]:
    lines = [
        "What taking a group in does to later points that are no test points, beside half of the",
        "others: AUC should rise and log loss fall. A star: no feature when this was measured.",
        "",
        "Over all histories, each by its certainty:",
        "",
        "| group | histories | AUC, 1e-4 | log loss, 1e-5 | by the rule |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for group in GROUPS:
        effects = [of[group] for of in found.values() if group in of]
        if not effects:
            lines.append(f"| {group} | 0 | – | – | cannot be judged |")
            continue
        losses = [effect.log_loss for effect in effects]
        auc = pooled([effect.auc for effect in effects])
        verdict = "stays" if stays(losses) else "goes"
        lines.append(f"| {group} | {len(effects)} | {auc} | {pooled(losses)} | {verdict} |")
    return lines


def _each(found: Mapping[str, Mapping[str, Effect]]) -> list[str]:
    lines = [
        "Each of the histories:",
        "",
        "| histories | group | columns | AUC, 1e-4 | log loss, 1e-5 |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for name, effects in found.items():
        for group, effect in effects.items():
            figures = f"{effect.columns} | {effect.auc} | {effect.log_loss}"
            lines.append(f"| {name} | {group} | {figures} |")
    return lines
