"""Faithfulness: whether the risk falls when what is named as its driver is as usual.

An explanation is faithful to its model if what it names matters to the model (Yeh et al. 2019;
DeYoung et al. 2020). The features of a customer's top driver are set to what is usual among peers,
and the model is asked again.
"""

from __future__ import annotations

import numpy as np

from models.drivers import Drivers
from models.groups import membership
from models.model import ChurnModel

MOSTLY = 0.5


def peer_row(model: ChurnModel) -> np.ndarray:
    """A row of the matrix with what is usual in training of each feature.

    The median of numbers, the commonest text; no value where most customers have none.
    """
    found = []
    for name in model.names:
        value = 0.0 if name in model.levels else model.typical.get(name)
        absent = value is None or model.missing.get(name, 0.0) > MOSTLY
        found.append(np.nan if absent else value)
    return np.array(found, dtype=np.float32)


def without_top_driver(drivers: Drivers, rows: np.ndarray) -> np.ndarray:
    """The probability of each of the rows if its top driver's features were as usual."""
    explanation = drivers.explanation
    model, frame = explanation.model, explanation.frame
    matrix = model.matrix(frame.iloc[rows])
    usual = peer_row(model)
    top = drivers.top[rows]
    for place in np.unique(top):
        here = np.flatnonzero(top == place)
        columns, member = membership(model.features, frame, drivers.groups[place], rows[here])
        block = np.ix_(here, columns)
        matrix[block] = np.where(member, usual[columns], matrix[block])
    return model.probability(matrix)


def faithfulness(drivers: Drivers, rows: np.ndarray) -> float | None:
    """The share of the rows whose risk falls when their top driver is as usual; None of no row."""
    if not len(rows):
        return None
    before = drivers.explanation.model.predict(drivers.explanation.frame.iloc[rows])
    return float(np.mean(without_top_driver(drivers, rows) < before))
