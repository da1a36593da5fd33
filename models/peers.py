"""The customers of a date, made ready to ask what would change it for any of them.

A feature may say, beside what it means, `says` (its subject; its name by default) and `actionable`
(whether what a team does from now on can move it; no by default).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.model import ChurnModel
from models.nearness import Ranks
from models.together import Rules, learn

if TYPE_CHECKING:
    import pandas as pd

MOST_PEERS = 10_000
"""Of more peers, so many are drawn by the seed."""
RULE_PEERS = 2_000
"""So many of them tell what goes together."""


@dataclass(frozen=True)
class Peers:
    """Customers at the same date, made ready for any number of questions.

    Attributes
    ----------
    frame, matrix
        Their vectors, and these as the model reads them.
    probability
        Their risk.
    ranks, ranked
        How far values are apart, and the peers' own ranks.
    rules
        What goes together.
    owner, subjects
        For each feature its subject, by position; -1 for one that is not actionable.
    """

    frame: pd.DataFrame
    matrix: np.ndarray
    probability: np.ndarray
    ranks: Ranks
    ranked: np.ndarray
    rules: Rules
    owner: np.ndarray
    subjects: tuple[str, ...]


def prepare(model: ChurnModel, peers: pd.DataFrame, *, seed: int = 7) -> Peers:
    """What `smallest_change` needs of the peers, which takes longer than one question.

    Raises
    ------
    ValueError
        When the vectors lack features of the model.
    """
    random = np.random.default_rng(seed)
    if len(peers) > MOST_PEERS:
        peers = peers.iloc[np.sort(random.choice(len(peers), MOST_PEERS, replace=False))]
    matrix = model.matrix(peers)
    texts = np.array([name in model.levels for name in model.names], dtype=bool)
    owner, subjects = _subjects(model)
    told = matrix
    if len(matrix) > RULE_PEERS:
        told = matrix[np.sort(random.choice(len(matrix), RULE_PEERS, replace=False))]
    ranks = Ranks.among(matrix, np.flatnonzero(owner >= 0), texts)
    return Peers(
        frame=peers,
        matrix=matrix,
        probability=model.calibrated(model.raw_log_odds(matrix)) if len(matrix) else np.empty(0),
        ranks=ranks,
        ranked=ranks.of(matrix),
        rules=learn(told, texts, owner >= 0, random),
        owner=owner,
        subjects=subjects,
    )


def says(feature: Mapping[str, Any]) -> str:
    """What a feature is about."""
    return str(feature.get("says") or feature["name"])


def group_of(model: ChurnModel, subject: str) -> str:
    """The driver group that most features of a subject are of; the first of equals."""
    groups: Sequence[str] = [each["group"] for each in model.features if says(each) == subject]
    return max(dict.fromkeys(groups), key=groups.count)


def _subjects(model: ChurnModel) -> tuple[np.ndarray, tuple[str, ...]]:
    """For each feature the position of its subject, -1 if not actionable; and the subjects."""
    told = [says(each) if each.get("actionable", False) else None for each in model.features]
    subjects = list(dict.fromkeys(each for each in told if each is not None))
    owner = [-1 if each is None else subjects.index(each) for each in told]
    return np.array(owner, dtype=np.int64), tuple(subjects)
