"""All levers of the demo world: found, told, drawn; and what is lacking said."""

from __future__ import annotations

import io
import json
from datetime import date

import numpy as np
import pytest
from rich.console import Console

from models.exposure import Excess, Range
from models.recovery import kept_by, recovery_curve
from pipeline.files import to_json
from pipeline.kpi_levers import Pulled
from pipeline.lever_plots import excess_plot, excesses, plots_of, recovery_plot
from pipeline.lever_recovery import PERIODS, Recovery, counted
from pipeline.levers import LACKING, levers
from pipeline.plotting import save
from pipeline.progress import Progress
from pipeline.show_levers import recovered, shown


def told(found):
    console = Console(file=io.StringIO(), width=200)
    shown(found, console)
    return console.file.getvalue()


def test_levers_of_the_demo_world_do_what_the_world_does(weighed):
    """The clear causes are found: each excess is above nothing, and what weighs more is larger."""
    _, found = weighed
    by_hand = found.renewals.excess
    assert by_hand["year"].churn.low > by_hand["month"].churn.high > 0
    assert found.recovery.excess.churn.low > 0.1
    assert found.support.excess.churn.low > 0
    assert found.prices.within[0].excess.churn.low > 0
    assert found.onboarding.excess.churn.estimate > 0
    worst = {one.name: one.churn.estimate for one in found.audience.by["channel"]}
    assert max(worst, key=worst.get) == "ads"
    assert found.lacking == {}


def test_dunning_keeps_more_the_longer_it_is(weighed):
    kept = weighed[1].recovery.kept
    assert [one.days for one in kept] == list(PERIODS)
    assert (np.diff([one.seen for one in kept]) >= 0).all()
    assert (np.diff([one.more.estimate for one in kept]) >= 0).all()


def test_first_days_part_those_who_stay(weighed):
    found = weighed[1].onboarding
    shares = [one.left.range.estimate for one in found.thirds]
    assert shares[0] > shares[2]
    assert [one.depth for one in found.thirds] == ["least", "middle", "most"]
    assert found.behaviours[0].event == "setup_step"
    assert all(one.p >= one.difference.p for one in found.behaviours)


def test_problems_by_category_are_told_by_what_they_cost(weighed):
    found = weighed[1].support.by_category
    assert {one.category for one in found} == {
        *("billing", "bug", "how_to", "performance", "integration")
    }
    costs = [one.excess.money.estimate for one in found]
    assert costs == sorted(costs, reverse=True)


def test_the_audience_that_is_worth_least_stands_first(weighed):
    found = weighed[1].audience
    assert [one.name for one in found.by["segment"]] == ["consumer", "business"]
    for origins in found.by.values():
        worth = [one.value.estimate for one in origins]
        assert worth == sorted(worth)
        assert all(one.value.low < one.value.estimate < one.value.high for one in origins)


def test_json_says_how_each_lever_is_known(weighed):
    found = json.loads(to_json(weighed[1].as_json()))
    assert set(found) == {"points", "lacking", "money_lacking", *LACKING}
    assert found["money_lacking"] is None
    for name in LACKING:
        assert found[name]["evidence"]["kind"] == "association"
    assert found["recovery"]["kept"][0]["recovered"]["estimate"] > 0


def test_people_see_every_lever_and_what_it_is_known_by(weighed):
    text = told(weighed[1])
    assert text.count("association: ") == len(LACKING)
    for word in ("payment recovery", "renewals", "onboarding", "audience: channel", "rose within"):
        assert word in text


def test_recovery_without_margins_says_where_they_are(weighed):
    """By itself it knows no margins, and has no empty columns of them."""
    console = Console(file=io.StringIO(), width=200)
    panel, _ = weighed
    recovered(console, counted(panel.histories, panel.definition))
    text = console.file.getvalue()
    assert "churn kpis --levers" in text
    assert "margin kept" not in text
    assert "margin kept" in told(weighed[1])


def test_who_gives_up_after_two_weeks_learns_nothing_of_three():
    """Six invoices are paid on the third day, the others' customers leave on the fifteenth."""
    days, paid = np.repeat([3, 15], [6, 4]), np.repeat([True, False], [6, 4])
    curve = recovery_curve(days, paid)
    found = Recovery(
        invoices=10,
        recovered=6,
        left=4,
        curve=curve,
        by_method={"card": curve},
        by_attempt={},
        kept=tuple(kept_by(day, days, paid, ~paid, None) for day in PERIODS),
        excess=None,
        told="all failed invoices",
    )
    console = Console(file=io.StringIO(), width=200)
    recovered(console, found)
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    assert ["21", "days", "–", "6", "–"] in lines
    assert "no failed invoice was followed for 21 days" in console.file.getvalue()
    assert "attempts" not in console.file.getvalue()
    curves = found.as_json()["curve"], found.as_json()["by_method"]["card"]
    assert all((one["14"]["estimate"], one["21"], one["30"]) == (0.6, None, None) for one in curves)
    (axes,) = recovery_plot(found).figure().axes
    assert axes.get_title() == "60% of failed payments are recovered within 14 days"


def test_plots(weighed, tmp_path):
    found = plots_of(weighed[1])
    assert set(found) == {"recovery", "renewals_month", "renewals_year", "levers"}
    for name, plot in found.items():
        save(plot.figure(), tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size > 5_000


def test_titles_say_what_the_figures_say(weighed):
    result = weighed[1]
    titles = {name: one.figure().axes[0].get_title() for name, one in plots_of(result).items()}
    within = result.recovery.curve.recovered_by(30).estimate
    assert titles["recovery"] == f"{within:.0%} of failed payments are recovered within 30 days"
    near = result.renewals.near["year"][0]
    hand, itself = near.by_hand.range.estimate, near.by_itself.range.estimate
    said = f"of those renewed by hand {hand:.0%} left, of others {itself:.0%}"
    assert titles["renewals_year"] == f"0–7 days before the end: {said}"
    most = max(((n, one) for n, one in excesses(result).items() if one), key=_excess)[0]
    assert titles["levers"] == f"What goes with leaving? Most of all: {most}"


def _excess(named):
    return named[1].churn.estimate


def test_an_excess_within_chance_is_no_finding():
    unsure = Range(0.01, -0.01, 0.03)
    excess = Excess(100, 90, 900, 0.1, 0.09, 0.02, unsure, None, 0.0)
    (axes,) = excess_plot({"open invoice": excess}).figure().axes
    assert axes.get_title() == "Nothing goes with leaving beyond chance"


def test_histories_that_tell_little_say_what_they_lack(tmp_path, write_config):
    """A few subscriptions in two currencies and nothing else: no lever has figures, none breaks."""
    from pipeline.config import load
    from pipeline.opening import open_histories

    money = [f"{n},{'EUR' if n % 2 else 'USD'}" for n in range(60)]
    rows = [
        f"{n},{n},2025-01-01,{'2025-03-10' if n % 3 == 0 else ''},{money[n]}" for n in range(60)
    ]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "subscriptions.csv").write_text(
        "\n".join(["customer_id,subscription_id,started_at,ended_at,price,currency", *rows])
    )
    config = load(write_config(tmp_path, source=tmp_path / "data"))
    data = config.data.model_copy(update={"observed_until": date(2025, 7, 1)})
    config = config.model_copy(update={"data": data})
    histories = open_histories(config, Progress())
    try:
        found = levers(config, histories, Progress())
    finally:
        histories.close()
    assert set(found.lacking) == set(LACKING)
    assert plots_of(found) == {}
    assert found.as_json()["money_lacking"] == "amounts in several currencies have no sum"
    notes = Pulled(found).notes
    assert notes[0].startswith("No renewals lever: ")
    assert notes[-1] == "No lever is told in money: amounts in several currencies have no sum."


@pytest.mark.parametrize("kind", ["inactivity", "event"])
def test_other_definitions_of_churn(kind, tmp_path, write_config):
    """Shoppers that fall silent, and a business that writes down who left."""
    from pipeline.config import load
    from pipeline.opening import open_histories

    random = np.random.default_rng(1)
    usage, churned = [], []
    for n in range(300):
        stop = 400 if n % 3 else int(random.integers(60, 380))
        usage += [
            f"{n},{np.datetime64('2025-01-01') + day},login" for day in range(n % 20, stop, 11)
        ]
        churned += [f"{n},{np.datetime64('2025-01-01') + stop}"] if stop < 400 else []
    tables = {
        "customers": ["customer_id,signed_up_at,channel"]
        + [f"{n},2025-01-01,{'ads' if n % 3 == 0 else 'shop'}" for n in range(300)],
        "usage": ["customer_id,occurred_at,event", *usage],
        "churned": ["customer_id,churned_at", *churned],
    }
    (tmp_path / "data").mkdir()
    for name, rows in tables.items():
        (tmp_path / "data" / f"{name}.csv").write_text("\n".join(rows))
    text = f'\n[churn]\ndefinition = "{kind}"\nactive_days = 30\nactivity = ["usage"]\n'
    config = load(write_config(tmp_path, text, source=tmp_path / "data"))
    histories = open_histories(config, Progress())
    try:
        found = levers(config, histories, Progress())
    finally:
        histories.close()
    worst = found.audience.by["channel"][0]
    assert (worst.name, worst.value) == ("ads", None)
    assert worst.against_others.low > 0
    assert {"recovery", "renewals", "support", "prices"} <= set(found.lacking)
