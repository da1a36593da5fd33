"""Confidence sequences: as the paper's formula, and valid however often one looks."""

from __future__ import annotations

import numpy as np
import pytest

from models.anytime import reach


def test_the_papers_boundary():
    """Theorem 2.2 of the paper for a variance of 1, divided by the standard error."""
    alpha, planned, n = 0.1, 400, 250
    r2 = (-2 * np.log(alpha) + np.log(-2 * np.log(alpha) + 1)) / planned
    width = np.sqrt(2 * (n * r2 + 1) / (n**2 * r2) * np.log(np.sqrt(n * r2 + 1) / alpha))
    assert reach(n, level=0.9, planned=planned) == pytest.approx(width * np.sqrt(n))


def test_narrowest_about_where_planned():
    sizes = np.array([50, 100, 200, 400, 800, 1600])
    widths = [reach(n, level=0.95, planned=400) / np.sqrt(n) for n in sizes]
    # Of all plans, that of the size at hand is the narrowest there.
    others = [reach(400, level=0.95, planned=int(n)) for n in sizes]
    assert int(np.argmin(others)) == 3
    assert reach(400, level=0.95, planned=400) == pytest.approx(3.035, abs=1e-3)
    assert widths == sorted(widths, reverse=True)


def test_looking_at_every_step_errs_at_most_as_often_as_told():
    steps = np.arange(1, 2001)
    walks = np.random.default_rng(3).normal(size=(600, len(steps))).cumsum(axis=1)
    errors = np.abs(walks) / np.sqrt(steps)
    often = np.array([reach(n, level=0.95, planned=500) for n in steps])
    assert (errors > often).any(axis=1).mean() <= 0.05
    assert (errors > 1.96).any(axis=1).mean() > 0.3


@pytest.mark.parametrize(("n", "level", "planned"), [(0, 0.95, 10), (5, 1.0, 10), (5, 0.9, 0)])
def test_impossible_looks_are_refused(n, level, planned):
    with pytest.raises(ValueError, match="needs customers and a level"):
        reach(n, level=level, planned=planned)
