"""Key figures as people read them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipeline.kpis import SECTIONS, Kpis, head_of
from pipeline.show_kpis import SHOWN, told

SUBSCRIPTIONS = """
customer_id | subscription_id | started_at | ended_at   | plan  | price | currency
a           | 1               | 2024-12-01 | 2025-02-10 | [b]   | 10    | EUR
b           | 2               | 2024-12-01 |            | pro   | 20    | USD
c           | 3               | 2025-05-01 |            | pro   | 30    | USD
"""


@pytest.fixture
def shown(business, capsys):
    """What is printed: lines."""

    def lines(**options):
        asked = business(
            {"subscriptions": SUBSCRIPTIONS}, observed_until=date(2025, 6, 1), **options
        )
        answers = {one.name: one.find(asked) for one in SECTIONS}
        capsys.readouterr()
        told(Kpis(Path("out/kpis.json"), head_of(asked), answers))
        return capsys.readouterr().out.splitlines()

    return lines


def test_every_section_is_shown():
    assert set(SHOWN) == {"forecast", "levers", *(section.name for section in SECTIONS)}


def test_quarters_have_their_names_and_a_running_one_a_star(shown):
    lines = shown(every="quarter", by=("plan",))
    rows = [line.split() for line in lines if line.startswith("2025 Q")]
    assert rows[0][:5] == ["2025", "Q1", "2", "1", "50.00%"]
    assert rows[1][:3] == ["2025", "Q2*", "1"]
    assert "By plan, 2025 Q1" in lines
    # Texts of the data are no markup.
    named = [line.split()[:3] for line in lines if line.startswith("[b]")]
    assert named[0] == ["[b]", "1", "1"]


def test_periods_outside_the_histories_are_a_line_and_no_rows(shown):
    lines = shown(first=date(2024, 9, 1), until=date(2025, 9, 1))
    assert [line[:8] for line in lines if line.startswith(("2024-1", "2025-0"))][:2] == [
        *("2024-12 ", "2025-01 ")
    ]
    assert "2024-09 to 2024-11: the histories begin later" in lines
    assert "2025-06 to 2025-08: the histories end before it" in lines
    assert any("everything else is told of all the histories" in line for line in lines)
    assert not any("histories begin later" in line for line in shown())


def test_each_currency_has_its_table(shown):
    lines = shown(every="year")
    euros = lines.index("Recurring revenue a month, EUR")
    dollars = lines.index("Recurring revenue a month, USD")
    assert lines[euros + 3].split() == [
        *("2025*", "10.00", "0.00", "0.00", "0.00", "-10.00", "0.00", "0.00", "0.0%", "0.0%")
    ]
    assert lines[dollars + 3].split()[1:3] == ["20.00", "30.00"]


def test_parts_keep_money_by_currency(shown):
    lines = shown(every="quarter", by=("plan",))
    head, first = (lines[lines.index("By plan, 2025 Q1") + n].split() for n in (1, 2))
    assert " ".join(head[-12:]) == "gross kept EUR net kept EUR gross kept USD net kept USD"
    assert first[-4:] == ["0.0%", "0.0%", "–", "–"]


def test_parts_of_the_running_period_where_none_that_is_over_began_with_customers(shown):
    """The histories begin in December 2024: of that year there is only who came in it."""
    lines = shown(every="year", by=("plan",))
    assert [line for line in lines if line.startswith("By plan, ")] == ["By plan, 2025*"]
    earlier = shown(every="year", by=("plan",), until=date(2025, 1, 1))
    assert not any(line.startswith("By plan, ") for line in earlier)


def test_without_payments_recovery_says_that_there_are_none(shown):
    assert "! No payment recovery is told: there is no table payments." in shown()
