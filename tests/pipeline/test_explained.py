"""What is told of one customer, as values and as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from features.chronicle import Chronicle, Happening
from models.drivers import LEAST_PUSH
from models.stability import STEADY
from pipeline.files import to_json

KEYS = {
    "customer_id": str,
    "as_of": str,
    "model": str,
    "horizon_days": int,
    "churn_probability": float,
    "risk_band": str,
    "at_risk": bool,
    "at_risk_from": float,
    "usual": float,
    "riskier_than": float,
    "customers": int,
    "value": float,
    "history": list,
    "drivers": list,
    "driver_agreement": float,
    "what_would_change_it": dict,
    "timeline": list,
    "usage_by_week": list,
    "language": str,
}


def as_json(found):
    """As people get it: strict JSON, and so without NaN."""

    def refuse(constant):
        raise AssertionError(constant)

    return json.loads(to_json(found.as_json()), parse_constant=refuse)


def test_json_has_these_keys(explained):
    found = as_json(explained())
    assert {key: type(value) for key, value in found.items()} == KEYS
    assert found["history"][0] == {"as_of": "2026-03-01", "churn_probability": 0.05}
    assert set(found["drivers"][0]) == {
        "group",
        "name",
        "log_odds",
        "points",
        "is_lever",
        "reason",
    }
    change = {"group": "payments", "name": "payments", "now": ["2 failed"]}
    assert found["what_would_change_it"]["changes"] == [
        {**change, "then": ["none failed"], "share": 0.9}
    ]
    assert found["timeline"][0] == {"day": "2026-02-01", "what": "signed_up"}
    assert found["usage_by_week"] == [
        {"week": "2026-03-18", "events": 4},
        {"week": "2026-03-25", "events": 0},
    ]


def test_the_page_of_documentation_names_every_key(explained):
    page = (Path(__file__).parents[2] / "docs" / "explain.md").read_text(encoding="utf-8")
    table = page.partition("## JSON")[2].partition("##")[0]
    found = as_json(explained())
    inner = [found["history"][0], found["drivers"][0], found["usage_by_week"][0]]
    inner += [found["what_would_change_it"], found["what_would_change_it"]["changes"][0]]
    for key in {key for each in (found, *inner) for key in each}:
        assert f"`{key}`" in table, key


def test_what_nobody_knows_is_null(explained):
    found = as_json(explained(value=math.nan, steady=None, riskier_than=None))
    assert (found["value"], found["driver_agreement"], found["riskier_than"]) == (None, None, None)
    score = Happening(date(2026, 3, 1), "survey", {"kind": "nps", "score": math.nan})
    assert as_json(explained(chronicle=Chronicle((score,), ())))["timeline"][0]["score"] is None


def test_every_day_is_iso(explained):
    notice = Happening(date(2026, 3, 1), "notice", {"until": date(2026, 5, 1)})
    told = as_json(explained(chronicle=Chronicle((notice,), ())))["timeline"]
    assert told == [{"day": "2026-03-01", "what": "notice", "until": "2026-05-01"}]


def test_levers_and_facts_are_kept_apart(explained):
    found = explained()
    assert [one.group for one in found.levers] == ["payments", "price", "usage"]
    assert [one.group for one in found.facts] == ["profile"]


def test_doubts_are_for_those_at_risk_whose_first_lever_is_a_reason(explained):
    unsteady = STEADY - 0.01
    assert explained(steady=unsteady).in_doubt
    assert not explained(steady=STEADY).in_doubt
    assert not explained(steady=None).in_doubt
    assert not explained(steady=unsteady, band="low").in_doubt
    first, *others = explained().drivers
    weak = replace(first, log_odds=LEAST_PUSH - 0.001)
    assert not explained(steady=unsteady, drivers=(weak, *others[1:])).in_doubt
    assert not explained(steady=unsteady, drivers=(first, others[1])).in_doubt


@pytest.mark.parametrize(("band", "at_risk"), [("low", False), ("medium", True), ("high", True)])
def test_who_is_at_risk(explained, band, at_risk):
    assert explained(band=band).at_risk is at_risk
