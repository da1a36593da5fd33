"""Numbers in the manner of a language."""

from __future__ import annotations

import pytest

from features.numbers import Numbers

ENGLISH = Numbers(decimal=".", thousands=",", percent=" %")
DUTCH = Numbers(decimal=",", thousands=".", percent="%")


@pytest.mark.parametrize(
    ("way", "value", "english", "dutch"),
    [
        ("number", 3.0, "3", "3"),
        ("number", 4.54, "4.5", "4,5"),
        ("number", 0.05, "0.05", "0,05"),
        ("number", 9.97, "10", "10"),
        ("number", -0.001, "0", "0"),
        ("number", 1234567.8, "1,234,568", "1.234.568"),
        ("number", 2.5e18, "2.5e+18", "2,5e+18"),
        ("name", 1985.0, "1985", "1985"),
        ("name", 12000.0, "12,000", "12.000"),
        ("money", 9.5, "9.50", "9,50"),
        ("money", 29.0, "29", "29"),
        ("money", 1234.56, "1,235", "1.235"),
        ("money", -0.001, "0", "0"),
        ("share", 0.5, "50 %", "50%"),
        ("share", 0.004, "0.4 %", "0,4%"),
        ("share", 0.996, "99.6 %", "99,6%"),
        ("share", 1.0, "100 %", "100%"),
        ("change", -18 / 21, "-86 %", "-86%"),
        ("change", 20.0, "+2,000 %", "+2.000%"),
        ("change", -0.001, "0 %", "0%"),
    ],
)
def test_how_a_number_is_written(way, value, english, dutch):
    assert getattr(ENGLISH, way)(value) == english
    assert getattr(DUTCH, way)(value) == dutch
