"""Names of features: one grammar, all different, whatever the data hold."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from datetime import date, datetime
from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import histories_of, moments_near, world_of

from features.catalogue import FACTS, LEVERS, Feature, Group, quoted, slug, slugs, spoken
from features.compute import Family, compute, timeline_of
from features.plan import make_plan
from features.vectors import FAMILIES

ODD = [
    '"; drop table',
    "Log-In",
    "log in",
    "LOG_IN",
    "login 2",
    "été",
    "!!!",
    "???",
    "a'b",
    "other",
]
TABLES = {
    "customers": """
    customer_id | signed_up_at | Plan (old) | plan_old | "quoted"
    1           | 2025-01-01   | a          | 3        | x
    """,
    "usage": "customer_id | occurred_at | event"
    + "".join(f"\n1 | 2025-01-1{n} | {event}" for n, event in enumerate(ODD)),
    "payments": "customer_id | occurred_at | amount | method"
    + "".join(f"\n1 | 2025-01-1{n} | 10 | {method}" for n, method in enumerate(ODD[:4])),
    "tickets": "customer_id | ticket_id | opened_at | category"
    + "".join(f"\n1 | {n} | 2025-01-1{n} | {category}" for n, category in enumerate(ODD[:4])),
    "surveys": "customer_id | occurred_at | kind | score"
    + "".join(f"\n1 | 2025-01-1{n} | {kind} | 3" for n, kind in enumerate(ODD[:4])),
}

CONTACTS = """
customer_id | occurred_at | campaign | action | group
1           | 2025-01-20  | a        | call   | treated
"""


LONG_AGO, RECENTLY = datetime(2024, 12, 1), datetime(2025, 6, 1)
NASTY = [
    '"; drop table',
    "'; drop table usage; --",
    "a",
    "a\0b",
    "line\nbreak",
    "back\\slash \\n",
    "%s {x} $1 ?",
    "x" * 5000,
    "Login",
    "login",
    "",
    "🎉",
]


@pytest.fixture(scope="module")
def odd(vectors):
    return vectors(TABLES, ["2025-02-01"], max_bad_share=0)


def test_odd_values_give_columns_with_plain_and_different_names(odd):
    assert list(odd.frame.columns[2:]) == odd.names
    assert len(set(odd.names)) == len(odd.names)
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in odd.names)


def test_values_that_read_alike_are_counted_apart(odd):
    row = odd.frame.iloc[0]
    assert [f.meaning for f in odd.catalogue if re.fullmatch(r"usage_log_in.*_count_30d", f.name)]
    events = [n for n in odd.names if re.fullmatch(r"usage_.*_count_30d", n)]
    assert len(events) == len(ODD)
    assert row[events].tolist() == [1.0] * len(ODD)
    assert row["usage_drop_table_count_30d"] == 1


def test_nasty_event_types_are_counted_each_for_itself(vectors):
    """The n-th type has n rows of value n: nothing else may be in its column."""
    rows = [
        {"customer_id": 1, "occurred_at": datetime(2025, 1, 10), "event": event, "value": n}
        for n, event in enumerate(NASTY, 1)
        for _ in range(n)
    ]
    found = vectors({"usage": rows}, ["2025-02-01"])
    row = found.frame.iloc[0]
    counted = {
        feature.meaning: row[feature.name]
        for feature in found.catalogue
        if re.fullmatch(r"usage_\w+_count_30d", feature.name)
    }
    assert counted == {
        f"{quoted(event)} events in the last 30 days": n for n, event in enumerate(NASTY, 1)
    }
    assert row["usage_count_30d"] == sum(range(len(NASTY) + 1))
    assert row["usage_breadth_30d"] == len(NASTY)


def test_every_feature_says_what_it_means(odd):
    for feature in odd.catalogue:
        assert feature.meaning
        assert feature.unit
        assert feature.group in get_args(Group)
        assert feature.table in TABLES
        windowed = re.search(r"_(\d+)d$", feature.name)
        if feature.window_days:
            assert windowed
            assert int(windowed[1]) == feature.window_days
            assert f"last {feature.window_days} days" in feature.meaning


def test_attributes_keep_their_name_and_kind(odd):
    units = {f.meaning: f.unit for f in odd.catalogue if f.group == "profile"}
    assert units == {"Plan (old)": "text", "plan_old": "number", '"quoted"': "text"}


def test_a_feature_as_a_dict():
    told = {"says": "count", "fields": {"now": "usage_count_30d"}, "words": {"days": 30}}
    feature = Feature("usage_count_30d", "events", "events", "usage", "usage", 30, **told)
    assert Feature(**feature.as_dict()) == feature
    assert Feature(**json.loads(json.dumps(feature.as_dict()))) == feature
    assert not feature.is_text
    assert not feature.actionable


@pytest.fixture(scope="module")
def everything(read, vectors):
    """The features of histories that have every table and column, and an attribute."""
    world = histories_of(world_of(random.Random(1), moments_near([LONG_AGO], LONG_AGO, RECENTLY)))
    world["customers"] = world["customers"].append_column("size", pa.array([1.0, 2.0, 3.0, 4.0]))
    return vectors(read(world), [f"{RECENTLY:%Y-%m-%d}"], windows=(30, 90)).catalogue


def test_levers_and_facts_are_all_groups():
    assert set(LEVERS) | set(FACTS) == set(get_args(Group))
    assert not set(LEVERS) & set(FACTS)


def test_what_is_given_or_has_happened_is_not_actionable(everything):
    """What nothing that comes can change, or only for the worse until it fades."""
    fixed = re.compile(r"_ever$|_first_\d+d$|days_since_(start|first|failed|price)|tenure|notice")
    worst = re.compile(
        r"csat_min|_min_\d+d|(failed_count|late_max|close_max|opened_\w+|urgent_count)_"
    )
    assert {f.table for f in everything} == {family.table for family in FAMILIES}
    for feature in everything:
        if feature.group in FACTS or feature.table == "contacts" or fixed.search(feature.name):
            assert not feature.actionable, feature.name
        if worst.search(feature.name) and "open_urgent" not in feature.name:
            assert not feature.actionable, feature.name


def test_what_a_team_can_move_is_actionable(everything):
    actionable = {feature.name for feature in everything if feature.actionable}
    assert {
        *("usage_count_30d", "usage_days_since_last", "usage_login_count_90d"),
        *("payments_last_failed", "payments_failed_run", "payments_failed_share_90d"),
        *("tickets_open_count", "tickets_open_oldest_days", "tickets_csat_last"),
        *("surveys_nps_last_score", "subscriptions_plan", "subscriptions_monthly_price"),
        *("subscriptions_auto_renew", "subscriptions_days_to_end_unless_renewed"),
    } <= actionable


def test_every_lever_but_onboarding_has_something_to_move(everything):
    """Onboarding is over or under way: its features count what was done in it."""
    groups = {feature.group for feature in everything if feature.actionable}
    assert groups == set(LEVERS) - {"onboarding"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Log-In", "log_in"),
        ('"; drop table', "drop_table"),
        ("!!!", "other"),
        ("", "other"),
        ("Été ß", "ete_ss"),
    ],
)
def test_slug(text, expected):
    assert slug(text) == expected


@given(text=st.text())
def test_what_is_spoken_is_one_short_line(text):
    said = spoken(text)
    assert said == spoken(said) == said.strip()
    assert said.isprintable()
    assert len(said) <= 60


def test_no_kind_can_be_called_so_that_two_features_share_a_name(read, vectors):
    """Kinds named like the beginnings of names there are, all at once."""
    histories = read(TABLES | {"contacts": CONTACTS})
    plan = make_plan(histories, windows=(30,), known_before=date(2025, 2, 1))
    pieces = {table: set() for table in (*TABLES, "contacts")}
    for feature in vectors(histories, ["2025-02-01"], plan=plan).catalogue:
        parts = re.sub(r"_30d$", "", feature.name).split("_")[1:]
        pieces[feature.table] |= {"_".join(parts[:n]) for n in range(1, len(parts) + 1)}
    # Each kind of survey is a read of its own.
    pieces["surveys"] = {p for p in pieces["surveys"] if re.match(r"log_in(_[a-z]|$)", p)}
    levels = {c: tuple(sorted(pieces[c.split(".")[0]])) for c in plan.levels}
    names = vectors(histories, ["2025-02-01"], plan=replace(plan, levels=levels)).names
    assert len(set(names)) == len(names) > 300


def test_two_features_of_one_name_are_refused(read, everyone):
    feature = Feature("twice", "twice", "events", "usage", "customers")

    def columns(past):
        yield feature, past.cutoff_days
        yield feature, past.cutoff_days

    histories = read(TABLES)
    plan = make_plan(histories, windows=(30,), known_before=date(2025, 2, 1))
    points = everyone(histories, [date(2025, 2, 1)])
    timeline = timeline_of(plan, points.cutoffs)
    family = Family("customers", lambda present: {}, columns)
    with pytest.raises(ValueError, match="two features are called twice"):
        compute(histories, plan, timeline, points.points, [family])


@settings(max_examples=100)
@given(
    texts=st.lists(st.text(alphabet="ab_", max_size=5), unique=True),
    whats=st.lists(st.text(alphabet="ab_", min_size=1, max_size=4), unique=True, min_size=1),
)
def test_names_made_of_slugs_are_all_different(texts, whats):
    found = slugs(texts, whats=whats)
    names = [f"{each}_{what}" for each in found.values() for what in whats]
    assert len(set(names)) == len(texts) * len(whats)


@settings(max_examples=100)
@given(
    texts=st.lists(st.text(alphabet="aA _-2", max_size=4), unique=True),
    reserved=st.sets(st.sampled_from(["a", "aa", "a_2", "other"])),
)
def test_slugs_are_all_different_and_none_is_reserved(texts, reserved):
    found = slugs(texts, reserved=reserved)
    assert list(found) == texts
    assert len({*found.values(), *reserved}) == len(texts) + len(reserved)
