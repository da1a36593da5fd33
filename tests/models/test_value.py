"""What a customer is still worth, by hand and as properties."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.value import remaining_margin


def test_remaining_margin_by_hand():
    """Nobody leaves, no discount: 10 a month at half margin over 24 months is 120."""
    settings = {"margin": 0.5, "churn_days": 30, "horizon_months": 24, "discount_rate": 0.0}
    worth = remaining_margin(np.array([10.0, np.nan, -3.0]), churn_rate=0.0, **settings)
    np.testing.assert_allclose(worth, [120, 0, 0])
    assert remaining_margin(np.array([10.0]), churn_rate=1.0, **settings)[0] == 0


@given(rate=st.floats(0, 1), discount=st.floats(0, 1), months=st.integers(1, 60))
def test_more_churn_or_discount_is_never_worth_more(rate, discount, months):
    def worth(rate: float, discount: float) -> float:
        return remaining_margin(
            np.array([10.0]),
            margin=1.0,
            churn_rate=rate,
            churn_days=30,
            horizon_months=months,
            discount_rate=discount,
        )[0]

    assert worth(rate, discount) <= worth(rate * 0.9, discount) + 1e-9
    assert worth(rate, discount) <= worth(rate, discount * 0.9) + 1e-9
    assert worth(rate, discount) <= 10 * months + 1e-9
