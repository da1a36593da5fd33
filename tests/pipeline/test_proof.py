"""`churn check --leaks`: another future changes no vector, and a leak is told with its cause."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from random import Random

import pyarrow.parquet as pq
import pytest
from worlds import histories_of, moments_near, world_of

from features.alterations import ALTERATIONS
from features.histories import read_histories
from features.sources import Source
from pipeline.proof import Leak, Proof, Trial, spread, write_sample
from pipeline.show import point_in_time

CUTOFF = "2025-03-01"
AT = datetime(2025, 3, 1)


@pytest.fixture
def check(churn, write_config, tmp_path):
    """How `churn check --leaks` ends: ``check(tables, "--json", config="…")``."""

    def run(tables, *options, config=""):
        folder = tmp_path / "histories"
        folder.mkdir(exist_ok=True)
        for name, rows in tables.items():
            if isinstance(rows, str):
                lines = [[cell.strip() for cell in line.split("|")] for line in rows.split("\n")]
                text = "\n".join(",".join(line) for line in lines if line != [""])
                (folder / f"{name}.csv").write_text(text, encoding="utf-8")
            else:
                pq.write_table(rows, folder / f"{name}.parquet")
        file = write_config(tmp_path, config, source=folder)
        ended = churn("check", "--leaks", "-c", file, *options)
        assert "Traceback" not in ended.err + ended.out
        return ended

    return run


def test_in_a_small_world_nothing_is_seen_of_what_comes_later(check):
    """Every table, with rows known late, versions, notices, closes and answers."""
    edges = [AT.replace(tzinfo=UTC) + timedelta(hours=n) for n in (0, 3, -720)]
    moment = moments_near(edges, edges[0] - timedelta(90), edges[0] + timedelta(60))
    tables = histories_of(world_of(Random(11), moment), timezone="UTC")
    config = 'timezone = "America/Santiago"\n'
    ended = check(tables, "--cutoff", CUTOFF, "--json", config=config)
    assert (ended.status, ended.json["leaks"]) == (0, []), ended.err
    trials = {trial["perturbation"]: trial for trial in ended.json["proof"]["trials"]}
    assert list(trials) == list(ALTERATIONS)
    for how, trial in trials.items():
        touched = {name for name, rows in trial["rows"].items() if rows}
        filled_in = {"tickets", "subscriptions"}
        assert touched >= filled_in | (set() if how == "masked" else {"usage", "payments"})
        assert trial["vectors"] > 1
        assert trial["features"] > 100


# Used before its subscription began: whose the use was, nobody knew by then.
BEFORE_THE_START = {
    "customers": "customer_id | signed_up_at | mail\n1 | 2025-01-01 | ann@example.com",
    "subscriptions": """
    customer_id | subscription_id | started_at
    1           | a               | 2025-01-01
    1           | b               | 2025-03-10
    """,
    "usage": """
    subscription_id | occurred_at | event
    a               | 2025-02-01  | login
    b               | 2025-02-02  | login
    b               | 2025-06-20  | login
    """,
}


def test_a_leak_is_told_with_the_table_that_makes_it(check):
    ended = check(BEFORE_THE_START, "--cutoff", CUTOFF, "--json")
    assert ended.status == 3
    leaks = {leak["feature"]: leak for leak in ended.json["leaks"]}
    assert leaks["usage_count_30d"] == {
        "cutoff": CUTOFF,
        "perturbation": "deleted",
        "table": "subscriptions",
        "feature": "usage_count_30d",
        "vectors": 1,
        "example": {"customer_id": "1", "before": 2.0, "after": 1.0},
    }
    assert all(name.startswith("usage_") for name in leaks)
    assert "What was not known yet changes vectors" in ended.err
    assert "ann@example.com" not in ended.out + ended.err


def test_people_read_what_makes_a_leak_and_what_no_proof_can_see(capsys):
    cutoff, example = date(2025, 3, 1), {"customer_id": "1", "before": 2.0, "after": math.nan}
    trial = Trial(cutoff, "deleted", {"usage": 1234, "surveys": 0}, 7, 99, 2)
    leaks = [
        Leak(cutoff, "deleted", "usage", name, 5, example)
        for name in ("usage_count_7d", "usage_count_30d")
    ]
    found = Proof((cutoff,), 100, 300, (trial,), tuple(leaks), ("customers.mail",))
    point_in_time(found)
    told = capsys.readouterr().out
    for part in (
        "7 vectors of 99 features, 100 customers of 300, sampled, at 2025-03-01",
        "usage deleted: 2 features differ (usage_count_7d, usage_count_30d)",
        "usage_count_7d at 2025-03-01 in 5 vectors, customer 1: 2 became nothing",
        "nothing tells when it was written: customers.mail",
    ):
        assert part in told, part


def test_of_many_cutoffs_the_first_the_middle_and_the_newest_are_taken():
    days = [date(2025, month, 1) for month in range(1, 10)]
    assert spread(days) == (days[0], days[4], days[8])
    assert spread(days[:2]) == (days[0], days[1])
    assert spread(days[:1]) == (days[0],)


def test_without_cutoffs_they_are_those_of_the_training(check):
    """And what is used after the start of its subscription is known."""
    tables = BEFORE_THE_START | {"usage": BEFORE_THE_START["usage"].replace("b  ", "a  ")}
    ended = check(tables, config="[points]\nfirst = 2025-05-01\n")
    assert ended.status == 0, ended.err
    assert "customers, at 2025-05-01\n" in ended.out
    assert "No leak" in ended.out


def test_histories_too_short_for_a_label_are_told(check):
    started = "customer_id | subscription_id | started_at\n1 | a | 2025-01-01"
    tables = {"customers": BEFORE_THE_START["customers"], "subscriptions": started}
    assert check(tables).status == 4
    assert check(tables, "--cutoff", "2031-01-01").status == 2


def test_a_sample_holds_all_rows_of_its_customers_and_is_the_same_each_time(tmp_path):
    usage = "customer_id,occurred_at,event\n" + "\n".join(
        f"{n % 300},2025-01-{1 + n % 28:02},login" for n in range(900)
    )
    (tmp_path / "usage.csv").write_text(usage, encoding="utf-8")
    histories = read_histories(Source(str(tmp_path)))
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_sample(histories, tmp_path / name, 100)
        rows = pq.read_table(tmp_path / name / "usage.parquet").to_pylist()
        found.append([row["customer_id"] for row in rows])
    histories.close()
    assert found[0] == found[1]
    assert 50 < len(set(found[0])) < 150
    assert len(found[0]) == 3 * len(set(found[0]))
