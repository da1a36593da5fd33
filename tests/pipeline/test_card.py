"""The model card says what the figures say, whichever figures there are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline import verdict
from pipeline.card import Facts, short, text
from pipeline.provenance import Provenance

TEST = {
    "auc": 0.8,
    "average_precision": 0.3,
    "lift_10": 4.0,
    "log_loss": 0.15,
    "brier": 0.04,
    "base_rate": 0.05,
    "points": 1200,
    "cutoffs": ["2026-09-01", "2026-10-01"],
}
BEATEN = {"log_loss": {"gain": 0.05, "interval": [0.04, 0.06]}, "judged_by": "log_loss"}
METRICS = {
    "test": TEST,
    "baselines": {
        "base_rate": {"auc": 0.5, "log_loss": 0.2, "base_rate": 0.05},
        "recency": {"auc": 0.6},
    },
    "beaten": {"base_rate": {**BEATEN, "beaten": True}},
    "weak_spots": [],
    "explanations": {
        "stability": {"refits": 10, "agreement": 0.93, "customers": 210},
        "faithfulness": 0.99,
        "high_risk": 220,
    },
    "train": {"points": 9000, "churned": 400, "cutoffs": ["2026-06-01", "2026-07-01"]},
}
SPOTS = [
    {"what": "calibration", "where": "plan = pro", "points": 1200, "expected": 0.05,
     "observed": 0.08},
    {"what": "ranking", "where": "stage steady", "points": 300, "auc": 0.6, "auc_elsewhere": 0.8},
    {"what": "ranking", "where": "cutoff 2026-09-01", "points": 600, "auc": 0.7,
     "auc_elsewhere": 0.8},
    {"what": "calibration", "where": "risk band high", "points": 250, "expected": 0.3,
     "observed": 0.2},
]  # fmt: skip
FACTS = Facts(
    name="churn-risk",
    definition={"kind": "subscription", "horizon_days": 30, "lead_days": 0, "grace_days": 7},
    tables={
        "usage": {"rows": 5000, "used": 4990, "first": "2025-01-01 00:00", "last": "2026-10-31"},
        "surveys": {"rows": 0, "used": 0, "first": None, "last": None},
    },
    metrics=METRICS,
    features=[
        {"name": "usage_count_30d", "meaning": "events in the last 30 days", "group": "usage"},
        {"name": "price", "meaning": "what it costs", "group": "price"},
    ],
    importance={"price": 0.4, "usage_count_30d": 0.1},
    drivers={"price": 0.4, "usage": 0.1},
    base_rate=0.044,
    data_fingerprint="abc",
    config_hash="def",
    seed=7,
    provenance=Provenance("0123", True, "requirements.lock:ff", "3.12.1", {"numpy": "2.4"}),
)


def with_metrics(**changed):
    return replace(FACTS, metrics={**METRICS, **changed})


def section(title, facts=FACTS):
    return text(facts).partition(f"## {title}\n\n")[2].partition("\n\n## ")[0]


def test_every_question_has_its_section():
    titles = [line for line in text(FACTS).splitlines() if line.startswith("#")]
    assert titles == [
        "# churn-risk",
        "## What it is for",
        "## Data",
        "## How good",
        "## Where it is weak",
        "## What customers are worth",
        "## Not for",
        "## What it looks at",
        "## Its reasons",
        "## How to make it again",
    ]


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        (
            {"kind": "subscription", "horizon_days": 30},
            "the last running subscription ends within 30 days after the date and no other follows",
        ),
        (
            {"kind": "subscription", "horizon_days": 1, "lead_days": 7, "grace_days": 14},
            "within 1 day, counted from 7 days after the date, and no other begins within 14 days",
        ),
        (
            {
                "kind": "inactivity",
                "horizon_days": 90,
                "active_days": 60,
                "activity": ["usage", "payments"],
            },
            "no activity (usage, payments) within 90 days after the date, of customers active in "
            "the 60 days before it",
        ),
        (
            {"kind": "event", "horizon_days": 28},
            "the business records it within 28 days after the date",
        ),
    ],
)
def test_churn_is_told_in_words(definition, said):
    assert said in section("What it is for", replace(FACTS, definition=definition))


def test_data_are_told():
    told = section("Data")
    assert "| usage | 5,000 | 4,990 | 2025-01-01 | 2026-10-31 |" in told
    assert "| surveys | 0 | 0 |  |  |" in told
    assert "9,000 points at 2 cutoffs (2026-06-01 to 2026-07-01), 4.4% of which churned" in told
    assert "`abc`" in told


def test_figures_stand_beside_the_baselines():
    told = section("How good")
    assert "| this model | 0.800 | 0.300 | 4.00 | 0.1500 | 0.0400 |" in told
    assert "| churn rate for all | 0.500 | – | – | 0.2000 | – |" in told
    assert "longest silence first | 0.600" in told
    assert "NOT BETTER" not in told


@pytest.mark.parametrize("interval", [[0.77, 0.83], {"low": 0.77, "high": 0.83}])
def test_intervals_where_the_metrics_hold_them(interval):
    told = section("How good", with_metrics(test={**TEST, "intervals": {"auc": interval}}))
    assert "0.800 (0.770 to 0.830)" in told


def test_a_baseline_that_is_not_beaten_is_told_as_the_run_tells_it():
    found = {"auc": {"gain": -0.02, "interval": [-0.03, 0.01]}, "judged_by": "auc"}
    facts = with_metrics(beaten={**METRICS["beaten"], "recency": {**found, "beaten": False}})
    (told,) = verdict.warnings(facts.metrics)
    assert told.startswith("NOT BETTER than longest silence first beyond noise: AUC -0.0200")
    assert section("How good", facts).endswith(f"\n\n**{told}**")


def test_the_card_does_not_judge_baselines_itself():
    """Whether a figure is above or below the model's own decides nothing: noise counts."""
    better = {"base_rate": {"auc": 0.9, "log_loss": 0.01}}
    assert "NOT BETTER" not in section("How good", with_metrics(baselines=better))
    found = {"base_rate": {**BEATEN, "beaten": False}}
    assert "NOT BETTER than churn rate" in section("How good", with_metrics(beaten=found))


def test_weak_spots_are_told_as_they_were_found():
    told = section("Where it is weak", with_metrics(weak_spots=SPOTS[:2]))
    assert told == (
        "Weakest at plan = pro (1,200 points): 5.0% expected, 8.0% churned; "
        "stage steady (300 points): AUC 0.600, elsewhere 0.800."
    )


def test_of_many_weak_spots_the_clearest_are_told():
    told = section("Where it is weak", with_metrics(weak_spots=SPOTS))
    assert "cutoff 2026-09-01" in told
    assert "risk band" not in told
    assert told.endswith("And 1 more, in metrics.json.")


def test_no_part_is_weak_because_its_figures_are_low():
    """Within a risk band the order has little left to tell, so its AUC is low by construction."""
    facts = with_metrics(by_risk_band={"high": {"auc": 0.55, "points": 600}})
    said = "No part of the test is weaker beyond noise"
    assert section("Where it is weak", facts).startswith(said)
    assert said in short(facts)
    assert "0.55" not in text(facts) + short(facts)


def test_card_and_run_agree(trained):
    """The card of a real run says what the run printed, and no more."""
    result = trained[1]
    metrics, card = result.metrics, (result.folder / "model_card.md").read_text()
    assert card.count("NOT BETTER") == sum(not one["beaten"] for one in metrics["beaten"].values())
    assert all(
        told.partition(". And ")[0].rstrip(".") in card for told in verdict.warnings(metrics)
    )
    assert ("No part of the test is weaker" in card) is not bool(metrics["weak_spots"])


def test_features_by_strength():
    told = section("What it looks at")
    assert "price 1 (0.40), usage 1 (0.10)" in told
    assert told.index("- `price`: what it costs") < told.index("- `usage_count_30d`")


def test_code_that_is_in_no_commit_is_told():
    assert "commit `0123`, with changes" in section("How to make it again")
    clean = replace(FACTS, provenance=replace(FACTS.provenance, commit=None, dirty=None))
    assert "outside a git repository" in section("How to make it again", clean)


def test_nobody_churned_in_the_test():
    figures = {**TEST, "auc": None, "average_precision": None, "lift_10": None, "base_rate": 0.0}
    facts = with_metrics(test=figures, beaten={})
    assert "| this model | – | – | – | 0.1500 |" in section("How good", facts)
    assert "**Nobody churned in the test: nothing tells how good this is.**" in text(facts)
    assert section("Where it is weak", facts) == "Nothing tells where it is weak."
    assert "log loss 0.1500" in short(facts)


@pytest.mark.parametrize("spots", [[], SPOTS])
def test_short_form_fits_the_registry(spots):
    told = short(with_metrics(weak_spots=spots))
    assert len(told) < 1000
    assert "AUC 0.800" in told
    assert ("Weakest at plan = pro (1,200 points)" in told) is bool(spots)
