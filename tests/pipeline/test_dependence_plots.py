"""How the risk depends on a feature: numbers with gaps, texts, flags, and their partners."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.drivers import Drivers
from pipeline.dependence_plots import _colours, _places, draw_dependence, partner, strongest_pair
from pipeline.explaining import explain_all


@pytest.fixture(scope="module")
def overall(small_explanation):
    return explain_all(Drivers.of(small_explanation), seed=1)


def test_it_is_the_same_every_time(overall, tmp_path):
    drawn = []
    for _ in range(2):
        draw_dependence(overall, tmp_path)
        drawn.append((tmp_path / "dependence.png").read_bytes())
    assert len(drawn[0]) > 20_000
    assert drawn[0] == drawn[1]


def test_without_a_feature_that_matters_there_is_nothing_to_draw(overall, tmp_path):
    nothing = replace(overall, features=overall.features.assign(mean_abs_shap=0.0))
    draw_dependence(nothing, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_partner_is_the_other_feature_of_the_strongest_pair(overall):
    first = overall.pairs.iloc[0]
    assert partner(overall.pairs, first["name_1"]) == first["name_2"]
    assert partner(overall.pairs, first["name_2"]) == first["name_1"]
    assert partner(overall.pairs, "nobody") is None
    apart = overall.pairs.assign(mean_abs_interaction=0.0)
    assert partner(apart, first["name_1"]) is None


def places(overall, name):
    model = overall.explained.model
    matrix = model.matrix(overall.explained.frame)
    return matrix[:, model.names.index(name)], *_places(model, matrix, name)


def test_points_without_a_value_lie_left_of_all(overall):
    values, where, ticks = places(overall, "usage_days_since_last")
    gaps = np.isnan(values)
    assert gaps.any()
    assert (where[gaps].max() < where[~gaps].min()) & (len(set(where[gaps])) == 1)
    np.testing.assert_array_equal(where[~gaps], values[~gaps])
    assert next(iter(ticks.items())) == (where[gaps][0], "none")


def test_texts_stand_beside_each_other(overall):
    values, where, ticks = places(overall, "subscriptions_plan")
    assert sorted(ticks.values()) == ["basic", "pro"]
    np.testing.assert_array_equal(where.round(), values)
    assert len(set(where)) > 20, "points of the same text should not hide each other"
    assert places(overall, "payments_last_failed")[2] == {0.0: "no", 1.0: "yes"}


def test_a_partner_without_any_value_is_drawn_without_a_warning(overall, tmp_path):
    model = overall.explained.model
    matrix = model.matrix(overall.explained.frame)
    for same in (np.nan, 7.0):
        matrix[:, 0] = same
        found = _colours(model, matrix, "usage_days_since_last")
        assert found["vmin"] < found["vmax"]
    gaps = overall.explained.frame.assign(usage_days_since_last=np.nan)
    draw_dependence(replace(overall, explained=replace(overall.explained, frame=gaps)), tmp_path)
    assert (tmp_path / "dependence.png").is_file()


def test_the_strongest_pair_is_drawn_over_its_more_important_feature(overall):
    first = overall.pairs.iloc[0]
    pair = {first["name_1"], first["name_2"]}
    order = [name for name in overall.features["name"] if name in pair]
    for features, told in ((overall.features, order), (overall.features.iloc[::-1], order[::-1])):
        axes, bar = strongest_pair(replace(overall, features=features)).figure().axes
        assert axes.get_xlabel() == told[0]
        assert bar.get_ylabel() == f"{told[1]} (grey: none)"
    apart = overall.pairs.assign(mean_abs_interaction=0.0)
    assert strongest_pair(replace(overall, pairs=apart)) is None
