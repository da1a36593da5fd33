"""`churn check`: every row accounted for, what is odd, leak suspects; one message for the worst."""

from __future__ import annotations

import gzip

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest


@pytest.fixture
def folder(tmp_path):
    """A place for histories: ``folder(usage="…")`` writes CSV, with bars for commas."""

    def write(**tables):
        place = tmp_path / "histories"
        place.mkdir(exist_ok=True)
        for name, text in tables.items():
            lines = [[c.strip() for c in line.split("|")] for line in text.strip().splitlines()]
            content = "\n".join(",".join(line) for line in lines)
            (place / f"{name}.csv").write_text(content, encoding="utf-8")
        return place

    return write


@pytest.fixture
def check(churn, write_config, tmp_path):
    """How `churn check` ends: ``check(folder, "max_bad_share = 1")``."""

    def run(source, *options, config=""):
        file = write_config(tmp_path, config, source=source)
        ended = churn("check", "-c", file, *options)
        assert "Traceback" not in ended.err + ended.out
        return ended

    return run


def refused(ended, status=3):
    assert ended.status == status, ended.err
    assert ended.err.count("error: ") == 1
    return ended.err


CUSTOMERS = """
customer_id | signed_up_at | mail              | Region [x]
1           | 2025-01-01   | ann@example.com   | [red]north
2           | 2025-01-01   | bob@example.com   | south
2           | 2025-01-02   | bob@example.com   | south
"""
SUBSCRIPTIONS = """
customer_id | subscription_id | started_at | ended_at
1           | 1               | 2025-01-01 |
2           | 2               | 2025-01-01 | 2025-03-01
9           | 3               | 2025-01-01 |
"""
USAGE = """
customer_id | occurred_at | event | page
1           | 2025-02-01  | login | a
1           | 2025-02-01  | login | a
2           | 2025-04-01  | login |
2           | someday     | login |
"""
DIRTY = {"customers": CUSTOMERS, "subscriptions": SUBSCRIPTIONS, "usage": USAGE}
ALL = "max_bad_share = 1\n"


def test_json_holds_what_was_promised(check, folder):
    ended = check(folder(**DIRTY), "--json", config=ALL)
    assert ended.status == 0
    tables = ended.json["tables"]
    counts = {n: (t["rows"], t["used"], t["quarantined"]) for n, t in tables.items()}
    assert counts == {
        "customers": (3, 2, {"repeated_customer_id": 1}),
        "subscriptions": (3, 2, {"unknown_customer": 1}),
        "usage": (4, 3, {"unparsable_occurred_at": 1}),
    }
    assert tables["usage"]["identical"] == 1
    assert (tables["usage"]["first"], tables["usage"]["last"]) == (
        "2025-02-01 00:00:00",
        "2025-04-01 00:00:00",
    )
    assert tables["subscriptions"]["nulls"] == {"ended_at": 1}
    assert ended.json["leak_suspects"] == []
    kinds = {(each["table"], each["kind"]) for each in ended.json["findings"]}
    assert kinds == {
        ("subscriptions", "unknown_customer"),
        ("usage", "identical"),
        ("usage", "after_end"),
        ("usage", "not_read"),
    }


def test_people_read_the_same(check, folder):
    told = check(folder(**DIRTY), config=ALL).out
    for part in (
        "1 repeated_customer_id",
        "1 unparsable_occurred_at",
        "names 1 customers without a good row in their own table, such as 9",
        "columns that are not read: page",
        "ended_at 50%",
        "No leak suspects.",
    ):
        assert part in told.replace("1 rows name ", "names "), part


def test_bad_rows_are_kept_with_their_reason_and_nothing_is_lost(check, folder, tmp_path):
    assert check(folder(**DIRTY), config=ALL).status == 0
    kept = pd.read_parquet(tmp_path / "out/quarantine/usage.parquet")
    assert kept.to_dict("records") == [
        {
            "customer_id": "2",
            "occurred_at": "someday",
            "event": "login",
            "quarantine_reason": "unparsable_occurred_at",
        }
    ]


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_attributes_of_customers_are_not_shown(options, check, folder):
    customers = "customer_id | signed_up_at | mail | churn_reason\n" + "\n".join(
        f"{n} | 2025-01-01 | c{n}@example.com | {'c@example.com' if n % 3 else ''}"
        for n in range(90)
    )
    subscriptions = "customer_id | subscription_id | started_at | ended_at\n" + "\n".join(
        f"{n} | {n} | 2025-01-01 | {'2025-03-01' if n % 3 else ''}" for n in range(90)
    )
    ended = check(folder(customers=customers, subscriptions=subscriptions), *options)
    assert "customers.churn_reason" in ended.out or "churn_reason" in ended.out
    assert "c1@example.com" not in ended.out + ended.err


def test_clean_histories_have_nothing_to_tell(check, world):
    found = check(world, "--json").json
    assert found["findings"] == []
    assert found["leak_suspects"] == []
    assert all(table["quarantined"] == {} for table in found["tables"].values())


@pytest.mark.parametrize(("customers", "months", "seed"), [(150, 9, 1), (400, 12, 2), (900, 18, 4)])
def test_nothing_is_suspected_in_simulated_histories(customers, months, seed, check, tmp_path):
    from pipeline.simulate import simulate

    simulate(tmp_path / "demo", customers=customers, months=months, seed=seed)
    for definition in ("subscription", "inactivity"):
        config = f'[churn]\ndefinition = "{definition}"\n'
        found = check(tmp_path / "demo", "--json", config=config).json
        assert (found["leak_suspects"], found["findings"]) == ([], [])


ROWS = "1|2025-02-01|a\n" * 19
HEADER = "customer_id|occurred_at|event\n"


@pytest.mark.parametrize(
    ("bad", "reason", "examples", "hint"),
    [
        ("1735689600", "unparsable_occurred_at", 1, "seconds since 1970"),
        ("1735689600000", "unparsable_occurred_at", 1, "milliseconds since 1970"),
        ("20250201", "unparsable_occurred_at", 1, "write 2026-11-01"),
        ("31-01-2025", "unparsable_occurred_at", 1, "write 2026-11-01"),
        ("1/2/25", "unparsable_occurred_at", 1, "write 2026-11-01"),
        ("", "null_occurred_at", 1, "max_bad_share"),
    ],
)
def test_too_many_bad_rows_are_told_with_examples(bad, reason, examples, hint, check, folder):
    usage = HEADER + ROWS + f"1|{bad}|a\n" * 5
    subscriptions = "customer_id|subscription_id|started_at\n1|1|2025-01-01"
    told = refused(check(folder(usage=usage, subscriptions=subscriptions)))
    assert f"table usage: 5 of 24 ({reason} 5)" in told
    assert told.count("occurred_at = ") == examples
    assert "usage.csv" in told
    assert hint in told


@pytest.mark.parametrize(
    ("numbers", "hint"),
    [
        ([1_735_689_600], "seconds since 1970"),
        ([1_735_689_600_000], "milliseconds since 1970"),
        ([1_735_689_600.0], "seconds since 1970"),
        ([1_735_689_600_000.0], "milliseconds since 1970"),
        ([20250201], "dates without hyphens"),
    ],
)
def test_numbers_are_not_guessed_to_be_times(numbers, hint, check, folder):
    place = folder(subscriptions="customer_id|subscription_id|started_at\n1|1|2025-01-01")
    usage = pa.table({"customer_id": [1], "occurred_at": numbers, "event": ["a"]})
    pq.write_table(usage, place / "usage.parquet")
    told = refused(check(place))
    assert "usage.occurred_at holds numbers where times are needed" in told
    assert hint in told


def test_decimal_commas_are_told(check, folder):
    place = folder(subscriptions="customer_id|subscription_id|started_at\n1|1|2025-01-01")
    payments = "customer_id;occurred_at;amount\n" + "1;2025-02-01;9,95\n" * 3
    (place / "payments.csv").write_text(payments)
    told = refused(check(place))
    assert "amount = '9,95'" in told
    assert "decimal commas" in told


BROKEN = {
    "usage.parquet": b"PAR1 no Parquet at all PAR1",
    "usage.csv": (HEADER + ROWS).replace("|", ",").encode() + b'1,2025-02-01,"a\n1,2025-02-01,a\n',
    "usage.csv.gz": gzip.compress(b"customer_id,occurred_at,event\n" * 999)[:50],
}


@pytest.mark.parametrize("file", BROKEN)
def test_a_file_that_cannot_be_read_is_named(file, check, folder):
    place = folder(subscriptions="customer_id|subscription_id|started_at\n1|1|2025-01-01")
    (place / file).write_bytes(BROKEN[file])
    told = refused(check(place))
    assert "table usage cannot be read" in told
    assert file in told


def test_what_is_the_fault_of_the_config_is_wrong_usage(check, folder):
    place = folder(**DIRTY)
    told = refused(check(place, config='[data.columns.usage]\nvalue = "minutes"\n'), 2)
    assert "minutes" in told
    assert "customer_id, occurred_at, event, page" in told


def test_too_many_bad_rows_are_reported_like_any_others_before_the_check_ends(check, folder):
    ended = check(folder(**DIRTY), "--json")
    assert ended.status == 3
    usage = ended.json["tables"]["usage"]
    assert usage["rows"] == usage["used"] + sum(usage["quarantined"].values())
    assert ended.json["refused"][0] in ended.err


def test_a_refused_check_leaves_the_bad_rows_to_be_looked_at(check, folder, tmp_path):
    refused(check(folder(**DIRTY)))
    assert (tmp_path / "out/quarantine/usage.parquet").is_file()


def test_the_folder_of_outputs_may_have_a_quote_in_its_name(check, folder, tmp_path):
    ended = check(folder(**DIRTY), config=ALL + '[output]\ndir = "it\'s out"\n')
    assert ended.status == 0
    assert (tmp_path / "it's out/quarantine/usage.parquet").is_file()


RAVENSTACK = """
[data.tables]
customers = "accounts.parquet"
usage = "feature_usage.parquet"
tickets = "support_tickets.parquet"
churned = "churn_events.parquet"

[data.columns.customers]
customer_id = "account_id"
signed_up_at = "signup_date"

[data.columns.subscriptions]
customer_id = "account_id"
started_at = "start_date"
ended_at = "end_date"
plan = "plan_tier"
price = "mrr_amount"
billing_period = "billing_frequency"
auto_renew = "auto_renew_flag"

[data.columns.usage]
occurred_at = "usage_date"
event = "feature_name"
value = "usage_count"

[data.columns.tickets]
customer_id = "account_id"
opened_at = "submitted_at"
csat = "satisfaction_score"

[data.columns.churned]
customer_id = "account_id"
churned_at = "churn_date"

[churn]
definition = "event"
"""


def test_dirty_histories_name_their_leaks(check, shared_data):
    found = check(shared_data / "ravenstack", "--json", config=RAVENSTACK).json
    suspected = {f"{each['table']}.{each['column']}" for each in found["leak_suspects"]}
    assert suspected == {
        "customers.churn_flag",
        "subscriptions.plan",
        "subscriptions.auto_renew",
        "usage.occurred_at",
    }
    rows = {(each["table"], each["kind"]): each["rows"] for each in found["findings"]}
    assert rows["usage", "long_before_sign_up"] > 10_000
    assert rows["tickets", "long_before_sign_up"] > 900


PURCHASES = """
[data.tables]
payments = "purchases.csv"
[data.columns.payments]
occurred_at = "date"
amount = "value"
[churn]
definition = "inactivity"
horizon_days = 90
activity = ["payments"]
"""


def test_one_file_of_purchases_needs_a_few_lines_of_config(check, shared_data):
    assert len(PURCHASES.strip().splitlines()) + 2 < 15
    ended = check(shared_data / "cdnow", "--json", config=PURCHASES)
    assert ended.status == 0, ended.err
    assert ended.json["customers"] == 23_570
    payments = ended.json["tables"]["payments"]
    assert (payments["rows"], payments["used"], payments["identical"]) == (69_659, 69_659, 255)
    assert ended.json["leak_suspects"] == []
