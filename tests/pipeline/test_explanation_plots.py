"""Plots of explanations: each that there is something to draw of, the same every time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.drivers import Drivers
from models.shifts import Reasons
from pipeline.explaining import explain_all
from pipeline.explanation_plots import _strongest, draw

FILES = {
    "drivers.png",
    "importance.png",
    "interactions.png",
    "drivers_over_time.png",
    "drivers_by_part.png",
    "cohorts.png",
}


@pytest.fixture(scope="module")
def overall(small_explanation):
    return explain_all(Drivers.of(small_explanation), seed=1)


def drawn(overall, folder) -> dict[str, bytes]:
    folder.mkdir()
    draw(overall, folder)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_all_are_drawn_and_the_same_every_time(overall, tmp_path):
    first = drawn(overall, tmp_path / "first")
    assert set(first) == FILES
    assert all(len(content) > 5_000 for content in first.values())
    assert drawn(overall, tmp_path / "second") == first


def test_what_there_is_nothing_of_is_not_drawn(overall, tmp_path):
    nobody = Reasons({"2026-01-01": 5}, {"2026-01-01": 0}, {"usage": {"2026-01-01": 0.0}}, [])
    nothing = replace(
        overall,
        pairs=overall.pairs.head(0),
        parts=overall.parts.head(0),
        reasons=nobody,
        cohorts=[],
    )
    assert set(drawn(nothing, tmp_path / "plots")) == {"drivers.png", "importance.png"}


def test_pairs_that_never_act_together_are_not_drawn(overall, tmp_path):
    apart = replace(overall, pairs=overall.pairs.assign(mean_abs_interaction=0.0))
    assert _strongest(apart.pairs) == []
    assert "interactions.png" not in drawn(apart, tmp_path / "plots")


def test_the_features_of_the_strongest_pairs_come_first(overall):
    first = overall.pairs.iloc[0]
    assert _strongest(overall.pairs)[:2] == [first["name_1"], first["name_2"]]


def test_no_points_are_drawn_without_a_warning(small_explanation, tmp_path):
    nothing = replace(
        small_explanation,
        frame=small_explanation.frame.head(0),
        contributions=np.empty((0, 4)),
    )
    assert set(drawn(explain_all(Drivers.of(nothing), seed=1), tmp_path / "plots")) == {
        "drivers.png",
        "importance.png",
    }
