"""What is said of contacts beside their figures."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from models.expected_profit import Outlook
from pipeline.advice import notes_of
from pipeline.config import Outreach

PAYS, MAY_LOSE = Outlook(50.0, 10.0, 90.0, 5, 20.0), Outlook(6.0, -3.0, 12.0, 4, 8.0)
NOBODY = Outlook(0.0, 0.0, 0.0, 0, 0.0)


def notes(total=NOBODY, by_action=None, *, why_not=("budget",), group=("none",), **settings):
    found = SimpleNamespace(
        total=total, by_action=by_action or {}, why_not=list(why_not), group=list(group)
    )
    return list(notes_of(Outreach(**settings), found))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"budget": 0}, "budget is 0"),
        ({"capacity": 0}, "capacity is 0"),
        ({"holdout_share": 1}, "holdout_share is 1, so all who could be are held out"),
        ({"actions": []}, "there are no [[outreach.actions]]"),
        ({"budget": 0.1}, "budget and capacities leave room for nobody but those held out"),
    ],
)
def test_a_setting_that_leaves_nobody_is_named(settings, why):
    assert notes(**settings) == [f"Nobody is contacted: {why}."]


def test_where_nobody_could_be_contacted_the_settings_are_not_blamed():
    told = notes(budget=0, why_not=["unprofitable", "not_at_risk", "not_at_risk"])
    assert told == ["Nobody is contacted: not_at_risk 2, unprofitable 1."]


def test_contacts_without_a_holdout_are_told():
    (told,) = notes(PAYS, {"call": PAYS}, holdout_share=0)
    assert told.startswith("holdout_share is 0")
    assert notes(PAYS, {"call": PAYS}) == []


def test_verdicts_that_differ_are_explained():
    actions = {"call": PAYS, "gift": MAY_LOSE, "talk": MAY_LOSE, "never": NOBODY}
    (told,) = notes(Outlook(62.0, 5.0, 110.0, 13, 36.0), actions)
    assert told.startswith("All contacts together pay, though each of gift and talk by itself may")
    assert "forgoes 12 if" in told
    (told,) = notes(Outlook(62.0, -5.0, 110.0, 13, 36.0), actions)
    assert "though call by itself pays: run that alone" in told
