"""How far refits agree, and what that says of a customer whose drivers are close."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.stability import Stability, stability

GAP = np.array([0.0, 0.1, 0.5, 1.0])
TOP = np.array([0, 1, 1, 2])
REFITTED = [np.array([1, 1, 1, 2]), np.array([1, 0, 1, 2]), np.array([0, 1, 1, 2]),
            np.array([2, 1, 1, 2])]  # fmt: skip


def test_the_share_of_refits_that_agree_of_those_of_high_risk():
    found = stability(GAP, TOP, REFITTED, np.array([True, False, False, True]))
    assert found.agreement == pytest.approx((0.25 + 1.0) / 2)
    assert (found.refits, found.customers) == (4, 2)


def test_a_wider_gap_is_steadier():
    found = stability(GAP, TOP, REFITTED, np.ones(4, dtype=bool))
    np.testing.assert_allclose(found.share(GAP), [0.25, 0.75, 1, 1])
    shares = found.share(np.linspace(-1, 9, 50))
    assert (np.diff(shares) >= 0).all()
    assert found.share(np.array([np.inf]))[0] == 1


def test_one_lever_alone_is_always_first():
    found = stability(np.full(4, np.inf), np.zeros(4), [np.zeros(4)], np.ones(4, dtype=bool))
    assert found.share(np.array([np.inf]))[0] == found.agreement == 1


def test_nothing_to_judge_by():
    assert stability(GAP, TOP, [], np.ones(4, dtype=bool)) is None
    assert stability(GAP, TOP, REFITTED, np.zeros(4, dtype=bool)) is None


def test_it_survives_the_disk():
    found = stability(GAP, TOP, REFITTED, np.ones(4, dtype=bool))
    assert Stability.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    assert Stability.from_dict(None) is None
