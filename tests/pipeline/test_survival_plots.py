"""Plots of cohorts, survival and forecasts: every mark is a figure."""

from __future__ import annotations

import pytest

from pipeline.survival_plots import MOST_LINES, cohorts_plot, draw, forecast_plot, survival_plot


def group(name, customers=10, months=(0, 1, 2)):
    share = [1.0, 0.8, 0.6][: len(months)]
    return {
        "group": name,
        "customers": customers,
        "months": list(months),
        "share": share,
        "share_low": [one - 0.1 for one in share],
        "share_high": [min(one + 0.1, 1) for one in share],
    }


COHORTS = {
    "cohorts": [
        {"month": "2025-01-01", "customers": 40, "small": False, "kept": [1.0, 0.9, 0.5]},
        {"month": "2025-02-01", "customers": 0, "small": True, "kept": [None, None]},
    ]
}
FORECAST = {
    "ahead": [
        {"until": "2026-02-01", "churned": {"expected": 10.0, "low": 5.0, "high": 17.0}},
        {"until": "2026-03-01", "churned": {"expected": 19.0, "low": 10.0, "high": 33.0}},
    ]
}


def test_curves_of_the_largest_groups_by_name():
    groups = [group(f"g${n}", customers=n) for n in range(MOST_LINES + 2)]
    (axes,) = survival_plot(groups, "by $x$").figure().axes
    curves = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert len(curves) == MOST_LINES
    assert curves[0].get_ydata().tolist() == [1.0, 0.8, 0.6]
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names[0] == rf"g\${MOST_LINES + 1}"


def test_everybody_needs_no_legend():
    (axes,) = survival_plot([group(None)], "all").figure().axes
    assert axes.get_legend() is None


def test_cells_of_the_triangle_and_none_of_what_is_not_over():
    axes = cohorts_plot(COHORTS).figure().axes[0]
    cells = axes.images[0].get_array()
    assert cells[0].tolist() == [1.0, 0.9, 0.5]
    assert cells.mask[1].tolist() == [True, True, True]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["2025-01", "2025-02 ~"]


def test_bars_of_the_forecast_with_their_intervals():
    (axes,) = forecast_plot(FORECAST).figure().axes
    bars, lines = axes.containers[1], axes.containers[0]
    assert [bar.get_height() for bar in bars] == [10, 19]
    segments = [segment[:, 1].tolist() for segment in lines[2][0].get_segments()]
    assert segments == [[5, 17], [10, 33]]


def test_each_has_its_picture(tmp_path):
    survival = {"all": group(None), "by": [{"by": "a b", "groups": [group("x"), group("y")]}]}
    values = {"cohorts": COHORTS, "survival": survival, "forecast": FORECAST}
    files = draw(values, tmp_path / "plots")
    names = ["cohorts.png", "survival.png", "survival_a_b.png", "forecast.png"]
    assert [file.name for file in files] == names
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"cohorts": {"cohorts": []}, "forecast": {"lacking": "a model"}},
        {"survival": {"all": group(None, months=()), "by": []}},
    ],
)
def test_nothing_is_drawn_of_nothing(values, tmp_path):
    assert draw(values, tmp_path) == []
