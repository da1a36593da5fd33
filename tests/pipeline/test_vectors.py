"""`churn features`: vectors in a file, the list of features, and what is refused readably."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from features.catalogue import window_in
from features.plan import MOST_TEXTS
from models.matrix import MOST_LEVELS

SUBSCRIPTIONS = "customer_id,subscription_id,started_at\n1,1,2025-01-01\n2,2,2025-01-15\n"
EVENTS = ['"; drop table', "log in", "LOG IN", "a;b'c"]
USAGE = "customer_id,occurred_at,event\n" + "".join(
    '{},2025-01-{:02},"{}"\n'.format(1 + n % 2, 10 + n, event.replace('"', '""'))
    for n, event in enumerate(EVENTS * 2)
)


@pytest.fixture
def tiny(tmp_path, write_config):
    """A config whose histories are two tables of a few rows."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "subscriptions.csv").write_text(SUBSCRIPTIONS)
    (tmp_path / "data" / "usage.csv").write_text(USAGE)
    return write_config(tmp_path, "[features]\nwindows_days = [30, 7, 30]\n", source="data")


def refused(ended, *said: str, status: int = 2) -> None:
    assert ended.status == status, ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err
    for text in said:
        assert text in ended.err


def test_the_list_of_a_whole_world_follows_the_grammar(churn, write_config, tmp_path):
    ended = churn("features", "--list", "--json", "-c", write_config(tmp_path))
    assert ended.status == 0, ended.err
    found = ended.json["features"]
    names = [feature["name"] for feature in found]
    assert len(set(names)) == len(names) > 200
    for feature in found:
        assert list(feature) == [
            *("name", "meaning", "unit", "group", "table", "window_days"),
            *("says", "fields", "words", "actionable", "better", "onboarding_below"),
        ]
        assert feature["says"]
        assert set(feature["fields"].values()) <= set(names)
        assert re.fullmatch(rf"{feature['table']}(_[a-z0-9]+)+", feature["name"])
        assert window_in(feature["name"]) == feature["window_days"]
    assert {"usage_login_count_30d", "payments_failed_share_90d"} <= set(names)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", ended.json["known_before"])


def test_the_list_is_what_the_file_holds(churn, tiny, tmp_path):
    out = tmp_path / "vectors.parquet"
    ended = churn("features", "-c", tiny, "--cutoff", "2025-01-12", "--out", out, "--json")
    assert ended.status == 0, ended.err
    listed = churn("features", "-c", tiny, "--list", "--cutoff", "2025-01-12", "--json").json
    columns = pd.read_parquet(out).columns.tolist()
    assert columns[2:] == [feature["name"] for feature in listed["features"]]
    assert listed["known_before"] == "2025-01-12"
    assert sum("drop_table" in name for name in columns) == 3
    assert not any("a_b_c" in name for name in columns)


def test_the_list_for_people_has_a_line_for_each_feature(churn, tiny):
    ended = churn("features", "--list", "-c", tiny)
    lines = ended.out.splitlines()
    assert lines[0].split() == ["name", "meaning", "unit", "group", "table", "window"]
    (line,) = [line for line in lines if line.startswith("usage_drop_table_count_30d ")]
    assert line.split("  ")[-1].strip() == "30 days"
    assert "'\"; drop table' events in the last 30 days" in line
    assert lines[-1].endswith("common before 2025-01-17.")


def test_vectors_of_odd_events_are_what_the_rows_say(churn, tiny, tmp_path):
    """Customer 1 did the first and third on days 10, 12, 14, 16, customer 2 the others between."""
    out = tmp_path / "vectors.parquet"
    cutoffs = ["--cutoff", "2025-01-17", "--cutoff", "2025-01-15", "--cutoff", "2025-01-17"]
    ended = churn("features", "-c", tiny, *cutoffs, "--out", out, "--json")
    assert ended.status == 0, ended.err
    frame = pd.read_parquet(out)
    assert [f"{day}" for day in frame["cutoff"]] == ["2025-01-15", "2025-01-17", "2025-01-17"]
    assert frame["customer_id"].tolist() == [1, 1, 2]
    assert frame["usage_drop_table_count_30d"].tolist() == [2, 2, 0]
    assert frame["usage_log_in_count_30d"].tolist() == [1, 2, 0]
    assert frame["usage_log_in_2_count_30d"].tolist() == [0, 0, 2]
    assert frame["usage_count_7d"].tolist() == [3, 4, 3]


def test_a_cutoff_before_any_history_chooses_no_event_types(churn, tiny, tmp_path):
    out = tmp_path / "vectors.parquet"
    cutoffs = ["--cutoff", "0001-01-01", "--cutoff", "1900-01-01", "--cutoff", "2025-01-17"]
    ended = churn("features", "-c", tiny, *cutoffs, "--out", out)
    assert ended.status == 0, ended.err
    assert "Nobody is a customer at the cutoff 0001-01-01." in ended.err
    frame = pd.read_parquet(out)
    assert len(frame) == 2
    assert "usage_drop_table_count_30d" in frame


@pytest.mark.parametrize("cutoff", ["1900-01-01", "0001-01-01"])
def test_cutoffs_before_any_history_are_told(churn, tiny, tmp_path, cutoff):
    out = tmp_path / "vectors.parquet"
    refused(churn("features", "-c", tiny, "--cutoff", cutoff, "--out", out), cutoff, status=4)
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--list", "--out", "x.parquet"], ["--out x.parquet", "writes no vectors"]),
        (["--list", "--labels"], ["--labels"]),
        (["--out", "x.parquet"], ["--cutoff", "--list"]),
        (["--cutoff", "2025-01-17"], ["--out"]),
        ([], ["--cutoff"]),
        (["--cutoff", "2025-01-17", "--out", "x.csv"], ["x.csv", "ends in .parquet"]),
        (["--cutoff", "2025-01-17", "--out", "x"], ["--out x.parquet"]),
        (["--list", "--cutoff", "2025-02-30"], ["2025-02-30"]),
        (["--list", "--cutoff", "2999-01-01"], ["lies after the end"]),
    ],
)
def test_what_makes_no_sense_is_refused(churn, tiny, arguments, said):
    refused(churn("features", "-c", tiny, *arguments), *said)


def test_a_list_needs_histories(churn, write_config, tmp_path):
    ended = churn("features", "--list", "-c", write_config(tmp_path, source="nowhere"))
    refused(ended, "nowhere", "churn simulate")


def test_progress_and_warnings_are_no_results(churn, tmp_path, write_config):
    """A text that names customers is told on stderr; stdout stays one JSON object."""
    (tmp_path / "data").mkdir()
    rows = [
        {"customer_id": n, "signed_up_at": "2025-01-01", "email": f"{n}@x.org"} for n in range(60)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "data" / "customers.csv", index=False)
    (tmp_path / "data" / "subscriptions.csv").write_text(SUBSCRIPTIONS)
    config = write_config(tmp_path, source="data")
    ended = churn("features", "--list", "-c", config, "--cutoff", "2025-01-02", "--json")
    assert ended.status == 0, ended.err
    assert not any("email" in feature["name"] for feature in json.loads(ended.out)["features"])
    assert "No feature is made of customers.email" in ended.err


def test_a_model_has_a_code_for_every_text_of_a_plan():
    assert MOST_TEXTS + 1 <= MOST_LEVELS
