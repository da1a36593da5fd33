"""What is named as the driver matters to the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.faithfulness import faithfulness, peer_row, without_top_driver


def test_a_peer_has_the_medians_and_the_commonest_text(model):
    mostly_missing = replace(model, missing={"failed_share": 0.6})
    assert peer_row(model).tolist() == [20.0, 0.5, 0.0]
    np.testing.assert_array_equal(peer_row(mostly_missing), [20.0, np.nan, 0.0])


def test_only_the_top_drivers_features_become_usual(drivers):
    model, frame = drivers.explanation.model, drivers.explanation.frame
    rows = np.arange(40)
    found = without_top_driver(drivers, rows)
    for row in rows:
        driver = drivers.groups[drivers.top[row]]
        name = {"usage": "usage_count_30d", "payments": "failed_share"}[driver]
        alone = frame.iloc[[row]].assign(**{name: model.typical[name]})
        assert found[row] == model.predict(alone)[0]


def test_the_risk_of_the_riskiest_falls(drivers):
    predicted = drivers.explanation.model.predict(drivers.explanation.frame)
    riskiest = np.argsort(-predicted)[:200]
    assert faithfulness(drivers, riskiest) > 0.95
    turned = replace(drivers, pushes=-drivers.pushes)
    assert faithfulness(turned, riskiest) < 0.8
    assert faithfulness(drivers, riskiest[:0]) is None
