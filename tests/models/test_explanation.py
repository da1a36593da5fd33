"""Contributions add up exactly for every row, in log-odds and in probability."""

from __future__ import annotations

import numpy as np
import pytest

from models.explanation import explain


@pytest.fixture(scope="module")
def explained(model, frame):
    return explain(model, frame)


def test_every_row_adds_up(explained, model, frame):
    predicted = model.predict(frame)
    log_odds = np.log(predicted) - np.log1p(-predicted)
    np.testing.assert_allclose(explained.log_odds, log_odds, rtol=0, atol=1e-9)
    total = explained.expected_probability + explained.in_probability.sum(axis=1)
    np.testing.assert_allclose(total, predicted, rtol=0, atol=1e-9)


def test_groups_add_up_like_features(explained):
    _, sums = explained.by_group()
    np.testing.assert_allclose(sums.sum(axis=1), explained.contributions.sum(axis=1))


def test_importances_are_means_the_largest_first(explained):
    found = explained.importance()
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert found["plan"] == pytest.approx(np.abs(explained.contributions[:, 2]).mean())


@pytest.mark.parametrize("scale", ["log-odds", "probability"])
def test_shap_has_it_on_either_scale(explained, model, frame, scale):
    shown = explained.for_plots(scale)
    told = shown.base_values + shown.values.sum(axis=1)
    wanted = explained.log_odds if scale == "log-odds" else model.predict(frame)
    np.testing.assert_allclose(told, wanted, rtol=0, atol=1e-9)
    assert shown.feature_names == model.names


def test_nobody_has_no_importance(model, frame):
    nobody = explain(model, frame.head(0))
    assert set(nobody.importance().values()) == {0.0}


def test_plots_tell_texts_and_not_their_codes(explained, model, frame):
    shown = explained.for_plots()
    place = model.names.index("plan")
    known = frame["plan"].isin(model.levels["plan"]).to_numpy()
    assert shown.display_data[known, place].tolist() == frame["plan"][known].tolist()
    assert np.isnan(shown.display_data[~known, place].astype(float)).all()
    others = [number for number in range(len(model.names)) if number != place]
    told = shown.display_data[:, others].astype(float)
    np.testing.assert_array_equal(told, shown.data[:, others])
