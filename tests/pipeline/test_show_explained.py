"""One customer on one screen, however narrow."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from features.chronicle import Chronicle, Happening
from features.wording import Wording, languages
from pipeline import show_explained
from pipeline.explained import Altered, Alternative, Driver
from pipeline.show_explained import MOST_HAPPENINGS, MOST_TOGETHER

LONG = "2 of 3 payments in the last 30 days failed (-26 %); the last one 5 days ago is still open"


@pytest.fixture
def screen(capsys, monkeypatch):
    """The screen's lines, in a window of so many columns."""
    from rich.console import Console

    def of(found, page=None, *, columns=140):
        console = Console(highlight=False, width=columns)
        monkeypatch.setattr(show_explained, "console_for", lambda: console)
        show_explained.explained(found, page)
        return capsys.readouterr().out.splitlines()

    return of


def test_the_screen_in_full(explained, screen):
    assert screen(explained()) == [
        "",
        "C7 as of 2026-04-01, by churn-risk/3",
        "30 % risk of leaving within 30 days: high. A usual customer: 2 %; at risk from 6 %",
        "riskier than 90 % of the 10 other customers",
        "expected remaining margin 200, 60 of it at risk",
        "risk so far ▂█ 5 % on 2026-03-01, now 30 %",
        "",
        "What drives it, from a usual customer's 2 %",
        f"  payments  +20.0 points  {'█' * 24}  2 of 3 payments failed",
        f"  price     +12.0 points  {'█' * 14}{' ' * 10}  The price rose by 20 %",
        f"  usage      -5.0 points  {'█' * 6}",
        "",
        "Facts that nobody can act on",
        f"  profile    +1.0 points  █{' ' * 23}  Country: NL",
        "",
        "What is on record",
        "  2026-03-05  payment of 9.50 failed",
        "  2026-02-01  signed up",
        "  use a week █▁ (peak 4)",
        "",
        "What would change it (what goes with less risk among others; no promise)",
        "  4 %, no longer at risk (below 6 %), if it were:",
        "  payments",
        "    now   2 failed",
        "    then  none failed",
        "  What stays and raises the risk (what has happened only fades with time):",
        "    The price rose by 20 %",
    ]


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("language", languages())
def test_no_line_is_longer_than_the_window(explained, screen, columns, language):
    drivers = (Driver("payments", "payments", 1.2, 0.28, True, LONG), *explained().drivers)
    change = Altered("payments", "payments", (LONG, LONG), (LONG, LONG), 1.0)
    weeks = tuple((date(2026, 3, 25) - timedelta(days=7 * n), n) for n in range(52))
    rows = [Happening(date(2026, 3, 1), "survey", {"kind": f"{'x ' * 25}{n}", "score": 1})
            for n in range(20)]  # fmt: skip
    found = explained(
        drivers=drivers,
        steady=0.5,
        wording=language,
        alternative=Alternative(False, 0.2, (change,), (LONG,), ""),
        chronicle=Chronicle(tuple(rows), weeks if columns >= 80 else ()),
    )
    lines = screen(found, columns=columns)
    # A curve has no place to break.
    assert max(len(line) for line in lines if "█▇" not in line) <= columns
    assert all(line == line.rstrip() for line in lines)
    assert not any(line.lstrip().startswith("%") for line in lines)


def test_reasons_hang_below_each_other(explained, screen):
    found = explained(drivers=(Driver("payments", "payments", 1.2, 0.28, True, LONG),))
    lines = screen(found, columns=80)
    first = next(n for n, line in enumerate(lines) if line.startswith("  payments"))
    begins = lines[first].index("2 of 3")
    rest = [line for line in lines[first + 1 :] if line.startswith(" " * begins)]
    assert len(rest) == 2
    assert " ".join([lines[first][begins:], *(line.strip() for line in rest)]) == LONG


def test_a_long_record_says_how_much_is_left_out(explained, screen):
    rows = [Happening(date(2026, 1, 1) + timedelta(days=n), "signed_up") for n in range(40)]
    lines = screen(explained(chronicle=Chronicle(tuple(rows), ())))
    assert sum("signed up" in line for line in lines) == MOST_HAPPENINGS
    assert f"  and {40 - MOST_HAPPENINGS} earlier (all with --html or --json)" in lines


def test_an_empty_record_is_said(explained, screen):
    lines = screen(explained(chronicle=Chronicle((), ())))
    assert "  nothing in the last 365 days" in lines


def test_of_what_goes_together_the_first_are_told(explained, screen):
    change = Altered("usage", "usage", tuple("abcde"), tuple("vwxyz"), 1.0)
    found = explained(alternative=Alternative(True, 0.01, (change,), (), ""))
    lines = screen(found)
    assert sum(line.startswith("    now") for line in lines) == MOST_TOGETHER
    assert any(line.startswith("    and 3 more that go with it") for line in lines)


def test_markup_in_the_data_is_text(explained, screen):
    odd = "[bold]x[/bold] \\"
    driver = Driver("payments", "payments", 1.2, 0.28, True, odd)
    record = Chronicle((Happening(date(2026, 3, 1), "survey", {"kind": "[red]", "score": 1}),), ())
    lines = screen(explained(customer_id="[red]7[/red]", drivers=(driver,), chronicle=record))
    assert lines[1].startswith("[red]7[/red] as of")
    assert any(line.endswith(odd) for line in lines)
    assert "  2026-03-01  '[red]': 1" in lines


def test_without_facts_and_levers_there_is_no_title_without_lines(explained, screen):
    levers = [one for one in explained().drivers if one.is_lever]
    title = Wording.of().text("explain_facts")
    assert title not in screen(explained(drivers=tuple(levers)))
    assert title in screen(explained())


def test_who_is_not_at_risk_needs_no_change(explained, screen):
    lines = screen(explained(band="low"))
    assert lines[-1] == "  nothing has to: it is not at risk, which begins at 6 %"


def test_the_page_is_named_last(explained, screen, tmp_path):
    file = tmp_path / "[x].html"
    assert screen(explained(), file)[-1] == str(file)
