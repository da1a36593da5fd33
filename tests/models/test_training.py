"""How many trees later points ask for, and what the calibration is fitted on."""

from __future__ import annotations

from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pytest

from models.training import FEWEST_TREES, KINDS, REHEARSED, Data, Part, dataset, fit, rehearse

ROWS = 900


def data_of(odd: slice | None = None) -> Data:
    """Three times of 900 points, of which some were as luck would have it."""
    random = np.random.default_rng(0)
    matrix = random.normal(size=(3 * ROWS, 4)).astype(np.float32)
    pull = matrix[:, 0] * (matrix[:, 1] > 0) + matrix[:, 2]
    labels = (random.random(3 * ROWS) < 1 / (1 + np.exp(-2 * pull))).astype(np.int8)
    if odd is not None:
        labels[odd] = random.permutation(labels[odd])
    times = np.repeat([0, 1, 2], ROWS)
    folds = [(np.flatnonzero(times < time), np.flatnonzero(times == time)) for time in (1, 2)]
    return Data(Part(matrix, labels), ["a", "b", "c", "d"], [], folds, times)


def rehearsed(data: Data, fold: int, **kwargs: object) -> dict[str, int]:
    return dict(rehearse(data, dataset(data), data.folds[fold], seed=3, **kwargs).trees)


@pytest.mark.parametrize("odd", [slice(2 * ROWS, None), slice(ROWS, 2 * ROWS), None])
def test_one_odd_season_does_not_stop_the_trees(odd):
    data = data_of(odd)
    older, newest = rehearsed(data, 0), rehearsed(data, 1)
    if odd is not None:
        low, high = (newest, older) if odd.start == 2 * ROWS else (older, newest)
        assert all(low[kind] < high[kind] for kind in KINDS)
    fitted = fit(data, seed=3)
    assert fitted.trees == {kind: max(older[kind], newest[kind]) for kind in KINDS}
    found = [lgb.Booster(model_str=text).current_iteration() for text in fitted.boosters]
    # A tree whose random thresholds part nobody is not kept.
    np.testing.assert_allclose(found, list(fitted.trees.values()), atol=3)


def test_only_the_newest_folds_are_rehearsed():
    data = data_of()
    early = [(np.arange(300), np.arange(300, ROWS))] * 2
    told: list[str] = []
    fitted = fit(replace(data, folds=[*early, *data.folds]), seed=3, progress=told.append)
    assert fitted.trees == fit(data, seed=3).trees
    assert len([one for one in told if one.startswith("validating")]) == REHEARSED


def test_what_calibrates_has_as_many_trees_as_the_model():
    """More trees than the newest points ask for make bolder log-odds: they must be mended."""
    data = data_of(slice(2 * ROWS, None))
    table, fewest = dataset(data), rehearsed(data, 0)
    short = rehearse(data, table, data.folds[1], seed=3)
    long = rehearse(data, table, data.folds[1], seed=3, fewest=fewest)
    assert long.trees == fewest
    assert long.log_loss > short.log_loss
    (raw, labels), (fewer, _) = long.blocks[0], short.blocks[0]
    assert np.std(raw) > np.std(fewer)
    assert np.array_equal(labels, data.points.labels[2 * ROWS :])
    assert fit(data, seed=3).validation["none"] == pytest.approx(long.log_loss)


def test_every_model_has_some_trees():
    data = data_of(slice(0, None))
    assert all(count >= FEWEST_TREES for count in rehearsed(data, 1).values())


def test_blocks_are_of_one_time_each():
    data = data_of()
    both = (np.arange(ROWS), np.arange(ROWS, 3 * ROWS))
    found = rehearse(data, dataset(data), both, seed=3)
    assert [len(raw) for raw, _ in found.blocks] == [ROWS, ROWS]
    one = rehearse(replace(data, times=None), dataset(data), both, seed=3)
    assert [len(raw) for raw, _ in one.blocks] == [2 * ROWS]
    assert one.log_loss == pytest.approx(found.log_loss)
