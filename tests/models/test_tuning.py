"""The search: repeatable, never worse than the defaults, taken up where it was interrupted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from models import tuning
from models.training import Data, Part, dataset, rehearse
from models.tuning import tune


@pytest.fixture(scope="module")
def data() -> Data:
    random = np.random.default_rng(0)
    matrix = random.normal(size=(900, 3)).astype(np.float32)
    labels = (random.random(900) < 1 / (1 + np.exp(-2 * matrix[:, 0]))).astype(np.int8)
    folds = [(np.arange(300), np.arange(300, 600)), (np.arange(600), np.arange(600, 900))]
    return Data(Part(matrix, labels), ["a", "b", "c"], [], folds)


def test_it_is_repeatable(data):
    chosen = [tune(data, seed=5, trials=4) for _ in range(2)]
    assert chosen[0] == chosen[1]
    assert chosen[0]["num_leaves"] >= 4


def test_it_is_never_worse_than_the_defaults(data):
    table = dataset(data)
    losses = [
        np.mean(
            [
                rehearse(data, table, fold, seed=5, chosen=chosen, most=500).log_loss
                for fold in data.folds
            ]
        )
        for chosen in (tune(data, seed=5, trials=6), {})
    ]
    assert losses[0] <= losses[1]


def test_a_search_interrupted_in_its_first_trial_begins_with_the_defaults(
    data, tmp_path, monkeypatch
):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tuning, "rehearse", interrupt)
        with pytest.raises(KeyboardInterrupt):
            tune(data, seed=5, trials=1, journal=tmp_path / "journal")
    assert tune(data, seed=5, trials=1, journal=tmp_path / "journal") == tune(
        data, seed=5, trials=1
    )


def test_an_interrupted_search_goes_on_where_it_was(data, tmp_path):
    """After two trials it is broken off; the rest is what it would have been."""
    told: list[tuple[int, float]] = []

    def interrupt(trial: int, best: float) -> None:
        if trial == 2:
            raise KeyboardInterrupt

    journal = tmp_path / "out" / "tuning.journal"
    with pytest.raises(KeyboardInterrupt):
        tune(data, seed=5, trials=5, journal=journal, progress=interrupt)
    found = tune(data, seed=5, trials=5, journal=journal, progress=lambda *each: told.append(each))
    assert [trial for trial, _ in told] == [3, 4, 5]
    assert found == tune(data, seed=5, trials=5)


def test_other_data_are_another_search(data, tmp_path):
    journal = tmp_path / "tuning.journal"
    counts = itertools.count()
    tune(data, seed=5, trials=2, journal=journal)
    tune(data, seed=6, trials=2, journal=journal, progress=lambda *_: next(counts))
    assert next(counts) == 2


def test_time_ends_the_search_after_the_trial_that_runs(data):
    trials: list[int] = []
    tune(data, seed=5, trials=50, minutes=1e-9, progress=lambda trial, _: trials.append(trial))
    assert trials == [1]


def test_nothing_to_judge_by(data):
    assert tune(Data(data.points, data.features, []), seed=5, trials=3) == {}
    assert tune(data, seed=5, trials=0) == {}
