"""Cohorts of customers who are about to leave for the same reason: clusters in SHAP space.

A customer is a point with a coordinate per driver group: what the group adds to the log-odds of
churn. Two decisions make these points reasons to leave:

- Only what raises the risk counts, the rest is 0. What keeps a customer is no reason to leave, and
  customers of one reason would fall apart by what else they are content with.
- Each point is scaled to length 1. A failed payment that weighs 1 and one that weighs 3 are one
  reason; how large the risk is, the probability tells.

Clusters are found by k-means (Lloyd 1982; k-means++ starts by a fixed seed), their number by the
mean silhouette (Rousseeuw 1987): the most clusters that are as good as the best but for
`TOLERANCE`. Rather too many than too few, since clusters whose name is the same are put together:
a cohort is a reason, and its name is all that tells one from another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

FEWEST, MOST = 2, 8
"""How many clusters are tried."""
TOLERANCE = 0.03
STARTS = 10
MOST_JUDGED = 2_000
"""Customers by whom the silhouette is computed: it takes the distances between all of them."""
NAMED_FROM = 0.5
"""A driver is part of a name if it weighs at least this share of the cohort's first."""
MOST_NAMED = 3
NO_DRIVER = "no driver"


@dataclass(frozen=True)
class Cohort:
    """Customers who are about to leave for the same reason.

    Attributes
    ----------
    name
        The drivers in words, the strongest first: ``usage and support``.
    drivers
        The driver groups that the name tells.
    size, share
        How many customers it has, and their share of all given.
    mean_probability
        Their mean probability of churn.
    contributions
        By driver group the mean contribution in log-odds, signed, the largest first.
    churned
        The share that churned; None where nobody knows.
    typical
        Position of the most typical customer: the nearest to the centre, which is the medoid by
        squared distances.
    members
        Positions of the customers, ascending.
    """

    name: str
    drivers: tuple[str, ...]
    size: int
    share: float
    mean_probability: float
    contributions: Mapping[str, float]
    churned: float | None
    typical: int
    members: np.ndarray

    def as_dict(self) -> dict[str, Any]:
        """All but the positions, as JSON values."""
        values = asdict(self)
        del values["members"], values["typical"]
        return {**values, "drivers": list(self.drivers)}


def cohorts(
    groups: Sequence[str],
    sums: np.ndarray,
    probabilities: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    seed: int,
) -> list[Cohort]:
    """The cohorts of customers at risk, the largest first (ties by name); none of no customers.

    Parameters
    ----------
    groups
        The driver groups, in the order of the columns of `sums`.
    sums
        Customers x groups, a row each: what the group adds to the log-odds of churn.
    probabilities
        Their probabilities of churn.
    labels
        Whether they churned, where that is known.
    """
    if not len(sums):
        return []
    points = directions(sums)
    parts = _named(groups, points, clusters(points, seed=seed))
    found = []
    for drivers, members in parts.items():
        means = dict(zip(groups, sums[members].mean(axis=0).tolist(), strict=True))
        found.append(
            Cohort(
                name=told(drivers),
                drivers=drivers,
                size=len(members),
                share=len(members) / len(sums),
                mean_probability=float(probabilities[members].mean()),
                contributions=dict(sorted(means.items(), key=lambda item: (-item[1], item[0]))),
                churned=None if labels is None else float(labels[members].mean()),
                typical=int(members[_central(points[members])]),
                members=members,
            )
        )
    return sorted(found, key=lambda one: (-one.size, one.name))


def directions(sums: np.ndarray) -> np.ndarray:
    """What raises the risk, as points at distance 1; 0 where nothing does."""
    raising = np.clip(sums, 0, None)
    length = np.linalg.norm(raising, axis=1, keepdims=True)
    return np.divide(raising, length, out=np.zeros_like(raising), where=length > 0)


def told(drivers: Sequence[str]) -> str:
    """The drivers in words: ``usage, price and support``."""
    if not drivers:
        return NO_DRIVER
    *first, last = drivers
    return f"{', '.join(first)} and {last}" if first else last


def clusters(points: np.ndarray, *, seed: int) -> np.ndarray:
    """The cluster of each point, as a number; all the same where there are no two kinds."""
    from threadpoolctl import threadpool_limits

    # What differs by less is the same, and k-means cannot part more points than there are.
    points = points.round(4)
    most = min(MOST, len(np.unique(points, axis=0)), len(points) - 1)
    step = max(1, -(-len(points) // MOST_JUDGED))
    best = np.zeros(len(points), dtype=np.int64)
    # One thread adds up in one order: the same points always give the same clusters.
    with threadpool_limits(limits=1):
        tried = [_k_means(points, count, seed) for count in range(FEWEST, most + 1)]
        scores = [_silhouette(points[::step], labels[::step]) for labels in tried]
    for labels, score in zip(tried, scores, strict=True):
        if score >= max(scores) - TOLERANCE:
            best = labels
    return best


def _k_means(points: np.ndarray, count: int, seed: int) -> np.ndarray:
    from sklearn.cluster import KMeans

    return np.asarray(KMeans(count, n_init=STARTS, random_state=seed).fit(points).labels_)


def _silhouette(points: np.ndarray, labels: np.ndarray) -> float:
    """-1 where the sample is of one cluster, or each of its points is one."""
    from sklearn.metrics import silhouette_score

    if not 1 < len(np.unique(labels)) < len(labels):
        return -1.0
    return float(silhouette_score(points, labels))


def _named(
    groups: Sequence[str], points: np.ndarray, labels: np.ndarray
) -> dict[tuple[str, ...], np.ndarray]:
    """The members of each cluster by its drivers; clusters of the same drivers put together.

    Two clusters may tell the same drivers in another order, and a union may have other drivers than
    its parts: it goes on until no two are alike.
    """
    parts = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    while True:
        alike: dict[frozenset[str], list[np.ndarray]] = {}
        for members in parts:
            alike.setdefault(frozenset(_drivers(groups, points[members])), []).append(members)
        joined = [np.sort(np.concatenate(same)) for same in alike.values()]
        if len(joined) == len(parts):
            return {_drivers(groups, points[members]): members for members in joined}
        parts = joined


def _drivers(groups: Sequence[str], points: np.ndarray) -> tuple[str, ...]:
    """The groups that weigh most at the centre, the strongest first (ties by name)."""
    centre = points.mean(axis=0)
    order = sorted(range(len(groups)), key=lambda g: (-centre[g], groups[g]))[:MOST_NAMED]
    least = NAMED_FROM * centre.max(initial=0)
    return tuple(groups[g] for g in order if centre[g] > 0 and centre[g] >= least)


def _central(points: np.ndarray) -> int:
    """The point nearest to the centre, the first of several."""
    return int(((points - points.mean(axis=0)) ** 2).sum(axis=1).argmin())
