"""Success rates from contacts whose risk was told beforehand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.foretold import Foretold
from models.success import learn_foretold


def drawn(success, *, customers=40_000, factor=1.0, held_out=0.25, seed=1, error=0.2):
    """Customers of all risks and fits, of whom `success` times their fit are kept."""
    random = np.random.default_rng(seed)
    risk = random.beta(1, 6, customers)
    fit = random.choice([0.0, 0.3, 1.0, 1.6], customers)
    treated = random.random(customers) >= held_out
    chance = np.minimum(factor * risk, 1) * (1 - success * fit * treated)
    return Foretold(risk, fit, treated, random.random(customers) < chance, error=error)


def learned(told, mean=0.3, evidence=5.0, leavers=1000):
    return learn_foretold(mean, evidence, told, held_out_leavers=leavers)


@pytest.mark.parametrize("success", [0.1, 0.5])
@pytest.mark.parametrize("factor", [0.7, 1.0, 1.3])
def test_finds_the_rate_however_far_the_risks_are_off(success, factor):
    found = learned(drawn(success, factor=factor))
    assert found.low < success < found.high
    assert found.high - found.low < 0.15
    assert found.learned


def test_the_grid_agrees_with_the_plain_sum_over_customers():
    told = drawn(0.4, customers=300)
    rates = np.array([0.1, 0.3, 0.6])
    wanted = []
    for rate in rates:
        per_factor = []
        for z in np.linspace(-4, 4, 61):
            chance = np.clip(told.risk * np.exp(0.2 * z), 1e-6, 1 - 1e-3)
            chance = chance * (1 - rate * told.fit * told.treated)
            each = np.where(told.left, np.log(chance), np.log1p(-chance))
            per_factor.append(each[told.fit > 0].sum() - z**2 / 2)
        wanted.append(np.logaddexp.reduce(per_factor))
    found = told.log_likelihood(rates)
    assert np.diff(found) == pytest.approx(np.diff(wanted), abs=0.15)


def test_who_could_not_be_helped_tells_nothing():
    told = drawn(0.4)
    nobody = replace(told, fit=np.zeros_like(told.fit))
    assert learned(nobody).mean == pytest.approx(0.3, abs=1e-3)
    helpful = told.fit > 0
    alone = Foretold(*(each[helpful] for each in (told.risk, told.fit, told.treated, told.left)))
    assert learned(alone).mean == pytest.approx(learned(told).mean, abs=1e-9)


def test_its_own_holdout_counts_beside_the_risks():
    """The model told half as many leavers as came: with a holdout the contacts seem no harm."""
    told = drawn(0.3, factor=2.0, error=0.5)
    alone = Foretold(
        *(each[told.treated] for each in (told.risk, told.fit, told.treated, told.left)), error=0.5
    )
    # Where the risks are high, all that is certain is that no more than all can leave.
    assert abs(learned(told).mean - 0.3) < abs(learned(alone).mean - 0.3) + 0.02
    came = (told.left & told.treated).sum()
    assert told.expected > came > told.risk[told.treated].sum() * 0.9


def test_a_surer_factor_tells_more():
    sure, unsure = (learned(drawn(0.3, customers=4_000, error=error)) for error in (0.02, 0.5))
    assert sure.high - sure.low < unsure.high - unsure.low


@pytest.mark.parametrize(
    ("customers", "leavers", "why"),
    [
        (0, 100, "no campaign with a holdout yet"),
        (4000, 4, "4 of the holdout left; it takes 5"),
        (20, 100, "of the treated would have left without the contact; it takes 3"),
    ],
)
def test_too_little_evidence_changes_nothing(customers, leavers, why):
    found = learned(drawn(0.4, customers=customers), leavers=leavers)
    assert why in found.why
    assert (found.mean, found.evidence, found.learned) == (0.3, 5.0, False)


def test_the_same_customers_in_any_order_teach_the_same():
    told = drawn(0.4, customers=2_000)
    order = np.random.default_rng(2).permutation(2_000)
    other = Foretold(*(each[order] for each in (told.risk, told.fit, told.treated, told.left)))
    assert learned(told).mean == pytest.approx(learned(other).mean, abs=1e-12)
