"""What is shown of a location: never a password, and otherwise as much as possible."""

from __future__ import annotations

import pytest

from features.redaction import hidden_in, redacted, shown


@pytest.mark.parametrize(
    "location",
    [
        "data",
        "/exports/p@rt:4",
        "duckdb:///f@r/out.db",
        "postgresql://",
        "postgresql:///db",
        "postgresql://reader@host:5432/db?sslmode=require&options=-c%20search_path%3Dcrm",
        "postgresql://host1:1,host2:2/db",
        "postgresql://reader@[::1]:5432/db",
        "postgresql://%2Fvar%2Frun/db?service=warehouse",
    ],
)
def test_what_holds_no_password_is_shown_whole(location):
    assert shown(location) == location


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("postgresql://u:hunter2@h/db", "postgresql://u@h/db"),
        ("postgresql://u:hunter2@h:1,h2/db?a=b", "postgresql://u@h:1,h2/db?a=b"),
        (
            "postgresql://h/db?user=u&password=hunter2&a=b",
            "postgresql://h/db?user=u&password=…&a=b",
        ),
        ("postgresql://h/db?sslPassword=hunter2", "postgresql://h/db?sslPassword=…"),
        ("postgresql://h/db?p%61ssword=hunter2", "postgresql://h/db?p%61ssword=…"),
        ("postgresql://h/db?password=pa&hunter2", "postgresql://h/db?password=…&…"),
        ("postgresql://u:hunter2", "postgresql://…"),
        ("postgresql://u:pa@hunter2@h/db", "postgresql://…"),
        ("postgresql://u:pa/hunter2@h/db", "postgresql://…"),
        ("postgresql://u:1?hunter2@h/db", "postgresql://…"),
        ("postgresql://u:1#hunter2@h/db", "postgresql://…"),
        ("postgresql://h/db?password=pa@hunter2", "postgresql://…"),
        ("mysql+driver://u:hunter2@h/db", "mysql+driver://u@h/db"),
        ("one two://hunter2", "…"),
    ],
)
def test_a_password_is_not_shown(location, told):
    assert shown(location) == told
    assert shown(told) in (told, "postgresql://…", "…")


def test_a_drivers_words_lose_the_password_as_written_and_as_meant(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "swordfish")
    location = "postgresql://u:hun%2Fter2@h/db?sslpassword=pa+ss"
    said = f"no {location} with hun%2Fter2 or hun/ter2 or pa+ss or pa ss or swordfish on h"
    assert redacted(said, location) == (
        "no postgresql://u@h/db?sslpassword=… with … or … or … or … or … on h"
    )


def test_of_a_url_that_cannot_be_taken_apart_nothing_is_told():
    assert redacted('bad "ter2" in URL', "postgresql://u:hun/ter2@h/db") == "postgresql://…"


def test_urls_within_a_text():
    text = "source = ['postgresql://u:hunter2@h/db'] and duckdb:///a.db"
    assert "hunter2" not in hidden_in(text)
    assert "duckdb:///a.db" in hidden_in(text)
