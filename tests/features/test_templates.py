"""Templates: what they tell, what they leave out, and when they do not apply."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.templates import Condition, Field, Template


def say(value, spec):
    return f"<{spec}>{value}" if spec else f"{value}"


def rendered(text, **values):
    return Template.parse(text).render(values.get, say)


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("plain", {}, "plain"),
        ("{a} of {b}", {"a": 2, "b": 3}, "2 of 3"),
        ("{a:days}", {"a": 2}, "<days>2"),
        ("{a}", {}, None),
        ("x[, {a}]", {}, "x"),
        ("x[, {a}]", {"a": 1}, "x, 1"),
        ("x[, {a} and {b}]", {"a": 1}, "x"),
        ("x[, {a}[ and {b}]]", {"a": 1}, "x, 1"),
        ("x[, {a}[ and {b}]]", {"b": 1}, "x"),
        ("{a>0}some", {"a": 1}, "some"),
        ("{a>0}some", {"a": 0}, None),
        ("{a>0}some", {}, None),
        ("{a<-1.5}low", {"a": -2}, "low"),
        ("{a=1}one", {"a": 1.0}, "one"),
        ("{a=1}one", {"a": "1"}, None),
        ("x[{a=1} y][{a=0} z]", {"a": 0}, "x z"),
    ],
)
def test_what_a_template_tells(text, values, expected):
    assert rendered(text, **values) == expected


@pytest.mark.parametrize("text", ["x]", "[x", "{a", "a}", "{A}", "{}", "{a b}", "{a>b}", "{a:}"])
def test_what_is_no_template_is_refused_with_its_text(text):
    with pytest.raises(ValueError) as refused:
        Template.parse(text)
    assert repr(text) in str(refused.value)


def test_every_field_is_known_however_deep():
    found = list(Template.parse("{a}[ {b:x}[{c>2}]]").fields())
    assert found == [Field("a"), Field("b", "x"), Condition("c", ">", 2.0)]


@given(value=st.text())
def test_a_value_is_told_as_it_is(value):
    """Braces in the data are no fields."""
    assert rendered("'{a}'[ {a}]", a=value) == f"'{value}' {value}"
