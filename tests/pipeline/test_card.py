"""The model card says what the figures say, whichever figures there are."""

from __future__ import annotations

from dataclasses import replace

import pytest

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
METRICS = {
    "test": TEST,
    "baselines": {
        "base_rate": {"auc": 0.5, "log_loss": 0.2, "base_rate": 0.05},
        "recency": {"auc": 0.6},
    },
    "train": {"points": 9000, "churned": 400, "cutoffs": ["2026-06-01", "2026-07-01"]},
}
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
        "## Not for",
        "## What it looks at",
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
    assert "does not beat" not in told


@pytest.mark.parametrize("interval", [[0.77, 0.83], {"low": 0.77, "high": 0.83}])
def test_intervals_where_the_metrics_hold_them(interval):
    told = section("How good", with_metrics(test={**TEST, "intervals": {"auc": interval}}))
    assert "0.800 (0.770 to 0.830)" in told


@pytest.mark.parametrize("better", [{"auc": 0.81}, {"log_loss": 0.14}, {"auc": 0.8}])
def test_a_baseline_that_is_not_beaten_is_told(better):
    told = section("How good", with_metrics(baselines={"points_score": better}))
    assert "**It does not beat: points score.**" in told


def test_worst_parts_come_first_however_deep():
    facts = with_metrics(
        test={**TEST, "segments": {"plan": {"basic": {"auc": 0.6, "points": 300}}}},
        by_cutoff={
            "2026-09-01": {"auc": 0.7, "points": 600},
            "2026-10-01": {"auc": None, "points": 600},
        },
        by_stage={"onboarding": {"auc": 0.4, "points": 8}},
    )
    told = section("Where it is weak", facts)
    assert told == (
        "segments plan basic: AUC 0.600 on 300 points; cutoff 2026-09-01: AUC 0.700 on 600 points "
        "(all: 0.800)."
    )


def test_nothing_is_known_of_weakness():
    assert "No part" in section("Where it is weak")


def test_features_by_strength():
    told = section("What it looks at")
    assert "price 1 (0.40), usage 1 (0.10)" in told
    assert told.index("- `price`: what it costs") < told.index("- `usage_count_30d`")


def test_code_that_is_in_no_commit_is_told():
    assert "commit `0123`, with changes" in section("How to make it again")
    clean = replace(FACTS, provenance=replace(FACTS.provenance, commit=None, dirty=None))
    assert "outside a git repository" in section("How to make it again", clean)


def test_nobody_churned_in_the_test():
    figures = {**TEST, "auc": None, "average_precision": None, "lift_10": None}
    assert "| this model | – | – | – | 0.1500 |" in section("How good", with_metrics(test=figures))
    assert "log loss 0.1500" in short(with_metrics(test=figures))


def test_short_form_fits_the_registry():
    assert len(short(FACTS)) < 1000
    assert "AUC 0.800" in short(FACTS)
