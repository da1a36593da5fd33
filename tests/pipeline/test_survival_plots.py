"""Plots of cohorts, survival and forecasts: every mark is a figure."""

from __future__ import annotations

import pytest

from pipeline.survival_plots import (
    MOST_LINES,
    cohorts_plot,
    forecast_plot,
    groups_plot,
    plots_of,
    survival_plot,
)


def group(name, customers=10, months=(0, 1, 2), last=0.6, median=None):
    share = [1.0, 0.8, last][: len(months)]
    return {
        "group": name,
        "customers": customers,
        "months": list(months),
        "share": share,
        "share_low": [one - 0.1 for one in share],
        "share_high": [min(one + 0.1, 1) for one in share],
        "median_days": median,
    }


def grouping(*groups, p=0.001):
    return {"by": "a b", "p_value_holm": p, "groups": list(groups)}


COHORTS = {
    "kept": [1.0, 0.9, 0.5, 0.42],
    "cohorts": [
        {"month": "2025-01-01", "customers": 40, "small": False, "kept": [1.0, 0.9, 0.5]},
        {"month": "2025-02-01", "customers": 9, "small": True, "kept": [1.0, None]},
        {"month": "2025-03-01", "customers": 0, "small": True, "kept": [None]},
    ],
}
FORECAST = {
    "customers": 1300,
    "ahead": [
        {"until": "2026-02-01", "churned": {"expected": 10.0, "low": 5.0, "high": 17.0}},
        {"until": "2026-03-01", "churned": {"expected": 19.0, "low": 10.0, "high": 33.0}},
    ],
}


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_curves_of_the_largest_groups_by_name():
    groups = [group(f"g${n}", customers=n) for n in range(MOST_LINES + 2)]
    (axes,) = groups_plot(grouping(*groups)).figure().axes
    curves = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert len(curves) == MOST_LINES
    assert curves[0].get_ydata().tolist() == [1.0, 0.8, 0.6]
    assert legend(axes)[0] == rf"g\${MOST_LINES + 1} ({MOST_LINES + 1})"
    looks = {(line.get_color(), line.get_linestyle()) for line in curves}
    assert len(looks) == MOST_LINES


def test_groups_stand_in_the_order_in_which_their_lines_end():
    groups = [group("low", 30, last=0.2), group("high", 20, last=0.7), group("short", 10, [0, 1])]
    (axes,) = groups_plot(grouping(*groups)).figure().axes
    assert legend(axes) == ["low (30)", "high (20)", "short (10)"]
    (axes,) = groups_plot(grouping(*groups[:2])).figure().axes
    assert legend(axes) == ["high (20)", "low (30)"]


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (0.04, "by a b: differences beyond chance"),
        (0.06, "by a b: no difference beyond chance"),
        (None, "by a b"),
    ],
)
def test_the_title_says_whether_groups_differ(p, said):
    (axes,) = groups_plot(grouping(group("x"), group("y"), p=p)).figure().axes
    assert axes.get_title() == f"How long customers stay, {said}"


def test_everybody_needs_no_legend():
    (axes,) = survival_plot(group(None)).figure().axes
    assert axes.get_legend() is None
    assert axes.get_title() == "60% of the customers are still there after 2 months"
    (axes,) = survival_plot(group(None, median=61)).figure().axes
    assert axes.get_title() == "Half of the customers have left after 2.0 months"


def test_one_month_is_a_dot():
    (axes,) = survival_plot(group(None, months=(0,))).figure().axes
    assert axes.lines[0].get_marker() == "o"


def test_cells_of_the_triangle_and_none_of_what_is_not_over():
    axes = cohorts_plot(COHORTS).figure().axes[0]
    cells = axes.images[0].get_array()
    assert cells[0].tolist() == [1.0, 0.9, 0.5]
    assert cells.mask[1].tolist() == [False, True, True]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["2025-01", "2025-02 ~"]
    assert [text.get_text() for text in axes.texts] == ["100%", "90%", "50%", "100%"]
    assert axes.get_title() == "Still there, of 100 new customers: 42 after 3 months"


def test_of_a_large_triangle_no_cell_is_written():
    long = [{"month": "2023-01-01", "customers": 99, "small": False, "kept": [1.0] * 20}]
    axes = cohorts_plot({"kept": [1.0], "cohorts": long}).figure().axes[0]
    assert list(axes.texts) == []
    assert axes.get_title() == "Share of each month's new customers still there"


def test_bars_of_the_forecast_with_their_intervals():
    (axes,) = forecast_plot(FORECAST).figure().axes
    bars, lines = axes.containers[1], axes.containers[0]
    assert [bar.get_height() for bar in bars] == [10, 19]
    segments = [segment[:, 1].tolist() for segment in lines[2][0].get_segments()]
    assert segments == [[5, 17], [10, 33]]
    assert axes.get_title() == "19 of 1,300 are expected to leave by 2026-03-01"


def test_each_has_its_picture():
    survival = {"all": group(None), "by": [grouping(group("x"), group("y"))]}
    values = {"cohorts": COHORTS, "survival": survival, "forecast": FORECAST}
    names = [name for name, _ in plots_of(values)]
    assert names == ["cohorts", "survival", "survival_a b", "forecast"]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"cohorts": {"cohorts": [{"month": "2025-03-01", "customers": 0, "kept": [None, None]}]}},
        {"cohorts": {"cohorts": []}, "forecast": {"lacking": "a model"}},
        {"survival": {"all": group(None, months=()), "by": []}},
        {"survival": {"all": group(None, months=()), "by": [grouping(group("x", months=()))]}},
    ],
)
def test_nothing_is_drawn_of_nothing(values):
    assert list(plots_of(values)) == []
