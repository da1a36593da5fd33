"""The list of features: as vectors have them, named by one grammar, never two alike."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import date, datetime
from typing import get_args

import ibis
import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import WINDOW, Group, window_in
from features.listing import list_features
from features.plan import MOST_LEVELS, make_plan
from features.tables import TABLES
from features.vectors import FAMILIES

KINDS = {"id": 1, "time": datetime(2025, 1, 1), "number": 1.0, "text": "x", "bool": True}
WINDOWS = (7, 30)
NAME = re.compile(r"(?P<table>[a-z]+)(_[a-z0-9]+)+")
NASTY = [
    '"; drop table',
    "'; drop table usage; --",
    "🎉",
    "",
    "x" * 300,
    "Login",
    "login",
    "LOGIN",
    "count",
    "days_since",
    "a\0b",
    "line\nbreak",
]
MARKS = ("markone", "marktwo")


@pytest.fixture(scope="module")
def listed(read):
    """The features of histories that have everything, with these values and attributes in them."""
    rows = {
        name: [{c.name: c.allowed[0] if c.allowed else KINDS[c.kind] for c in table.columns}]
        for name, table in TABLES.items()
    }
    histories = read({name: pa.Table.from_pylist(row) for name, row in rows.items()})
    tables = histories.tables
    plan = make_plan(histories, windows=WINDOWS, known_before=date(2026, 1, 1))
    assert set(plan.tables) == {family.table for family in FAMILIES}

    def features(values=(), attributes=()):
        levels = {f"{table}.{column}": tuple(values) for table, column in MOST_LEVELS}
        given = {name: ibis.literal(1.0) for name in attributes}
        with_them = {**tables, "customers": tables["customers"].mutate(**given)}
        kinds = dict.fromkeys(attributes, "number")
        return list_features(with_them, replace(plan, levels=levels, attributes=kinds))

    return features


def assert_by_the_grammar(found):
    names = [feature.name for feature in found]
    assert len(set(names)) == len(names)
    for feature in found:
        assert NAME.fullmatch(feature.name)["table"] == feature.table
        assert window_in(feature.name) == feature.window_days
        assert feature.meaning.isprintable()
        assert len(feature.name) < 100
        assert len(feature.meaning) < 150
        assert feature.unit
        assert feature.group in get_args(Group)


def test_the_list_is_what_vectors_have(vectors, read):
    tables = {
        "customers": "customer_id | signed_up_at | region\n1 | 2025-01-01 | north",
        "usage": "customer_id | occurred_at | event | value\n1 | 2025-01-10 | login | 2",
        "tickets": "customer_id | ticket_id | opened_at | closed_at\n1 | 1 | 2025-01-10 |",
    }
    histories = read(tables)
    plan = make_plan(histories, windows=WINDOWS, known_before=date(2025, 2, 1))
    found = vectors(histories, ["2025-02-01"], plan=plan)
    assert list_features(histories.tables, plan) == found.catalogue


def test_every_table_with_features_is_listed(listed):
    found = listed(MARKS, ["region"])
    tables = dict.fromkeys(feature.table for feature in found)
    assert set(tables) == {family.table for family in FAMILIES}
    assert_by_the_grammar(found)


def test_nasty_values_make_plain_names_that_lightgbm_takes(listed):
    found = listed(NASTY, NASTY)
    assert_by_the_grammar(found)
    names = [feature.name for feature in found]
    data = lgb.Dataset(np.zeros((2, len(names))), feature_name=names, params={"verbosity": -1})
    assert data.construct().get_feature_name() == names


def test_an_attribute_does_not_read_as_a_window(listed):
    names = ["calls 30d", "calls_30d", "spent first 30d", "spent ever", "calls 30d value"]
    assert_by_the_grammar(listed((), names))


def test_no_value_gives_a_name_that_another_feature_has(listed):
    """For each pair of patterns such as `usage_<event>_count_7d`, the values that could collide.

    One pattern's value would have to hold what the other has besides: that is tried for all pairs.
    """
    names = [f.name for f in listed(MARKS[:1], MARKS[:1])]
    patterns = [tuple(name.split(MARKS[0])) for name in names if MARKS[0] in name]
    assert len(patterns) > 2 * len(MOST_LEVELS)
    tried = {"a"}
    for (begin, end), name in itertools.product(patterns, names):
        if MARKS[0] not in name and name.startswith(begin) and name.endswith(end):
            tried.add(name[len(begin) : len(name) - len(end)])
    for one, other in itertools.permutations(patterns, 2):
        if one[0].startswith(other[0]):
            more = one[0][len(other[0]) :]
            if one[1].endswith(other[1]):
                tried.add(f"{more}a{one[1].removesuffix(other[1])}")
            elif other[1].endswith(one[1]):
                tried |= {f"{more}a", f"a{other[1].removesuffix(one[1])}"}
    values = sorted(value.strip("_") for value in tried if value.strip("_"))
    assert_by_the_grammar(listed(values, values))


words = st.text(max_size=12) | st.lists(
    st.sampled_from(["count", "first", "30d", "ever", "last", "score", "days", "since", "x"]),
    max_size=4,
).map("_".join)


@settings(max_examples=15)
@given(values=st.lists(words, unique=True, max_size=5))
def test_names_are_different_whatever_the_values(listed, values):
    assert_by_the_grammar(listed(values, values))


@pytest.mark.parametrize(
    ("name", "days"),
    [("usage_count_30d", 30), ("usage_count_first_30d", None), ("usage_count_ever", None)],
)
def test_the_window_in_a_name(name, days):
    assert window_in(name) == days
    assert WINDOW.search(name)
