"""What is usual is the median customer's, and survives the disk."""

from __future__ import annotations

import json

import numpy as np

from models.explanation import explain
from models.usual import Usual


def test_medians_by_group_and_by_feature(model, frame):
    explained = explain(model, frame)
    usual = Usual.of(explained)
    groups, sums = explained.by_group()
    assert usual.groups["usage"] == np.median(sums[:, groups.index("usage")])
    assert usual.features["plan"] == np.median(explained.contributions[:, 2])
    assert Usual.from_dict(json.loads(json.dumps(usual.as_dict()))) == usual


def test_of_nobody_nothing_is_known(model, frame):
    assert Usual.of(explain(model, frame.head(0))) == Usual()
