"""Plots of rates and revenue: every mark is a figure, and the title says what they say."""

from __future__ import annotations

import pytest

from pipeline.kpi_plots import churn_rate_plot, currencies, parts_plot, plots_of, revenue_plot


def money(currency=None, **cents):
    names = ("start", "new", "expansion", "contraction", "churned", "reactivated", "end")
    return {"currency": currency, **dict.fromkeys(names, 0.0), **cents}


def period(start, rate, *revenue, complete=True, **more):
    edges = {"churn_rate_low": rate and rate / 2, "churn_rate_high": rate and rate * 2}
    figures = {"start": start, "churn_rate": rate, "complete": complete, "revenue": list(revenue)}
    return {**figures, **edges, **more}


def values(periods, every="month", by=None):
    return {"periods": periods, "every": every, "revenue_basis": "mrr", "by": by or {}}


PERIODS = [
    period("2025-01-01", None, money("EUR")),
    period("2025-02-01", 0.2, money("EUR", start=100.0, churned=10.0, new=30.0, end=120.0)),
    period("2025-03-01", 0.1, money("EUR", start=120.0, contraction=5.0, end=115.0), money("$")),
    period("2025-04-01", 0.05, complete=False),
]
PLANS = [
    period("2025-02-01", 0.9, part="old", customers_start=3),
    period("2025-03-01", 0.1, part="$b$", customers_start=1200),
    period("2025-03-01", 0.3, part=None, customers_start=40),
    period("2025-03-01", None, part="nobody", customers_start=0),
    period("2025-04-01", 0.0, part="$b$", customers_start=9, complete=False),
]


def names_of(axis):
    return [text.get_text() for text in axis.get_ticklabels()]


def test_rates_are_drawn_where_there_are_some():
    (axes,) = churn_rate_plot(values(PERIODS)).figure().axes
    line = next(line for line in axes.lines if len(line.get_ydata()) == 3)
    assert line.get_ydata().tolist() == [0.2, 0.1, 0.05]
    assert names_of(axes.xaxis) == ["2025-02", "2025-03", "2025-04*"]
    assert axes.get_xlabel() == "* not over yet"
    told = "10.0% of the customers left in 2025-03; the most, 20.0%, in 2025-02"
    assert axes.get_title() == told


@pytest.mark.parametrize(
    ("periods", "told"),
    [
        ([period("2025-04-01", 0.1)], "10.0% of the customers left in 2025 Q2"),
        ([period("2025-04-01", 0.1, complete=False)], "10.0% of the customers left in 2025 Q2*"),
        (
            [period("2025-01-01", 0.1), period("2025-04-01", 0.2)],
            "20.0% of the customers left in 2025 Q2, the most so far",
        ),
    ],
)
def test_the_title_says_what_the_newest_period_says(periods, told):
    (axes,) = churn_rate_plot(values(periods, every="quarter")).figure().axes
    assert axes.get_title() == told


def test_one_period_is_no_wider_than_one_of_a_few():
    (axes,) = revenue_plot(values([period("2025-01-01", 0.1, money(new=5.0))])).figure().axes
    low, high = axes.get_xlim()
    assert high - low > 5


def test_gains_lie_above_and_losses_below():
    (axes,) = revenue_plot(values(PERIODS), "EUR").figure().axes
    heights = [bar.get_height() for bars in axes.containers for bar in bars]
    assert sorted(height for height in heights if height) == [-10, -5, 30]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        *("all together", "new", "churned", "contraction")
    ]
    net = next(line for line in axes.lines if len(line.get_ydata()) == 3)
    assert net.get_ydata().tolist() == [0, 20, -5]
    assert axes.get_title() == "In 2025-03, 0 came and 5.00 went"
    assert axes.get_ylabel() == "EUR, recurring revenue a month"
    low, high = axes.get_ylim()
    assert low < -10
    assert high > 30


def test_parts_of_the_newest_period_that_is_over():
    (axes,) = parts_plot(values([], by={"plan": PLANS}), "plan").figure().axes
    assert names_of(axes.yaxis) == [r"\$b\$ (1,200)", "– (40)"]
    dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert dots == [0.1, 0.3]
    assert axes.get_xlabel().startswith("left in 2025-03")


def test_each_currency_and_parting_has_its_plot():
    assert currencies(PERIODS) == ["EUR", "$"]
    names = [name for name, _ in plots_of(values(PERIODS, by={"plan": PLANS, "empty": []}))]
    assert names == ["churn_rate", "revenue_EUR", "revenue_$", "churn_by_plan"]


@pytest.mark.parametrize("periods", [[], [period("2025-01-01", None)]])
def test_nothing_is_drawn_of_nothing(periods):
    assert list(plots_of(values(periods))) == []


def test_of_many_periods_some_are_named_and_the_newest_is():
    many = [period(f"20{n // 12 + 10}-{n % 12 + 1:02}-01", 0.1) for n in range(60)]
    (axes,) = churn_rate_plot(values(many)).figure().axes
    names = names_of(axes.xaxis)
    assert (len(names), names[-1]) == (12, "2014-12")
