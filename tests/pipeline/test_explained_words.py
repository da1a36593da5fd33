"""What `churn explain` says, in every language."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from features.chronicle import DAYS_SHOWN, Chronicle, Happening
from features.wording import Wording, languages
from pipeline import explained_words as words
from pipeline.explained import Alternative, Driver

DAY = date(2026, 3, 5)


def record(*happenings, used=()):
    return Chronicle(tuple(happenings), tuple(used))


def paid(amount, day=DAY, method=None):
    return Happening(day, "payment_paid", {"amount": amount, "method": method})


def test_who_and_how_likely(explained):
    found = explained()
    assert words.headline(found) == "C7 as of 2026-04-01, by churn-risk/3"
    assert words.risk(found) == (
        "30 % risk of leaving within 30 days: high. A usual customer: 2 %; at risk from 6 %"
    )


def test_where_it_stands(explained):
    assert list(words.standing(explained())) == [
        "riskier than 90 % of the 10 other customers",
        "expected remaining margin 200, 60 of it at risk",
    ]


def test_what_is_not_known_is_left_out(explained):
    assert list(words.standing(explained(riskier_than=None, customers=1, value=None))) == []
    assert len(list(words.standing(explained(value=math.nan)))) == 1
    assert words.history(explained(history=explained().history[-1:])) is None
    assert words.use(explained(chronicle=record())) is None


def test_the_scores_so_far_are_a_curve(explained):
    assert words.history(explained()) == "risk so far ▂█ 5 % on 2026-03-01, now 30 %"


@pytest.mark.parametrize(
    ("values", "curve"),
    [([], ""), ([0, 0], "▁▁"), ([0, 1, 2], "▁▅█"), ([3], "█"), ([0.0, 7.0, 3.0], "▁█▄")],
)
def test_curves_go_from_nothing_to_the_largest(values, curve):
    assert words.curve(values) == curve


@pytest.mark.parametrize(
    ("points", "told"),
    [(0.2, "+20.0"), (-0.0501, "-5.0"), (-0.0001, "+0.0"), (0.0, "+0.0"), (0.00051, "+0.1")],
)
def test_points_have_their_sign(explained, points, told):
    driver = Driver("usage", "usage", 0.1, points, True, None)
    assert words.amount(explained(), driver) == f"{told} points"
    dutch = words.amount(explained(wording="nl"), driver)
    assert dutch == f"{told.replace('.', ',')} punten"


def test_doubts_name_both_drivers(explained):
    assert list(words.doubts(explained())) == []
    (doubt,) = words.doubts(explained(steady=0.55))
    assert "price weighs nearly as much as payments" in doubt
    assert "55 %" in doubt


def test_the_newest_is_told_first(explained):
    found = explained(chronicle=record(paid(1, DAY - timedelta(days=1)), paid(2)))
    assert list(words.happenings(found)) == [("2026-03-05", "paid 2"), ("2026-03-04", "paid 1")]


def test_a_day_with_hundreds_of_rows_is_a_few_lines(explained):
    rows = [paid(5), paid(5), *(paid(n) for n in range(100, 400)), paid(7)]
    survey = Happening(DAY, "survey", {"kind": "nps", "score": 3})
    told = list(words.happenings(explained(chronicle=record(*rows, survey))))
    assert [text for _, text in told] == [
        "'nps': 3",
        "paid 7",
        "paid 399",
        "paid 398",
        "and 300 more like these",
    ]
    told = list(words.happenings(explained(chronicle=record(paid(5), paid(5)))))
    assert told == [("2026-03-05", "paid 5, 2 times")]


HAPPENINGS = {
    "signed_up": {},
    "subscribed": {"plan": "pro", "price": 10},
    "price_changed": {"old": 10, "new": 12.5, "change": 0.25},
    "plan_changed": {"old": "basic", "new": "pro"},
    "renewal_on": {},
    "renewal_off": {},
    "notice": {"until": date(2026, 5, 1)},
    "ended": {"plan": "pro"},
    "payment_paid": {"amount": 9.5, "method": "card"},
    "payment_failed": {"amount": 9.5, "method": "card"},
    "payment_refunded": {"amount": 9.5, "method": "card"},
    "ticket_opened": {"category": "bug", "priority": "high"},
    "ticket_open": {"category": "bug", "priority": "high", "days": 3.2},
    "ticket_closed": {"category": "bug", "priority": "high", "hours": 30.0, "csat": 4},
    "survey": {"kind": "nps", "score": 3},
    "contacted": {"campaign": "spring", "action": "call"},
    "left": {"reason": "moved away"},
}
NEEDED = {"survey", "contacted"}
"""Those whose values are required columns."""


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("what", HAPPENINGS)
def test_every_happening_is_told_with_all_of_its_values_and_with_those_there_are(
    explained, what, language
):
    found = explained(wording=language)
    values = HAPPENINGS[what]
    whole = words.happening(found, Happening(DAY, what, values))
    for key, value in values.items():
        if isinstance(value, str) and (what, key) != ("ticket_closed", "priority"):
            assert value in whole
    assert not re.search(r"[{}\[\]]|None|nan", whole)
    optional = {"plan", "price", "until", "method", "category", "priority", "csat", "reason"}
    kept = {key: None if key in optional else value for key, value in values.items()}
    bare = words.happening(found, Happening(DAY, what, kept if what not in NEEDED else values))
    assert bare
    assert not re.search(r"[{}\[\]]|None|nan", bare)


def test_there_is_a_text_for_every_happening_and_no_other():
    told = {key.removeprefix("happened_") for key in Wording.of().texts if "happened_" in key}
    assert told == {*HAPPENINGS, "times", "more"}


def test_texts_from_the_data_stay_on_one_line(explained):
    one = Happening(DAY, "survey", {"kind": "a\n[bold]\x1b[31m<b>", "score": 1})
    assert words.happening(explained(), one) == "'a [bold] [31m<b>': 1"
    one = Happening(DAY, "subscribed", {"plan": " ", "price": math.nan})
    assert words.happening(explained(), one) == "subscription began: (empty)"
    assert words.headline(explained(customer_id="a\nb\x07")).startswith("a b as of")


def test_nothing_on_record_is_said(explained):
    found = explained(chronicle=record())
    assert list(words.happenings(found)) == []
    assert words.nothing_happened(found) == f"nothing in the last {DAYS_SHOWN} days"


def test_use_is_a_curve(explained):
    assert words.use(explained()) == "use a week █▁ (peak 4)"


def test_the_outcome_says_whether_it_is_enough(explained):
    found = explained()
    assert words.outcome(found).startswith("4 %, no longer at risk (below 6 %)")
    far = replace(found.alternative, reached=False, probability=0.1, why_not="not_enough")
    assert words.outcome(explained(alternative=far)).startswith("no lower than 10 %")
    assert words.outcome(explained(band="low")) == (
        "nothing has to: it is not at risk, which begins at 6 %"
    )


@pytest.mark.parametrize("why_not", ["nothing_actionable", "no_peer_below", "not_enough", ""])
@pytest.mark.parametrize("language", languages())
def test_without_changes_it_is_said_why(explained, why_not, language):
    nothing = Alternative(False, 0.3, (), (), why_not)
    told = words.outcome(explained(alternative=nothing, wording=language))
    assert told == Wording.of(language).text(f"what_if_{why_not or 'not_enough'}")


def test_what_stays_is_told_of_those_at_risk(explained):
    assert words.fixed(explained()) == ("The price rose by 20 %",)
    assert words.fixed(explained(band="low")) == ()
    many = Alternative(True, 0.1, (), tuple("abcdef"), "")
    assert words.fixed(explained(alternative=many)) == ("a", "b", "c")
