"""The arms' means: plain where they must be, adjusted as a regression with interactions says."""

from __future__ import annotations

import numpy as np
import pytest

from models.arms import arms


def campaign(n: int = 200, seed: int = 1):
    random = np.random.default_rng(seed)
    score = random.normal(size=n)
    treated = np.arange(n) % 4 > 0
    return (random.random(n) < 1 / (1 + np.exp(-score))).astype(float), treated, score


def test_without_covariates_the_means_are_as_they_were():
    outcome = np.array([1.0, 0, 0, 1, 1, 1])
    both = arms(outcome, np.array([1, 1, 1, 1, 0, 0]))
    assert (both.treated.n, both.treated.total, both.treated.mean) == (4, 2, 0.5)
    assert both.treated.variance == pytest.approx(outcome[:4].var(ddof=1) / 4)
    assert (both.holdout.expected, both.holdout.variance, both.covariates) == (1, 0, 0)
    assert both.binary


def test_adjusted_is_the_regression_with_interactions():
    """Lin's one regression over all rows, written out."""
    outcome, treated, score = campaign()
    both = arms(outcome, treated, score)
    centred = score - score.mean()
    design = np.column_stack([np.ones(200), treated, centred, centred * treated])
    coefficients, *_ = np.linalg.lstsq(design, outcome)
    assert both.treated.expected - both.holdout.expected == pytest.approx(coefficients[1])
    solve = np.linalg.pinv(design)
    left_out = (outcome - design @ coefficients) / (1 - np.einsum("nk,kn->n", design, solve))
    hc3 = float(((solve[1] * left_out) ** 2).sum())
    drawn = (centred * coefficients[3]).var(ddof=1) / 200
    assert both.treated.variance + both.holdout.variance == pytest.approx(hc3 + drawn)
    assert both.treated.variance < both.treated.plain_variance


def test_neither_scale_nor_copies_of_a_covariate_matter():
    outcome, treated, score = campaign()
    once = arms(outcome, treated, score)
    again = arms(outcome, treated, 1000 * score[:, None] + 7)
    twice = arms(outcome, treated, np.column_stack([score, score, np.full(200, 3.0)]))
    for other in (again, twice):
        assert other.treated.expected == pytest.approx(once.treated.expected)
        assert other.holdout.variance == pytest.approx(once.holdout.variance)
    assert twice.covariates == 2


@pytest.mark.parametrize("why", ["constant", "few rows", "few leavers"])
def test_falls_back_to_plain_means(why):
    outcome, treated, score = campaign()
    if why == "constant":
        score = np.where(treated, score, 3.0)
    if why == "few rows":
        keep = treated | (np.cumsum(~treated) < 30)
        outcome, treated, score = outcome[keep], treated[keep], score[keep]
    if why == "few leavers":
        outcome = np.where(treated | (np.cumsum(outcome * ~treated) <= 4), outcome, 0.0)
    both = arms(outcome, treated, score)
    assert both.covariates == 0
    assert both.treated.expected == outcome[treated].mean()


@pytest.mark.parametrize(
    ("outcome", "treated", "covariates", "match"),
    [
        ([0.0, 1.0], [1, 1], None, "needs both arms; of 2 customers 2 were treated"),
        ([0.0, np.nan], [1, 0], None, "finite"),
        ([0.0, 1.0], [1, 0], [1.0, np.inf], "finite"),
        ([0.0, 1.0], [1, 0, 0], None, "the same rows"),
        ([0.0, 1.0], [1, 0], [1.0], "the same rows"),
    ],
)
def test_what_cannot_be_compared_is_refused(outcome, treated, covariates, match):
    covariates = None if covariates is None else np.array(covariates)
    with pytest.raises(ValueError, match=match):
        arms(np.array(outcome), np.array(treated), covariates)
