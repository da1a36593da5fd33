"""How results are printed for people."""

from __future__ import annotations

import pytest

from pipeline.consoles import amount


@pytest.mark.parametrize(
    ("money", "told"),
    [
        (0.0, "0.00"),
        (-0.0, "0.00"),
        (-0.004, "0.00"),
        (0.42, "0.42"),
        (-9.99, "-9.99"),
        (10.4, "10"),
        (-12_345.6, "-12,346"),
    ],
)
def test_small_amounts_have_cents_and_nothing_has_no_sign(money, told):
    assert amount(money) == told


def test_cents_are_told_where_they_are_asked_for():
    assert amount(1234.5, cents=True) == "1,234.50"
    assert amount(-0.001, cents=True) == "0.00"
