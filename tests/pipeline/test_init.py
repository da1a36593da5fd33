"""`churn init`: which file is which table, what churn is, and a config that runs."""

from __future__ import annotations

import shutil
import tomllib
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.guess_words import column_score, plain_words, singular, table_score, words


@pytest.fixture
def init(churn, tmp_path):
    """Runs ``churn init`` on a folder; the config's values, its text and the notes."""

    def run(folder: Path, *more: object):
        file = tmp_path / "made" / "churn.toml"
        ended = churn("init", folder, "-c", file, "--json", "--force", *more)
        assert ended.status == 0, ended.err
        text = file.read_text(encoding="utf-8")
        return tomllib.loads(text), text, ended.json["notes"]

    return run


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def moments(days, first: str = "2024-01-01") -> pd.Series:
    return pd.Series(pd.Timestamp(first) + pd.to_timedelta(np.asarray(days), unit="D"))


def purchases(customers: int = 60, days: int = 500, every: int = 20) -> pd.DataFrame:
    """Each customer buys every so many days; one in three stops at a time of their own."""
    rows = [
        (customer, day)
        for customer in range(customers)
        for day in range(customer % every, days if customer % 3 else customer * 97 % days, every)
    ]
    frame = pd.DataFrame(rows, columns=["customer", "day"])
    return pd.DataFrame(
        {"Customer ID": frame["customer"] + 1000, "when": moments(frame["day"]), "total": 9.5}
    )


def members(count: int = 300, days: int = 600) -> pd.DataFrame:
    """Members who join in the first year; two in three leave, evenly over time."""
    number = np.arange(count)
    joined = number * 37 % 365
    left = joined + 20 + number * 53 % 400
    gone = (number % 3 > 0) & (left < days)
    return pd.DataFrame(
        {
            "id": [f"m{n:04d}" for n in number],
            "joined": moments(joined),
            "left": moments(left).where(gone),
        }
    )


# Names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("InvoiceDate", ("invoice", "date")),
        ("Customer ID", ("customer", "id")),
        ("Created (UTC)", ("created", "utc")),
        ("userID", ("user", "id")),
    ],
)
def test_words_of_a_name(name, expected):
    assert words(name) == expected


@pytest.mark.parametrize(
    ("file", "table"),
    [
        ("users", "customers"),
        ("Clients", "customers"),
        ("memberships", "subscriptions"),
        ("customer_subscriptions", "subscriptions"),
        ("feature_usage", "usage"),
        ("user_logs_v2", "usage"),
        ("WebSessions", "usage"),
        ("orders_export_1", "payments"),
        ("invoices-2025", "payments"),
        ("support_tickets", "tickets"),
        ("complaints", "tickets"),
        ("nps_responses", "surveys"),
        ("churn_events", "churned"),
        ("withdrawals", "churned"),
        ("retention_campaigns", "contacts"),
    ],
)
def test_a_file_name_tells_its_table(file, table):
    name = plain_words(file)
    others = ("customers", "subscriptions", "usage", "payments", "tickets", "surveys", "churned")
    assert table_score(name, table) > max(table_score(name, t) for t in others if t != table)


@pytest.mark.parametrize("word", ["status", "nps", "business", "sales"])
def test_words_that_only_look_like_plurals(word):
    assert singular(word) == word


def test_a_due_date_is_not_when_a_payment_happened():
    assert column_score("due_date", "payments", "occurred_at") == 0
    assert column_score("due_date", "payments", "due_at") > 1


# Tables and columns


def test_foreign_names_are_mapped(data, init):
    bought = purchases()
    bought.rename(columns={"when": "InvoiceDate"}).to_parquet(data / "invoices.parquet")
    values, _, _ = init(data)
    assert values["data"]["tables"] == {"payments": "invoices.parquet"}
    assert values["data"]["columns"]["payments"] == {
        "customer_id": "Customer ID",
        "occurred_at": "InvoiceDate",
        "amount": "total",
    }


def test_a_time_is_found_without_a_telling_name(data, init):
    bought = purchases().rename(columns={"when": "moment_x"})
    bought.assign(due_date=bought["moment_x"]).to_csv(data / "orders.csv", index=False)
    values, text, _ = init(data)
    mapped = values["data"]["columns"]["payments"]
    assert (mapped["occurred_at"], mapped["due_at"]) == ("moment_x", "due_date")
    assert "the only time" in text


def test_the_id_is_the_one_that_joins(data, init):
    people = members()
    people = people.assign(email=people["id"] + "@x.org", account_ref="A" + people["id"])
    people.to_csv(data / "users.csv", index=False)
    bought = purchases()
    ref = "A" + people["id"].iloc[bought["Customer ID"] - 1000].to_numpy()
    bought.assign(**{"Customer ID": np.arange(len(bought)) % 7, "account_ref": ref}).to_csv(
        data / "orders.csv", index=False
    )
    values, _, _ = init(data)
    assert values["data"]["columns"]["payments"]["customer_id"] == "account_ref"


def test_companies_are_customers_where_contracts_name_companies(data, init):
    people = members()
    company = people["id"].str.replace("m", "c")
    pd.DataFrame({"account_id": company, "created_at": people["joined"]}).to_csv(
        data / "accounts.csv", index=False
    )
    pd.DataFrame({"user_id": people["id"], "created_at": people["joined"]}).to_csv(
        data / "users.csv", index=False
    )
    contracts = people.assign(account_id=company, contract_id=people.index + 5)
    contracts.drop(columns="id").rename(columns={"joined": "start", "left": "end"}).to_csv(
        data / "contracts.csv", index=False
    )
    values, _, notes = init(data)
    assert values["data"]["tables"]["customers"] == "accounts.csv"
    assert any("users.csv is left out" in note for note in notes)


def test_rows_that_name_only_subscriptions(data, init):
    people = members()
    people.assign(contract_id="k" + people["id"]).rename(
        columns={"id": "client_id", "joined": "start_date", "left": "end_date"}
    ).to_parquet(data / "contracts.parquet")
    pd.DataFrame(
        {"contract_id": "k" + people["id"], "date": people["joined"], "feature": "export"}
    ).to_parquet(data / "feature_usage.parquet")
    values, text, _ = init(data)
    assert values["data"]["columns"]["usage"]["subscription_id"] == "contract_id"
    assert "customer_id" not in values["data"]["columns"]["usage"]
    assert "by subscription_id" in text


def test_foreign_values_of_a_status_are_told(data, init):
    purchases().assign(payment_state="done").to_csv(data / "orders.csv", index=False)
    purchases().assign(state="done").to_csv(data / "orders.csv", index=False)
    values, text, notes = init(data)
    assert "status" not in values["data"]["columns"]["payments"]
    assert "'done' (100%), not paid, failed, refunded" in text
    assert any("payments.status is not mapped" in note for note in notes)


def test_a_column_with_our_name_and_foreign_values_costs_no_rows(churn, data, init, tmp_path):
    purchases().assign(status="COMPLETE").to_csv(data / "orders.csv", index=False)
    values, text, _ = init(data)
    assert values["data"]["columns"]["payments"]["status"] == ""
    assert "every row counts as paid" in text
    checked = churn("check", "-c", tmp_path / "made" / "churn.toml", "--json").json
    assert checked["tables"]["payments"]["quarantined"] == {}


def test_dates_that_cannot_be_read_are_told(data, init):
    purchases().to_csv(data / "orders.csv", index=False)
    people = members()
    people["joined"] = people["joined"].dt.strftime("%d-%m-%Y")
    people.to_csv(data / "members.csv", sep=";", index=False)
    values, text, notes = init(data)
    assert list(values["data"]["tables"]) == ["payments"]
    assert '#   signed_up_at = "?"' in text
    assert any("dd-mm-yyyy" in note and "members.csv" in note for note in notes)


def test_a_left_out_file_with_our_name_is_not_read(churn, data, init, tmp_path):
    purchases().to_csv(data / "orders.csv", index=False)
    pd.DataFrame({"customer_id": [1000], "occurred_at": [20240101], "event": ["x"]}).to_parquet(
        data / "usage.parquet"
    )
    values, _, notes = init(data)
    assert values["data"]["tables"] == {"payments": "orders.csv", "usage": ""}
    assert any("usage.parquet is left out" in note for note in notes)
    checked = churn("check", "-c", tmp_path / "made" / "churn.toml", "--json").json
    assert list(checked["tables"]) == ["payments"]


def test_attributes_from_later_are_warned_of(data, init):
    purchases().to_csv(data / "orders.csv", index=False)
    ids = purchases()["Customer ID"].unique()
    people = pd.DataFrame({"id": ids, "signup_date": "2024-01-01", "last_login": "2024-09-01"})
    people.assign(churn_flag=True, country="NL").to_csv(data / "customers.csv", index=False)
    _, text, _ = init(data)
    assert '# churn_flag = ""\n' in text
    assert '# last_login = ""\n' in text
    assert "its name speaks of leaving" in text
    assert "country" not in text


def test_a_suspect_is_not_read_once_its_line_is_uncommented(churn, data, init, tmp_path):
    purchases().to_csv(data / "orders.csv", index=False)
    people = pd.DataFrame({"id": purchases()["Customer ID"].unique(), "signup_date": "2024-01-01"})
    people.assign(**{"Last login": "2024-09-01"}).to_csv(data / "customers.csv", index=False)
    _, text, _ = init(data)
    file = tmp_path / "made" / "churn.toml"
    file.write_text(text.replace('# "Last login" = ""', '"Last login" = ""'))
    assert churn("check", "-c", file, "--json").json["leak_suspects"] == []


def test_bad_rows_raise_the_accepted_share(churn, data, init, tmp_path):
    bought = purchases()
    nobody = bought["Customer ID"].astype("Int64").where(bought.index % 5 > 0)
    bought.assign(**{"Customer ID": nobody}).to_parquet(data / "orders.parquet")
    values, _, notes = init(data)
    assert 0.2 < values["data"]["max_bad_share"] <= 0.3
    assert any("null_customer_id" in note for note in notes)
    assert churn("check", "-c", tmp_path / "made" / "churn.toml").status == 0


# Files


def test_series_parts_and_partitions_become_globs(data, init):
    bought = purchases()
    for year, rows in bought.groupby(bought["when"].dt.year):
        rows.to_csv(data / f"orders_{year}.csv.gz", index=False)
    for month, rows in bought.groupby(bought["when"].dt.strftime("%Y-%m")):
        folder = data / "raw" / "sessions" / f"month={month}"
        folder.mkdir(parents=True)
        rows.assign(event="visit").to_parquet(folder / "part-0.parquet")
    values, _, _ = init(data)
    assert values["data"]["tables"] == {
        "usage": "raw/sessions",
        "payments": "orders_*.csv.gz",
    }


def test_numbered_files_with_other_columns_are_other_tables(data, init):
    purchases().to_csv(data / "export_1.csv", index=False)
    pd.DataFrame({"sku": ["a"], "label": ["b"]}).to_csv(data / "export_2.csv", index=False)
    values, _, _ = init(data)
    assert values["data"]["tables"] == {"payments": "export_1.csv"}


def test_outputs_hidden_files_and_truth_are_not_looked_at(data, init):
    purchases().to_csv(data / "orders.csv", index=False)
    for place in ("out/usage.csv", ".cache/usage.csv", "venv/lib/usage.csv"):
        (data / place).parent.mkdir(parents=True)
        purchases().assign(event="x").to_csv(data / place, index=False)
    purchases().to_parquet(data / "truth.parquet")
    values, text, _ = init(data)
    assert values["data"]["tables"] == {"payments": "orders.csv"}
    assert "Left out" not in text


def test_unreadable_files_are_told(data, init):
    purchases().to_csv(data / "orders.csv", index=False)
    (data / "usage.parquet").write_bytes(b"no parquet")
    (data / "tickets.xlsx").write_bytes(b"x")
    _, text, notes = init(data)
    assert "Not read: tickets.xlsx" in text
    assert any(note.startswith("Not read: usage.parquet") for note in notes)


def test_names_may_hold_anything(churn, data, init, tmp_path):
    strange = """a"b'; drop table x; --\\ é"""
    folder = data / "it's [odd]*"
    folder.mkdir()
    bought = purchases().rename(columns={"when": strange, "total": 'total"; '})
    bought.to_parquet(folder / f"orders {strange.replace('/', '')}.parquet")
    values, _, _ = init(data)
    assert values["data"]["columns"]["payments"]["occurred_at"] == strange
    assert churn("check", "-c", tmp_path / "made" / "churn.toml").status == 0


def test_parts_in_a_folder_of_our_name_need_no_word(data, init):
    for month, rows in purchases().groupby(lambda n: f"m={n % 3}"):
        (data / "payments" / month).mkdir(parents=True)
        rows.to_csv(data / "payments" / month / "part.csv", index=False)
    values, text, _ = init(data)
    assert "payments" not in values["data"].get("tables", {})
    assert "# payments: payments, " in text


def test_two_places_for_a_table_are_named_apart(churn, data, init, tmp_path):
    bought = purchases().rename(columns={"Customer ID": "customer_id", "when": "occurred_at"})
    bought.to_csv(data / "payments.csv", index=False)
    bought.head(9).to_parquet(data / "payments.parquet")
    values, _, notes = init(data)
    assert values["data"]["tables"] == {"payments": "payments.csv"}
    assert any("payments.parquet is left out" in note for note in notes)
    assert churn("check", "-c", tmp_path / "made" / "churn.toml").status == 0


def test_a_bad_header_is_told(data, init):
    purchases().to_csv(data / "orders.csv", index=False)
    (data / "users.csv").write_text("id,id\n1,2\n")
    _, text, _ = init(data)
    assert "Not read: users.csv (The table users.csv cannot be read: two columns" in text


# Churn


def test_recorded_churn_is_an_event(data, init):
    people = members()
    people[["id", "joined"]].to_csv(data / "members.csv", index=False)
    gone = people.dropna().rename(columns={"id": "member_id", "left": "cancellation_date"})
    gone[["member_id", "cancellation_date"]].to_csv(data / "cancellations.csv", index=False)
    values, text, _ = init(data)
    assert values["churn"]["definition"] == "event"
    assert f"names {len(gone)} customers who left" in text


def test_one_row_per_customer_with_an_end_is_a_subscription(data, init):
    members().to_csv(data / "customers.csv", index=False)
    values, text, _ = init(data)
    assert values["churn"]["definition"] == "subscription"
    assert values["data"]["columns"]["subscriptions"]["ended_at"] == "left"
    assert values["data"]["tables"] == {"subscriptions": "customers.csv", "customers": ""}
    assert "one row per customer" in text


def test_renewals_in_rows_of_their_own_need_a_grace(data, init):
    rows = [
        (customer, day, day + 29)
        for customer in range(100)
        for day in range(customer % 30, 540 if customer % 2 else 100 + customer * 3, 30)
    ]
    frame = pd.DataFrame(rows, columns=["member_id", "from", "to"])
    frame = frame.assign(**{"from": moments(frame["from"]), "to": moments(frame["to"])})
    frame.rename_axis("membership_id").reset_index().to_parquet(data / "memberships.parquet")
    values, _, _ = init(data)
    assert values["churn"]["grace_days"] == 7
    assert values["data"]["observed_until"] < frame["to"].max().date()


@pytest.mark.parametrize(("every", "horizon"), [(9, 30), (40, 60), (80, 90)])
def test_the_horizon_follows_the_gaps_between_purchases(data, init, every, horizon):
    purchases(customers=200, days=900, every=every).to_csv(data / "orders.csv", index=False)
    values, _, _ = init(data)
    assert values["churn"]["definition"] == "inactivity"
    assert values["churn"]["horizon_days"] == values["churn"]["active_days"] == horizon
    assert values["churn"]["activity"] == ["payments"]


def test_short_histories_get_weeks(data, init):
    purchases(customers=900, days=70, every=3).to_csv(data / "orders.csv", index=False)
    values, text, _ = init(data)
    assert values["points"]["every"] == "week"
    assert "months would give too few" in text


def test_strays_at_the_ends_need_no_word(data, init):
    bought = purchases(customers=200)
    strays = bought.head(2).assign(when=moments([-9000, 9000]))
    pd.concat([bought, strays]).to_csv(data / "orders.csv", index=False)
    values, text, _ = init(data)
    assert "observed_until" not in values["data"]
    assert f"# observed_until = {bought['when'].max():%Y-%m-%d}" in text


def test_thin_ends_are_cut_off(data, init):
    bought = purchases(customers=200)
    thin = bought.head(12).assign(when=moments([*range(-60, 0, 10), *range(510, 570, 10)]))
    pd.concat([bought, thin]).to_csv(data / "orders.csv", index=False)
    values, text, _ = init(data)
    assert values["data"]["observed_until"] <= bought["when"].max().date() + pd.Timedelta(days=1)
    assert values["points"]["first"] > bought["when"].min().date()
    assert "only 6 of" in text


def test_too_little_is_told(data, init):
    purchases(customers=3, days=40).to_csv(data / "orders.csv", index=False)
    _, text, notes = init(data)
    assert "# Training will not work yet" in text
    assert any("too short, or too few leave" in note for note in notes)


# The command


def told(ended, status: int) -> str:
    assert ended.status == status, ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
    return ended.err


def test_a_config_is_never_overwritten_unasked(churn, data, tmp_path):
    purchases().to_csv(data / "orders.csv", index=False)
    file = tmp_path / "churn.toml"
    file.write_text("mine")
    assert "--force" in told(churn("init", data, "-c", file), 2)
    assert file.read_text() == "mine"
    assert churn("init", data, "-c", file, "--force").status == 0
    assert file.read_text() != "mine"


def test_the_folder_has_to_be_there(churn, tmp_path):
    file = tmp_path / "churn.toml"
    assert "not there" in told(churn("init", tmp_path / "no", "-c", file), 2)
    (tmp_path / "a.csv").write_text("a\n1\n")
    assert "a file" in told(churn("init", tmp_path / "a.csv", "-c", file), 2)


def test_databases_are_refused_without_their_password(churn, tmp_path):
    url = "postgresql://me:secret@host/db"
    message = told(churn("init", url, "-c", tmp_path / "churn.toml"), 2)
    assert '[data] source = "postgresql://me@host/db"' in message
    assert "secret" not in message


def test_a_flat_table_without_dates_is_refused(churn, data, tmp_path):
    frame = pd.DataFrame({"customerID": ["a", "b"], "tenure": [1, 2], "Churn": ["Yes", "No"]})
    frame.to_csv(data / "Telco-Customer-Churn.csv", index=False)
    message = told(churn("init", data, "-c", tmp_path / "churn.toml"), 3)
    assert "Telco-Customer-Churn.csv" in message
    assert "a customer's id and a time" in message
    assert not (tmp_path / "churn.toml").exists()


def test_numbers_as_dates_are_refused_with_the_reason(churn, data, tmp_path):
    frame = pd.DataFrame({"msno": ["a", "b"], "transaction_date": [20170131, 20170228]})
    frame.assign(amount=5.5).to_csv(data / "transactions.csv", index=False)
    assert "yyyymmdd" in told(churn("init", data, "-c", tmp_path / "churn.toml"), 3)


def test_customers_alone_tell_no_churn(churn, data, tmp_path):
    members()[["id", "joined"]].to_csv(data / "users.csv", index=False)
    assert "who leaves" in told(churn("init", data, "-c", tmp_path / "churn.toml"), 3)


def test_data_is_looked_into_by_default(churn, data, monkeypatch):
    purchases().to_csv(data / "orders.csv", index=False)
    monkeypatch.chdir(data.parent)
    ended = churn("init")
    assert ended.status == 0
    assert "orders.csv" in ended.out
    assert 'source = "data"' in (data.parent / "churn.toml").read_text()


def test_the_same_files_give_the_same_bytes(churn, data, tmp_path):
    purchases().to_csv(data / "orders.csv", index=False)
    members().to_csv(data / "users.csv", index=False)
    files = [tmp_path / "a.toml", tmp_path / "b.toml"]
    for file in files:
        assert churn("init", data, "-c", file).status == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_json_tells_what_was_guessed(churn, data, tmp_path):
    purchases().to_csv(data / "orders.csv", index=False)
    values = churn("init", data, "-c", tmp_path / "churn.toml", "--json").json
    assert list(values) == ["path", "source", "tables", "definition", "churn", "notes"]
    assert values["tables"]["payments"]["file"] == "orders.csv"
    assert values["tables"]["payments"]["columns"]["amount"] == "total"
    assert values["definition"] == "inactivity"


def test_commented_keys_are_valid_too(data, init):
    from pipeline.config import from_values

    purchases().to_csv(data / "orders.csv", index=False)
    _, text, _ = init(data)
    keys = [
        line[2:] if line.startswith("# ") and " = " in line else line for line in text.split("\n")
    ]
    keys = [line for line in keys if not line.startswith(("#", " ")) and ": " not in line[:20]]
    from_values(tomllib.loads("\n".join(keys)), Path("churn.toml"))


# It runs


def test_demo_histories_train_without_a_change(churn, store, tmp_path):
    from pipeline.simulate import simulate

    simulate(tmp_path / "data", customers=800, months=14, seed=3)
    file = tmp_path / "churn.toml"
    shutil.copy(store, tmp_path / "mlflow.db")
    made = churn("init", tmp_path / "data", "-c", file, "--json").json
    assert made["definition"] == "subscription"
    assert "truth.parquet" not in file.read_text()
    assert "[data.columns" not in file.read_text()
    trained = churn("train", "-c", file, "--json")
    assert trained.status == 0, trained.err
    assert trained.json["metrics"]["test"]["auc"] > 0.65


@pytest.mark.parametrize("name", ["oulad", "online_retail_II", "cdnow", "ravenstack"])
def test_real_histories_pass_the_check_without_a_change(shared_data, churn, tmp_path, name):
    file = tmp_path / "churn.toml"
    made = churn("init", shared_data / name, "-c", file, "--json")
    assert made.status == 0, made.err
    assert "too short" not in " ".join(made.json["notes"])
    assert churn("check", "-c", file).status == 0


def test_what_is_guessed_of_real_histories(shared_data, init):
    oulad, _, _ = init(shared_data / "oulad")
    assert oulad["churn"]["definition"] == "event"
    assert oulad["data"]["observed_until"].year == 2015
    shop, _, _ = init(shared_data / "online_retail_II")
    assert (shop["churn"]["definition"], shop["churn"]["horizon_days"]) == ("inactivity", 90)
    stack, text, _ = init(shared_data / "ravenstack")
    assert stack["data"]["columns"]["tickets"]["opened_at"] == "submitted_at"
    assert '# churn_flag = ""' in text
    assert stack["data"]["columns"]["subscriptions"]["billing_period"] == "billing_frequency"


@pytest.mark.parametrize("end", ["ended", "ended_at", "churn_date"])
def test_customers_whose_rows_tell_their_ends_are_read_as_subscriptions(end, churn, tmp_path):
    """With our own names for all else, as people have it who read the docs first."""
    data = tmp_path / "data"
    data.mkdir()
    days = [datetime(2024, 1, 1) + timedelta(days=3 * n) for n in range(200)]
    ends = [day + timedelta(days=90) if n % 3 else None for n, day in enumerate(days)]
    people = pa.table({"customer_id": range(200), "signed_up_at": days, end: ends})
    pq.write_table(people, data / "customers.parquet")
    assert churn("init", data, "-c", tmp_path / "churn.toml").status == 0
    ended = churn("check", "-c", tmp_path / "churn.toml", "--json")
    assert ended.status == 0, ended.err
    assert ended.json["tables"]["subscriptions"]["used"] == 200
