"""What people read of cohorts, survival and forecasts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from models.forecast import forecast
from models.kaplan_meier import kaplan_meier, life_table
from pipeline import show_survival
from pipeline.kpi_cohorts import Cohorts
from pipeline.kpi_forecast import Ahead, Forecasted
from pipeline.kpi_survival import Group, Grouping, Survival
from pipeline.show import console_for


@pytest.fixture
def shown(capsys):
    """The lines that a section shows, with single spaces between its cells."""

    def of(name, answer):
        getattr(show_survival, name)(console_for(), answer)
        return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line]

    return of


def cohorts_told(basis="mrr", currencies=("EUR",)):
    from models.triangle import triangle

    rows = tuple(triangle(np.array([40, 5]), np.array([[30, 0], [20, 4]]), np.ones((2, 2)) * 10.0))
    months = (date(2025, 1, 1), date(2025, 2, 1))
    return Cohorts(currencies, months, (rows,), (1.0, 34 / 45, 0.5), basis, ())


def test_cohorts_with_what_is_not_over_left_blank(shown):
    lines = shown("cohorts", cohorts_told())
    assert "2025-01 40 75% 50%" in lines
    assert "2025-02 ~ 5 80%" in lines
    assert "all that old 76% 50%" in lines
    assert "Cohorts: recurring revenue by that of the first full month, EUR" in lines
    assert lines[-1] == "~ few customers: chance rules"


def test_months_in_which_nobody_came_have_no_row(shown):
    told = cohorts_told()
    months = (date(2024, 11, 1), date(2024, 12, 1), *told.months)
    empty = replace(told.rows[0][0], customers=0, kept=(None,) * 3, small=True)
    rows = ((empty, empty, *told.rows[0]),)
    lines = shown("cohorts", replace(told, months=months, rows=rows))
    assert lines == shown("cohorts", told)
    assert shown("cohorts", replace(told, rows=((empty, empty),))) == []


def test_each_currency_has_its_title_and_no_number_of_customers(shown):
    both = cohorts_told(currencies=("EUR", None))
    lines = shown("cohorts", replace(both, rows=both.rows * 2))
    at = lines.index("Cohorts: recurring revenue by that of the first full month, EUR")
    assert lines[at + 1 : at + 4] == ["1 2", "2025-01 100% 100%", "2025-02 ~ 100%"]
    unnamed = "Cohorts: recurring revenue by that of the first full month, no currency given"
    assert unnamed in lines


def test_what_is_collected_in_the_running_month_is_left_blank(shown):
    lines = shown("cohorts", cohorts_told(basis="collected", currencies=(None,)))
    at = lines.index("Cohorts: money collected by that of the first full month")
    assert lines[at + 2 : at + 4] == ["2025-01 40 100%", "2025-02 ~ 5"]


def test_without_money_only_customers_are_shown(shown):
    lines = shown("cohorts", cohorts_told(basis=None, currencies=(None,)))
    assert not [line for line in lines if "revenue" in line]


def group(label, exits, lefts):
    table = life_table(np.zeros(len(exits), int), np.array(exits), np.array(lefts))
    curve = kaplan_meier(table)
    return Group(label, table, curve, curve.mean_until(31))


def told(p_value):
    from models.logrank import log_rank

    groups = tuple(group(name, [10] * 5 + [400] * 15, [True] * 5 + [False] * 15) for name in "ab")
    test = log_rank([one.table for one in groups])
    since, until = date(2025, 1, 1), date(2026, 1, 1)
    everybody = group(None, [20] * 30 + [80] * 20, [True] * 30 + [False] * 20)
    return Survival(since, until, 31, everybody, (Grouping("[x]", groups, test, p_value),), ())


@pytest.mark.parametrize(
    ("p_value", "said"),
    [
        (0.0001, "By [x]: they differ beyond chance (p < 0.001, log-rank with Holm's correction)"),
        (0.2, "By [x]: no difference beyond chance (p = 0.200, log-rank with Holm's correction)"),
        (None, "By [x]: nothing to compare"),
    ],
)
def test_groups_and_whether_they_differ(p_value, said, shown):
    lines = shown("survival", told(p_value))
    assert said in lines
    assert next(line for line in lines if line.startswith("a ")).startswith("a 20 5 75% 75%")


def test_half_of_all_in_months_and_the_mean(shown):
    """Of 50 all of 30 leave after 20 days, which is 0.7 months; 31 days are a month."""
    line = next(line for line in shown("survival", told(0.2)) if line.startswith("all"))
    assert line.startswith("all 50 30 40% 40% 0.7 (0.7–")
    assert line.split()[-2] == f"{(30 * 20 + 20 * 31) / 50 / 30.4375:.1f}"


def test_of_days_alone_no_mean_is_promised(shown):
    from dataclasses import replace

    told_in_days = shown("survival", replace(told(0.2), mean_within=0))
    assert not any("mean" in line for line in told_in_days)
    assert any("mean in 1 months" in line for line in shown("survival", told(0.2)))


def test_the_forecast_with_its_interval_and_how_earlier_ones_did(shown):
    found = forecast(np.full(1000, 0.1), np.full(1000, 10.0), [], horizons=1)
    until = date(2026, 2, 1)
    one = Forecasted(
        as_of=date(2026, 1, 1),
        model="churn-risk/3",
        customers=1000,
        ahead=(Ahead(until, found, {"EUR": found.money}),),
        confirmed=(3, 4),
        joined_and_left=(3.4, 1, 7),
    )
    lines = shown("forecast", one)
    assert lines[0] == "Expected of 1,000 customers as of 2026-01-01, by churn-risk/3"
    low, high = found.customers.low, found.customers.high
    assert any(
        line.startswith(f"until 2026-02-01 100 {low:,.0f}–{high:,.0f} 1,000") for line in lines
    )
    assert "Of 4 such forecasts of earlier months 3 would have come true." in lines
    assert "(so far 1 to 7, on average 3)" in lines[-1]


def test_what_is_lacking_is_a_note_and_no_table(shown):
    assert shown("forecast", Forecasted(lacking="no model")) == []
    nobody = Group(None, life_table(*(np.empty(0, int),) * 2, np.empty(0, bool)), None, None)
    day = date(2025, 1, 1)
    assert shown("survival", Survival(day, day, 0, nobody, (), ())) == []
    assert shown("cohorts", Cohorts((None,), (), ((),), (), None, ())) == []
