"""What a model must not score, and what is told before it does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.guards import FEWEST_ROWS, Refused, guard
from models.matrix import find_levels, to_matrix
from models.model import ChurnModel
from models.training import Data, Part, fit

ROWS = 600
TABLES = {"strong": "usage", "weak": "tickets", "idle": "surveys", "plan": "subscriptions"}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    random = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "strong": random.normal(size=ROWS),
            "weak": random.normal(size=ROWS),
            "idle": np.full(ROWS, 7.0),
            "plan": random.choice(["basic", "pro", "other"], ROWS, p=[0.5, 0.4, 0.1]),
        }
    )


@pytest.fixture(scope="module")
def model(frame) -> ChurnModel:
    risk = 2.5 * frame["strong"] + 0.9 * frame["weak"] + 0.9 * (frame["plan"] == "pro")
    labels = (risk + np.random.default_rng(3).normal(size=ROWS) > 1).to_numpy(np.int8)
    levels = find_levels(frame, ["plan"])
    names = list(frame.columns)
    fitted = fit(Data(Part(to_matrix(frame, names, levels), labels), names, ["plan"]), seed=1)
    features = tuple({"name": name, "table": table} for name, table in TABLES.items())
    missing = dict.fromkeys(names, 0.0)
    others = {"plan": float((frame["plan"] == "other").mean())}
    made = ChurnModel(fitted.boosters, features, levels, {}, 0.3, {}, missing, others)
    assert made.gains["strong"] > 0.5
    assert 0 < made.gains["weak"] < 0.25
    return made


def test_vectors_as_in_training_are_fine(model, frame):
    assert guard(model, frame) == []
    assert guard(model, frame.iloc[::-1, ::-1].assign(further=1)) == []
    assert guard(model, frame.head(0)) == []


def test_missing_features_are_named(model, frame):
    with pytest.raises(Refused, match="lack 2 of the model's 4") as refused:
        guard(model, frame[["strong", "idle"]])
    assert (refused.value.value, refused.value.where) == ("weak, plan", "tickets, subscriptions")


def test_text_among_numbers_is_refused(model, frame):
    column = frame["strong"].astype(object)
    column.iloc[3] = "many"
    with pytest.raises(Refused, match="feature strong") as refused:
        guard(model, frame.assign(strong=column))
    assert refused.value.value == "'many', in a column of type object"
    assert refused.value.where == "usage"


def test_infinity_is_refused(model, frame):
    with pytest.raises(Refused, match="feature weak"):
        guard(model, frame.assign(weak=np.inf))


def test_a_lost_feature_is_told_with_its_weight(model, frame):
    (told,) = guard(model, frame.assign(weak=np.nan))
    assert told.startswith("No row has a value of weak (from tickets; ")
    assert f"{model.gains['weak']:.1%}" in told


def test_lost_features_that_decide_are_refused(model, frame):
    lost = frame.assign(strong=np.nan, weak=np.nan)
    with pytest.raises(Refused, match=r"carry \d+% of what the model learned") as refused:
        guard(model, lost)
    assert refused.value.value == "strong, weak"
    assert refused.value.where == "usage, tickets"
    lost.loc[0, "strong"] = 1.0
    assert len(guard(model, lost)) == 2


def test_lost_features_that_the_model_never_looks_at_do_not_matter(model, frame):
    assert model.gains["idle"] == 0
    assert guard(model, frame.assign(idle=np.nan)) == []


def test_what_may_be_chance_is_no_loss(model, frame):
    few = frame.assign(strong=np.nan)
    (told,) = guard(model, few.head(FEWEST_ROWS - 1))
    assert told.startswith("No row has a value of strong")
    seldom = replace(model, missing={**model.missing, "strong": 0.99})
    assert guard(seldom, few.head(1000)) == []
    with pytest.raises(Refused):
        guard(replace(seldom, missing={"strong": 0.5}), few.head(FEWEST_ROWS))


def test_many_more_gaps_are_told(model, frame):
    gaps = frame.assign(strong=frame["strong"].where(np.arange(ROWS) % 10 == 0))
    (told,) = guard(model, gaps)
    assert told.startswith("Most rows lack a value of strong (from usage; ")
    assert guard(replace(model, missing={"strong": 0.3}), gaps) == []


@pytest.mark.parametrize(("every", "told"), [(10, True), (25, False)])
def test_texts_that_were_never_seen_are_told(model, frame, every, told):
    new = frame["plan"].where(np.arange(ROWS) % every != 0, "plan of next year")
    found = guard(model, frame.assign(plan=new))
    share = (~new.isin(["basic", "pro", "other"])).mean()
    expected = f"Texts that the model has not learned, of the rows that have one: {share:.0%}"
    assert found == ([f"{expected} in plan."] if told else [])


def test_rows_without_a_text_carry_none_that_is_new(model, frame):
    gaps = frame["plan"].where(np.arange(ROWS) % 2 == 0)
    assert guard(model, frame.assign(plan=gaps)) == []


def test_more_of_the_others_than_before_are_new_texts(model, frame):
    """A plan tells new texts as "other", which the model knows from those that were rare."""
    more = frame["plan"].where(np.arange(ROWS) % 4 != 0, "other")
    (told,) = guard(model, frame.assign(plan=more))
    share = (more == "other").mean() - model.others["plan"]
    assert f"{share:.0%} in plan" in told


def test_texts_that_are_all_new_are_a_lost_feature(model, frame):
    (told,) = guard(model, frame.assign(plan="renamed"))
    assert "100% in plan" in told
    decisive = replace(model)
    decisive.__dict__["gains"] = {**model.gains, "plan": 0.3}
    with pytest.raises(Refused, match=r"30% of what the model learned have no value .* it knows"):
        guard(decisive, frame.assign(plan="renamed"))
