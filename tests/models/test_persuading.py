"""Persuadable or at risk: the rule that decides, and the sentence that says why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.comparison import Gain
from models.persuading import Contacts, judge, split
from models.qini import Targeting
from models.uplift import Uplift

FEATURES = ("risk", "mood", "noise")


def contacts(seed: int, n: int, *, moods: bool, campaigns: int = 6) -> Contacts:
    """Contacts keep a third of all leavers, or nearly all in a good mood and make others leave."""
    random = np.random.default_rng(seed)
    odds, mood, noise = random.normal(size=(3, n))
    risk = 1 / (1 + np.exp(0.8 - odds))
    success = np.where(mood > 0, 0.9, -0.2) if moods else np.full(n, 0.33)
    treated = random.random(n) < 0.8
    rate = np.clip(risk * np.where(treated, 1 - success, 1), 0, 1)
    return Contacts(
        matrix=np.column_stack([odds, mood, noise]).astype(np.float32),
        treated=treated,
        churned=(random.random(n) < rate).astype(np.int8),
        propensity=np.full(n, 0.8),
        risk=risk,
        campaign=np.arange(n) * campaigns // n,
        customers=np.arange(n),
    )


def judged(found: Contacts, seed: int = 1):
    return judge(found, features=FEATURES, categorical=[], seed=seed, draws=100)


@pytest.fixture(scope="module")
def by_moods():
    return judged(contacts(1, 6000, moods=True))


def test_used_where_moods_decide(by_moods):
    found = by_moods
    assert found.used
    assert found.gain.low > 0
    assert found.gain.mean == pytest.approx(found.qini - found.qini_of_risk)
    assert found.why.startswith("Who is persuadable decides: on the latest campaigns")
    assert found.taught + found.judged == 6000


def test_not_used_where_the_effect_goes_with_the_risk():
    for seed in (7, 8):
        found = judged(contacts(seed, 4000, moods=False))
        assert not found.used
        assert found.gain.low <= 0
        assert found.why.startswith("Risk times value decides: on the latest campaigns the order")


def test_a_lead_within_noise_is_not_used(monkeypatch):
    lead = Gain(0.01, -0.001, 0.02)
    monkeypatch.setattr("models.persuading.qini_gain", lambda *orders, **settings: lead)
    found = judged(contacts(7, 3000, moods=True))
    assert not found.used
    assert found.why.endswith(
        "does not beat it beyond noise, by a Qini coefficient of +0.01 (-0.001 to 0.02)."
    )


def test_value_weighs_benefits_and_both_orders():
    found = contacts(2, 4000, moods=True)
    found = replace(found, value=np.random.default_rng(1).lognormal(5, 1, 4000))
    verdict, (earlier, latest) = judged(found), split(found)
    learned = earlier.matrix, earlier.treated, earlier.churned, earlier.propensity
    model = Uplift.fit(*learned, FEATURES, [], 1)
    orders = (model.predict(latest.matrix) * latest.value, latest.risk * latest.value)
    arms = -latest.value * latest.churned, latest.treated, latest.propensity
    told = [Targeting(order, *arms).curve().qini_coefficient for order in orders]
    assert [verdict.qini, verdict.qini_of_risk] == pytest.approx(told)
    areas = [Targeting(order, *arms).curve().auuc for order in orders]
    assert [verdict.auuc, verdict.auuc_of_risk] == pytest.approx(areas)


def test_one_campaign_cannot_judge_itself():
    found = judged(contacts(1, 4000, moods=True, campaigns=1))
    assert (found.used, found.gain) == (False, None)
    assert found.why == (
        "Risk times value decides: of 1 campaign with a holdout none can judge what another one "
        "taught; it takes 2."
    )


def test_too_few_leavers_say_so():
    found = judged(contacts(1, 600, moods=True))
    assert not found.used
    assert "the latest campaigns, which judge, have" in found.why
    few = judged(contacts(1, 1800, moods=True, campaigns=2))
    assert "the campaigns before, which teach, have" in few.why
    assert "it takes 100." in few.why
    assert few.taught == few.judged == 900


def test_too_few_who_stayed_say_so():
    found = contacts(1, 3000, moods=True)
    found = replace(found, churned=(np.arange(3000) % 100 > 0).astype(np.int8))
    verdict = judged(found)
    assert not verdict.used
    assert verdict.why == (
        "Risk times value decides: of the campaigns before, which teach, 2 customers of the "
        "smaller arm stayed; it takes 20."
    )


def test_the_latest_campaigns_judge():
    found = contacts(1, 6000, moods=True)
    earlier, latest = split(found)
    assert earlier.campaign.max() < latest.campaign.min()
    assert latest.leavers >= 50
    assert earlier.leavers >= 2 * latest.leavers
    one_more = found.some(found.campaign >= latest.campaign.min() - 1)
    assert found.leavers - one_more.leavers < 2 * one_more.leavers
    assert set(earlier.campaign) | set(latest.campaign) == set(found.campaign)
    days = replace(found, campaign=np.datetime64("2026-01-01") + found.campaign)
    assert np.array_equal(split(days)[1].risk, latest.risk)


def test_the_same_contacts_give_the_same_verdict(by_moods):
    assert judged(contacts(1, 6000, moods=True)) == by_moods
