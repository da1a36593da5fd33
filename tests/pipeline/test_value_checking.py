"""Values of an earlier cutoff against what came: found as they would have been then."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest

from features.timeline import day_number
from pipeline.value_checking import Then, check, choose_then, realised, with_check
from pipeline.worth import LEARNED


@pytest.fixture(scope="module")
def checked(found):
    return found.metrics["value"]


def test_values_come_true_on_the_demo(checked):
    """18 months: learned from the first half, held against the second."""
    assert checked["how"] == "hazards"
    assert checked["total"] == pytest.approx(1, abs=0.1)
    assert checked["rank_correlation"] > 0.75
    tenths = checked["deciles"]
    assert sum(tenth["customers"] for tenth in tenths) == checked["customers"]
    assert tenths[-1]["realised"] > 5 * tenths[0]["realised"]


def test_hazards_are_better_than_one_rate_for_all(checked):
    assert checked["mean_distance"] < checked["one_rate"]["mean_distance"]


def test_the_model_knows_how_far_values_were_off(found, checked):
    told = found.candidate.model.context[LEARNED]
    assert told["error"] == checked["error"]
    assert with_check(found.candidate.model, {"why": "no money"}) is found.candidate.model


TOLD = ("total", "rank_correlation", "mean_distance")


def test_labels_after_the_cutoff_teach_nothing(found):
    """Whoever left after it, the values of then are the same."""
    one, then = found.candidate, choose_then(found.candidate)
    quick = replace(found.fitted, trees=dict.fromkeys(found.fitted.trees, 5))
    expected = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "pipeline.value_checking.check_values",
            lambda values, came, seed: expected.append(values) or dict.fromkeys(TOLD, 1),
        )
        for flip in (False, True):
            changed = replace(one, parts=flipped_from(one.parts, then.day) if flip else one.parts)
            check(changed, data_of(changed), quick, found.chosen)
    # Each check judges twice: by learned hazards, and by one churn rate for all.
    np.testing.assert_array_equal(expected[:2], expected[2:])


def flipped_from(parts, day):
    """The same parts, with every label turned round that was not known before the day."""
    changed = copy.copy(parts)
    frame = parts.frames["train"].copy()
    days = frame["cutoff"].to_numpy().astype("datetime64[D]").astype(int)
    late = days + 30 > day
    frame.loc[late, "churned"] = 1 - frame.loc[late, "churned"]
    changed.frames = {**parts.frames, "train": frame}
    return changed


def data_of(candidate):
    from models.training import Data, Part

    parts, model = candidate.parts, candidate.model
    train = parts.frames["train"]
    return Data(Part(model.matrix(train), parts.labels("train")), model.names, list(model.levels))


def test_money_counts_in_the_months_that_it_pays_for(found):
    """Of those who pay monthly and stay, about what they paid; yearly payers bring as much."""
    one = found.candidate
    then = choose_then(one)
    frame = one.parts.frames["train"]
    here = frame["cutoff"].to_numpy().astype("datetime64[D]").astype(int) == then.day
    now = frame[here].reset_index(drop=True)
    from pipeline.candidate import at_days

    points = at_days(one.points, (then.day,))
    came = realised(one, points, now, then, contracts=True)
    rate = now["subscriptions_monthly_price"].to_numpy() * 0.6 * then.months
    for yearly in (0, 1):
        group = now["subscriptions_is_yearly"] == yearly
        assert 0.6 < came[group].sum() / rate[group].sum() < 1.05


def test_a_year_at_most_half_of_the_histories_and_three_months_at_least(found):
    one = found.candidate
    then = choose_then(one)
    assert isinstance(then, Then)
    end = day_number(one.histories.observed_until.date())
    assert then.months == int((end - one.parts.split.known[0]) / (365.25 / 12)) // 2
    assert then.day + then.months * 365.25 / 12 <= end
    value = one.config.value.model_copy(update={"horizon_months": 2})
    short = replace(one, config=one.config.model_copy(update={"value": value}))
    assert choose_then(short).months == 2


def test_too_short_histories_say_so(found):
    one = found.candidate
    parts = copy.copy(one.parts)
    parts.split = replace(parts.split, known=parts.split.known[:3])
    why = check(replace(one, parts=parts), data_of(one), found.fitted, found.chosen)["why"]
    assert why.startswith("the histories are too short: no cutoff has 3 labelled ones before it")


def test_without_money_nothing_is_checked(found, monkeypatch):
    one = found.candidate
    monkeypatch.setattr("pipeline.value_checking.worth_of", lambda *_, **__: None)
    why = check(one, data_of(one), found.fitted, found.chosen)
    assert why == {"why": "the histories hold no money"}
