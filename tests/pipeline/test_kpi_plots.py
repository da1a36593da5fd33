"""Plots of key figures: every mark is a figure."""

from __future__ import annotations

import pytest

from pipeline.kpi_plots import churn_rate_plot, currencies, draw, revenue_plot


def money(currency=None, **cents):
    names = ("start", "new", "expansion", "contraction", "churned", "reactivated", "end")
    return {"currency": currency, **dict.fromkeys(names, 0.0), **cents}


def period(start, rate, *revenue, complete=True):
    edges = {"churn_rate_low": rate and rate / 2, "churn_rate_high": rate and rate * 2}
    return {
        "start": start,
        "churn_rate": rate,
        "complete": complete,
        "revenue": list(revenue),
        **edges,
    }


PERIODS = [
    period("2025-01-01", None, money("EUR")),
    period("2025-02-01", 0.1, money("EUR", start=100.0, churned=10.0, new=30.0, end=120.0)),
    period("2025-03-01", 0.2, money("EUR", start=120.0, contraction=5.0, end=115.0), money("$")),
    period("2025-04-01", 0.05, complete=False),
]


def test_rates_are_drawn_where_there_are_some():
    (axes,) = churn_rate_plot(PERIODS).figure().axes
    line = next(line for line in axes.lines if len(line.get_ydata()) == 3)
    assert line.get_ydata().tolist() == [0.1, 0.2, 0.05]
    names = [text.get_text() for text in axes.get_xticklabels()]
    assert names == ["2025-02", "2025-03", "2025-04"]


def test_gains_lie_above_and_losses_below():
    (axes,) = revenue_plot(PERIODS, "EUR").figure().axes
    heights = [bar.get_height() for bars in axes.containers for bar in bars]
    assert sorted(height for height in heights if height) == [-10, -5, 30]
    net = next(line for line in axes.lines if len(line.get_ydata()) == 3)
    assert net.get_ydata().tolist() == [0, 20, -5]


def test_each_currency_has_its_plot(tmp_path):
    assert currencies(PERIODS) == ["EUR", "$"]
    files = draw(PERIODS, tmp_path / "plots")
    assert [file.name for file in files] == ["churn_rate.png", "revenue_EUR.png", "revenue__.png"]
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)


@pytest.mark.parametrize("periods", [[], [period("2025-01-01", None)]])
def test_nothing_is_drawn_of_nothing(periods, tmp_path):
    assert draw(periods, tmp_path) == []


def test_of_many_periods_some_are_named():
    many = [period(f"20{n // 12 + 10}-{n % 12 + 1:02}-01", 0.1) for n in range(60)]
    (axes,) = churn_rate_plot(many).figure().axes
    assert len(axes.get_xticklabels()) == 12
