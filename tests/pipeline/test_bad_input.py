"""Histories that no model can be learned from, and those that are only odd, through the command."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline import verdict

MONTHS = pd.date_range("2025-01-01", "2025-08-01", freq="MS")


@pytest.fixture
def histories(tmp_path):
    """Writes small histories: who churns when, by ``churn_month(number)``; None: never."""

    def write(churn_month, customers=300, **attributes):
        folder = tmp_path / "data"
        folder.mkdir()
        ids = [f"c{number:04}" for number in range(customers)]
        signed_up = pd.Timestamp("2024-12-01")
        pd.DataFrame({"customer_id": ids, "signed_up_at": signed_up, **attributes}).to_parquet(
            folder / "customers.parquet"
        )
        left = [churn_month(number) for number in range(customers)]
        pd.DataFrame(
            {
                "customer_id": [one for one, month in zip(ids, left, strict=True) if month],
                "churned_at": [pd.Timestamp(2025, month, 10) for month in left if month],
            }
        ).astype({"churned_at": "datetime64[us]"}).to_parquet(folder / "churned.parquet")
        events = [
            (one, day + pd.Timedelta(days=number % 9))
            for number, one in enumerate(ids)
            for day in MONTHS
            if not left[number] or day < pd.Timestamp(2025, left[number], 1)
        ]
        usage = pd.DataFrame(events, columns=["customer_id", "occurred_at"]).assign(event="login")
        usage.to_parquet(folder / "usage.parquet")
        return folder

    return write


@pytest.fixture
def train(churn, write_config, tmp_path):
    text = '[churn]\ndefinition = "event"\n'

    def run(source, *arguments):
        file = write_config(tmp_path / "run", text, source=source)
        return churn("train", "-c", file, *arguments)

    return run


@pytest.mark.parametrize(
    ("churn_month", "what", "value"),
    [
        (lambda number: None if number else 6, "Nobody churned", "0 customers churned and"),
        (lambda number: 3 if number < 40 else None, "Too few churners", "40 customers churned and"),
        (
            lambda number: 2 if number > 4 else None,
            "Too few customers who stayed",
            "295 customers churned",
        ),
    ],
)
def test_too_few_of_one_kind_say_how_many_are_needed(histories, train, churn_month, what, value):
    ended = train(histories(churn_month))
    assert ended.status == 4, ended.err
    assert what in ended.err
    assert value in ended.err
    assert "at least 50 customers of each" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(("churners", "refused"), [(49, True), (50, False)])
def test_a_churner_counts_once_however_many_cutoffs_see_it_leave(churners, refused):
    from datetime import date

    from features.churn import Definition
    from features.cut import Points
    from features.errors import TooLittleData
    from features.points import LabelledPoints
    from features.timeline import day_number
    from models.split import Split
    from pipeline.parting import refuse_too_few

    cutoffs = tuple(date(2026, 1, day) for day in (1, 4, 7))
    customer = np.tile(np.arange(200, dtype=np.int32), 3)
    points = LabelledPoints(
        cutoffs=cutoffs,
        points=Points(np.repeat(np.arange(3, dtype=np.int32), 200), customer),
        churned=(customer < churners).astype(np.int8),
        counts=(),
    )
    known = tuple(day_number(cutoff) for cutoff in cutoffs[:2])
    split = Split(known=known, test=(day_number(cutoffs[2]),), purged=())
    definition = Definition(kind="event", horizon_days=30)
    if not refused:
        return refuse_too_few(points, split, definition)
    with pytest.raises(TooLittleData) as told:
        refuse_too_few(points, split, definition)
    assert told.value.value == "49 customers churned and 151 stayed, at 2 cutoffs (400 points)"


def test_features_that_are_constant_or_empty_get_no_weight(histories, train, churn, tmp_path):
    empty = pd.Series([None] * 400)
    ended = train(
        histories(
            lambda number: 2 + number % 5 if number % 3 == 0 else None,
            customers=400,
            same=7,
            gaps=empty.astype("float64"),
            no_text=empty.astype("str"),
            one_text="all alike",
        ),
        "--json",
    )
    assert ended.status == 0, ended.err
    features = pd.read_parquet(tmp_path / "run/out/train/features.parquet").set_index("name")
    own = features.filter(regex="profile_(same|gaps|no_text|one_text)", axis=0)
    assert len(own) >= 3
    assert (own["mean_abs_shap"] == 0).all()
    model = f"models:/{ended.json['model']}"
    scored = churn("score", "-c", tmp_path / "run" / "churn.toml", "--model", model)
    assert scored.status == 0, scored.err


def test_a_test_period_without_churn_judges_nothing(histories, train):
    """Those who leave, leave before the test begins."""
    source = histories(lambda number: 2 + number % 2 if number % 3 == 0 else None, customers=400)
    ended = train(source, "--json")
    assert ended.status == 0, ended.err
    values = ended.json
    test = values["metrics"]["test"]
    assert (test["base_rate"], test["auc"], test["lift_10"]) == (0, None, None)
    assert values["promoted"] is False
    assert "all test points had the same outcome" in values["reason"]
    (told,) = verdict.warnings(values["metrics"])
    assert told == "Nobody churned in the test: nothing tells how good this is."
