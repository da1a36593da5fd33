"""Reasons: sentences with the customer's own numbers, in every language, whatever the values."""

from __future__ import annotations

import json
import random
import re
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import histories_of, moments_near, world_of

from features.catalogue import Feature, Group
from features.derived import DERIVED
from features.errors import UsageError
from features.templates import Field
from features.wording import TYPICAL, Wording, languages, parsed

LANGUAGES = ("en", "nl")
WINDOWS = (7, 30, 90)
END = "2025-05-20"
ATTRIBUTES = {"sector": ["a", "b", "a", None], "staff": ["3", "9", "1985", ""]}
ATTRIBUTES["trial"] = ["true", "false", "true", ""]


@pytest.fixture(scope="module")
def world(read, vectors):
    """Vectors of histories that have every table and column, and attributes of each kind."""
    start = datetime(2024, 12, 1)
    moment = moments_near([datetime(2025, 1, 1)], start, start + timedelta(days=180))
    tables = histories_of(world_of(random.Random(3), moment))
    for name, values in ATTRIBUTES.items():
        tables["customers"] = tables["customers"].append_column(name, pa.array(values))
    return vectors(read(tables), [END], windows=WINDOWS)


@pytest.fixture(scope="module")
def typical(world):
    return medians(world)


def medians(found):
    numbers = [f.name for f in found.catalogue if not f.is_text]
    return found.frame[numbers].median().to_dict()


def told(found, name, language="en", row=0):
    """What one feature says of one customer."""
    feature = next(f for f in found.catalogue if f.name == name)
    values = found.frame.iloc[row].to_dict()
    return Wording.of(language).reason(feature.as_dict(), values, medians(found))


def sentence_of(feature):
    return feature.says.split("/")[0]


# Every feature has a sentence, and every sentence its values.


def test_the_languages():
    assert languages() == LANGUAGES


@pytest.mark.parametrize("language", ["de", "", "../texts/en", "EN"])
def test_an_unknown_language_is_refused_with_the_known_ones(language):
    with pytest.raises(UsageError) as refused:
        Wording.of(language)
    assert refused.value.allowed == "en, nl"
    assert refused.value.value == language


def test_every_feature_has_a_sentence_and_every_sentence_a_feature(world):
    said = {sentence_of(feature) for feature in world.catalogue}
    assert len(said) > 30
    for language in LANGUAGES:
        assert set(Wording.of(language).reasons) == said


def test_languages_have_the_same_keys_and_tell_the_same_fields():
    first, *others = (Wording.of(language) for language in LANGUAGES)
    for other in others:
        assert other.drivers.keys() == first.drivers.keys() == set(Group.__args__)
        assert other.texts.keys() == first.texts.keys()
        for key in first.texts:
            assert names([other.texts[key]]) == names([first.texts[key]])
        for key in first.reasons:
            theirs = [set(map(asked, each.fields())) for each in other.reasons[key]]
            assert theirs == [set(map(asked, each.fields())) for each in first.reasons[key]], key


def asked(field):
    """What must hold of a value; words and numbers may be told in a way of their own."""
    return (field.name, *(() if isinstance(field, Field) else (field.holds, field.bound)))


def names(templates):
    return {field.name for template in templates for field in template.fields()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_tell_only_what_their_features_declare(world, language):
    wording = Wording.of(language)
    declared = {}
    for feature in world.catalogue:
        known = declared.setdefault(sentence_of(feature), set(DERIVED))
        known |= {*feature.fields, *feature.words}
        known |= {f"{TYPICAL}{name}" for name in feature.fields}
    for key, templates in wording.reasons.items():
        assert names(templates) <= declared[key], key


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_last_template_of_a_sentence_always_applies(world, language):
    """It asks for no more than the words that are always there."""
    words = {}
    for feature in world.catalogue:
        given = set(feature.words) - {"days", "wider_days"}
        words.setdefault(sentence_of(feature), given).intersection_update(given)
    for key, templates in Wording.of(language).reasons.items():
        needed = {part.name for part in templates[-1].parts if isinstance(part, Field)}
        assert needed <= words[key], key


def test_all_fields_are_columns_and_every_text_is_told(world):
    columns = set(world.frame.columns)
    for feature in world.catalogue:
        assert set(feature.fields.values()) <= columns
        assert Feature(**json.loads(json.dumps(feature.as_dict()))) == feature


def test_features_of_poor_histories_have_no_fields_that_are_not_there(read, vectors):
    tables = {
        "usage": "customer_id | occurred_at | event\n1 | 2025-01-10 | login",
        "subscriptions": """
        customer_id | subscription_id | started_at | ended_at
        1           | 1               | 2025-01-01 |
        """,
        "payments": "customer_id | occurred_at | amount\n1 | 2025-01-10 | 5",
        "tickets": "customer_id | ticket_id | opened_at\n1 | 1 | 2025-01-10",
    }
    found = vectors(read(tables), ["2025-02-01"])
    row = found.frame.iloc[0].to_dict()
    for feature in found.catalogue:
        assert set(feature.fields.values()) <= set(found.names)
        assert one_sentence(Wording.of("en").reason(feature.as_dict(), row, {}))


def test_what_is_said_together_is_of_one_driver_group(world):
    groups = {}
    for feature in world.catalogue:
        assert groups.setdefault(feature.says, feature.group) == feature.group


@pytest.mark.parametrize("text", ["{now:euros}", "[{now:a|b|c}]"])
def test_a_template_that_tells_in_an_unknown_way_is_refused(text):
    with pytest.raises(ValueError, match="is none of"):
        parsed(text)


# The customer's own numbers.

LOGINS = "customer_id | occurred_at | event"
LOGINS += "".join(f"\n1 | 2025-02-{20 + n} | login" for n in range(3))
LOGINS += "".join(f"\n1 | 2025-01-{1 + n:02} | login" for n in range(21))
USAGE = {"customers": "customer_id | signed_up_at\n1 | 2024-01-01", "usage": LOGINS}

PAYMENTS = {
    "payments": """
    customer_id | occurred_at | amount | status
    1           | 2025-01-02  | 10     | paid
    1           | 2025-02-12  | 10     | paid
    1           | 2025-02-17  | 10     | failed
    1           | 2025-02-24  | 10     | failed
    2           | 2025-02-10  | 10     | failed
    2           | 2025-02-12  | 1234.5 | paid
    3           | 2025-02-12  | 10     | paid
    """
}
TICKETS = {
    "tickets": """
    customer_id | ticket_id | opened_at  | closed_at  | priority | csat
    1           | 1         | 2025-02-18 |            | high     |
    2           | 2         | 2025-01-01 | 2025-01-03 | low      | 5
    2           | 3         | 2025-02-01 | 2025-02-03 | low      | 3
    3           | 4         | 2025-02-18 |            | low      |
    3           | 5         | 2025-02-20 |            | urgent   |
    4           | 6         | 2025-02-27 |            | low      |
    """
}
CUTOFF = ["2025-03-01"]


@pytest.mark.parametrize(
    ("feature", "english", "dutch"),
    [
        (
            "usage_login_count_30d",
            "'login' 3 times in the last 30 days, 21 in the 30 before (-86 %)",
            "'login' 3 keer in de laatste 30 dagen, 21 in de 30 daarvoor (-86%)",
        ),
        (
            "usage_count_trend_30d",
            "3 events in the last 30 days, 21 in the 30 before (-86 %); "
            "12 would be usual for this customer",
            "3 gebeurtenissen in de laatste 30 dagen, 21 in de 30 daarvoor (-86%); "
            "voor deze klant is 12 gewoon",
        ),
        (
            "usage_active_days_30d",
            "Active on 3 of the last 30 days, on 21 of the 30 before (-86 %); "
            "1 event on an active day",
            "Actief op 3 van de laatste 30 dagen, op 21 van de 30 daarvoor (-86%); "
            "1 gebeurtenis op een actieve dag",
        ),
        (
            "usage_silence_vs_longest",
            "Last active 7 days ago; usually 2.3 days from one active day to the next, "
            "30 days at most so far",
            "7 dagen geleden voor het laatst actief; gewoonlijk 2,3 dagen van de ene actieve dag "
            "tot de volgende, tot nu toe hoogstens 30 dagen",
        ),
    ],
)
def test_use_against_the_customers_own_past(vectors, feature, english, dutch):
    found = vectors(USAGE, CUTOFF, windows=(30, 60))
    assert told(found, feature) == english
    assert told(found, feature, "nl") == dutch


@pytest.mark.parametrize(
    ("windows", "signed_up", "english"),
    [
        ((30, 90), "2024-01-01", "21 in the 60 before (-71 % per day on average)"),
        ((30, 60), "2024-12-15", "21 in the 30 before (-86 %)"),
        ((30, 60), "2025-01-20", "21 in the 30 before"),  # there for less than both
        ((30,), "2024-01-01", "(median customer: 3)"),
    ],
)
def test_a_comparison_is_made_as_far_as_the_customer_was_there(
    vectors, windows, signed_up, english
):
    tables = USAGE | {"customers": f"customer_id | signed_up_at\n1 | {signed_up}"}
    found = vectors(tables, CUTOFF, windows=windows)
    assert told(found, "usage_login_count_30d").endswith(english)


def test_who_is_new_did_nothing_before(vectors):
    tables = {
        "customers": "customer_id | signed_up_at\n1 | 2025-02-20",
        "usage": "customer_id | occurred_at | event\n1 | 2025-02-22 | login",
    }
    found = vectors(tables, CUTOFF, windows=(30, 60))
    assert told(found, "usage_count_30d") == "1 event in the last 30 days (median customer: 1)"
    assert told(found, "usage_login_count_30d").startswith("'login' 1 time in the last 30 days (")
    assert told(found, "usage_count_first_30d") == "1 event since sign-up 9 days ago"


@pytest.mark.parametrize(
    ("feature", "row", "english", "dutch"),
    [
        (
            "payments_failed_count_30d",
            0,
            "2 of 3 payments in the last 30 days failed; the last one 5 days ago is still open; "
            "2 failed in a row, for 12 days",
            "2 van 3 betalingen in de laatste 30 dagen zijn mislukt; de laatste van 5 dagen "
            "geleden staat nog open; 2 achter elkaar mislukt, al 12 dagen",
        ),
        (
            "payments_last_failed",
            1,
            "1 of 2 payments in the last 30 days failed; the last one 19 days ago, and a payment "
            "went through since",
            "1 van 2 betalingen in de laatste 30 dagen is mislukt; de laatste 19 dagen geleden, "
            "en daarna is er een gelukt",
        ),
        (
            "payments_failed_run",
            2,
            "No failed payment on record",
            "Geen mislukte betaling bekend",
        ),
        (
            "payments_paid_sum_30d",
            1,
            "1,234 paid in the last 30 days in 1 payment (median customer: 10)",
            "1.234 betaald in de laatste 30 dagen in 1 betaling (mediane klant: 10)",
        ),
    ],
)
def test_payments(vectors, feature, row, english, dutch):
    found = vectors(PAYMENTS, CUTOFF)
    assert told(found, feature, row=row) == english
    assert told(found, feature, "nl", row=row) == dutch


@pytest.mark.parametrize(
    ("feature", "row", "english", "dutch"),
    [
        (
            "tickets_open_count",
            0,
            "A ticket of high priority has been open for 11 days; "
            "others take 2 days (median customer)",
            "Een ticket met hoge prioriteit staat al 11 dagen open; andere duren 2 dagen "
            "(mediane klant)",
        ),
        ("tickets_open_oldest_days", 1, "No ticket is open", "Er staat geen ticket open"),
        (
            "tickets_open_oldest_days",
            3,
            "A ticket has been open for 2 days; others take 2 days (median customer)",
            "Een ticket staat al 2 dagen open; andere duren 2 dagen (mediane klant)",
        ),
        (
            "tickets_open_urgent_count",
            2,
            "2 tickets are open, 1 of high priority, the oldest for 11 days; "
            "others take 2 days (median customer)",
            "2 tickets staan open, 1 met hoge prioriteit, het oudste al 11 dagen; "
            "andere duren 2 dagen (mediane klant)",
        ),
        (
            "tickets_csat_mean_30d",
            1,
            "Satisfaction with the last ticket: 3; in the last 30 days 3 on average and 3 at worst "
            "(median customer: 3)",
            "Tevredenheid met het laatste ticket: 3; in de laatste 30 dagen gemiddeld 3 en op zijn "
            "slechtst 3 (mediane klant: 3)",
        ),
        ("tickets_csat_last", 0, "No ticket rated so far", "Nog geen ticket beoordeeld"),
    ],
)
def test_tickets(vectors, feature, row, english, dutch):
    found = vectors(TICKETS, CUTOFF)
    assert told(found, feature, row=row) == english
    assert told(found, feature, "nl", row=row) == dutch


def test_attributes_are_told_by_their_name(vectors):
    rows = [
        {"customer_id": 1, "signed_up_at": datetime(2025, 1, 1), "Land {x}": "other", "born": 1985},
        {"customer_id": 2, "signed_up_at": datetime(2025, 1, 1), "Land {x}": None, "born": 1990},
    ]
    found = vectors({"customers": rows}, CUTOFF)
    country = next(f.name for f in found.catalogue if f.is_text)
    assert told(found, country) == "Land {x}: other"
    assert told(found, country, "nl") == "Land {x}: overig"
    assert told(found, country, row=1) == "Land {x}: not known"
    assert told(found, "customers_profile_born") == "Born: 1985 (median customer: 1988)"


# Whatever the values.


def one_sentence(text):
    return bool(text) and text.isprintable() and not re.search(r"\bnan\b|\binf\b|[{}\[\]]|  ", text)


values = (
    st.sampled_from([None, np.nan, 0.0, 1.0, -1.0, 2.0, np.inf, pd.NA, 1e300, 1e15, -1e15, True])
    | st.floats(allow_nan=True)
    | st.integers(-5, 400)
    | st.sampled_from(["pro", "other", "", "two\nlines", "x" * 300])
)


@settings(max_examples=60)
@given(data=st.data())
def test_any_values_give_one_sentence_the_same_each_time(world, data):
    drawn = data.draw(st.lists(values, min_size=40, max_size=40))
    mix = random.Random(data.draw(st.integers(0, 1000)))
    row = {name: mix.choice(drawn) for name in world.names}
    numbers = [value for value in drawn if not isinstance(value, str)]
    typical = {name: mix.choice(numbers) for name in world.names}
    for feature in world.catalogue:
        for language in LANGUAGES:
            wording = Wording.of(language)
            said = wording.reason(feature.as_dict(), row, typical)
            assert one_sentence(said), said
            assert said == wording.reason(feature.as_dict(), row, typical)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_known_gives_a_sentence(world, language):
    for feature in world.catalogue:
        assert one_sentence(Wording.of(language).reason(feature.as_dict(), {}, {}))


def test_real_rows_never_lack_a_sentence(world, typical):
    """The sentence is the subject's own, not its meaning in English."""
    dutch = Wording.of("nl")
    for row in world.frame.to_dict("records"):
        for feature in world.catalogue:
            said = dutch.reason(feature.as_dict(), row, typical)
            assert feature.meaning not in said or feature.group == "profile"
            assert one_sentence(said)


def test_words_from_the_data_are_put_in_as_they_are(vectors):
    rows = [
        {"customer_id": 1, "occurred_at": datetime(2025, 2, 20), "event": event}
        for event in ("a {now} [b]", "two\nlines", "other")
    ]
    found = vectors({"usage": rows}, CUTOFF)
    said = [told(found, f.name, "nl") for f in found.catalogue if f.says.startswith("usage_kind/")]
    assert [text.split("' ")[0] for text in said] == ["'a {now} [b]", "'other", "'two lines"]


# Everything else that is said.


@pytest.mark.parametrize(
    ("unit", "value", "typical", "said"),
    [
        ("events", 3.0, 21.0, "Events: 3 (median customer: 21)"),
        ("share", 0.5, 0.02, "Events: 50 % (median customer: 2 %)"),
        ("log ratio", np.log(0.25), 0.0, "Events: -75 % (median customer: 0 %)"),
        ("0 or 1", 1.0, 0.0, "Events: yes"),
        ("days", np.nan, 4.5, "Events: not known (median customer: 4 days)"),
        ("hours", 60.0, None, "Events: 2.5 days"),
        ("text", "pro", None, "Events: pro"),
        ("text", None, None, "Events: not known"),
    ],
)
def test_a_feature_of_an_older_model_is_told_by_its_meaning(unit, value, typical, said):
    feature = {"name": "x", "meaning": "events", "unit": unit, "group": "usage"}
    assert Wording.of("en").reason(feature, {"x": value}, {"x": typical}) == said
    unknown = feature | {"says": "nobody_knows", "fields": {}, "words": {}}
    assert Wording.of("en").reason(unknown, {"x": value}, {"x": typical}) == said


@pytest.mark.parametrize(
    ("language", "unit", "value", "said"),
    [
        ("en", "money", 1234.5, "1,234"),
        ("nl", "money", 1234567.0, "1.234.567"),
        ("nl", "money", 9.5, "9,50"),
        ("en", "days", 1.2, "1 day"),
        ("nl", "days", 11.0, "11 dagen"),
        ("en", "days", 0.4, "less than a day"),
        ("en", "hours", 36.0, "36 hours"),
        ("nl", "hours", 0.0, "minder dan een uur"),
        ("nl", "share", 0.125, "12%"),
        ("nl", "0 or 1", 0.0, "nee"),
        ("en", "log ratio", 5000.0, "+1e+32 %"),
        ("nl", "text", "other", "overig"),
        ("en", "text", "", "(empty)"),
        ("en", "events", None, "not known"),
    ],
)
def test_a_value_by_itself(language, unit, value, said):
    assert Wording.of(language).number(value, unit) == said


def test_drivers_and_texts():
    assert Wording.of("nl").driver("payments") == "betalingen"
    assert Wording.of("nl").driver("unheard_of") == "unheard_of"
    assert Wording.of("nl").text("days", n=1.0) == "1 dag"
    with pytest.raises(KeyError, match="days"):
        Wording.of("nl").text("days")
    with pytest.raises(KeyError, match="unheard_of"):
        Wording.of("nl").text("unheard_of")
