"""Labels of plots: whatever the texts of a business look like."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.drivers import Drivers
from pipeline.dependence_plots import draw_dependence
from pipeline.explaining import explain_all
from pipeline.explanation_plots import draw
from pipeline.plotting import LONGEST, Picture, Plot, label


def test_a_label_is_one_short_line():
    assert label("plan\n  basic") == "plan basic"
    assert label("x" * 200) == "x" * (LONGEST - 1) + "…"
    assert label("$5 to $10") == r"\$5 to \$10"


@pytest.mark.parametrize(
    "text", ["$5 to $10", "基本プラン", "a\nb\tc", "x" * 300, "", "50 % _off_ ^"]
)
def test_odd_texts_are_drawn_without_a_warning(small_explanation, tmp_path, text):
    model = small_explanation.model
    plans = small_explanation.frame["subscriptions_plan"]
    odd = replace(
        small_explanation,
        frame=small_explanation.frame.assign(subscriptions_plan=plans.replace("basic", text)),
        model=replace(
            model,
            levels={
                name: [text if level == "basic" else level for level in levels]
                for name, levels in model.levels.items()
            },
        ),
    )
    overall = explain_all(Drivers.of(odd), seed=1)
    draw(overall, tmp_path)
    draw_dependence(overall, tmp_path)
    assert {"drivers_by_part.png", "dependence.png"} <= {file.name for file in tmp_path.iterdir()}


def test_a_picture_is_a_png_that_warns_nobody():
    drawn = Plot((3, 2), lambda axes: axes.set_title("基本プラン"))
    picture = Picture(drawn.figure())
    first = picture._repr_png_()
    assert first.startswith(b"\x89PNG")
    assert Picture(drawn.figure())._repr_png_() == first
    assert picture.figure.get_size_inches().tolist() == [3, 2]
