"""The simulated business: the same every time, true to its word, and readable in its histories."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import UsageError
from pipeline.simulate import simulate
from pipeline.world import CAUSES
from pipeline.world_tables import TABLES

END = pd.Timestamp("2026-11-01")
DAY = pd.Timedelta(days=1)
# The columns of the contract's tables (FACE section 4); more would be the simulator's secrets.
COLUMNS = {
    "customers": "customer_id signed_up_at contact_allowed segment country channel company_size",
    "subscriptions": "customer_id subscription_id started_at ended_at plan price billing_period "
    "auto_renew renews_at cancelled_at valid_from",
    "usage": "customer_id occurred_at event value",
    "payments": "customer_id occurred_at amount status invoice_id due_at method",
    "tickets": "customer_id ticket_id opened_at closed_at category priority csat "
    "first_response_at reopened",
    "surveys": "customer_id occurred_at kind score",
}
Tables = dict[str, pd.DataFrame]


def read(folder: Path) -> Tables:
    return {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    out = tmp_path_factory.mktemp("world") / "demo"
    simulate(out, customers=4_000, months=20, seed=5)
    tables = read(out)
    tables["truth"]["cutoff"] = pd.to_datetime(tables["truth"]["cutoff"])
    return tables


def ends(world: Tables) -> pd.Series:
    """The moment at which each customer left, or the end of the history."""
    last = world["subscriptions"].groupby("customer_id").tail(1).set_index("customer_id")
    return last["ended_at"].fillna(END)


def clear(world: Tables, cause: str) -> pd.DataFrame:
    """The points at which one cause is clearly the main one."""
    truth = world["truth"]
    points = truth[(truth["main_cause"] == cause) & truth["cause_clear"]]
    assert len(points) >= 50
    return points[["customer_id", "cutoff"]].reset_index(names="point")


def test_same_arguments_give_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        simulate(tmp_path / name, customers=150, months=5, seed=3)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == sorted(f"{name}.parquet" for name in [*COLUMNS, "truth"])
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_another_seed_gives_another_world(tmp_path: Path) -> None:
    for seed in (3, 4):
        simulate(tmp_path / str(seed), customers=150, months=5, seed=seed)
    one, two = read(tmp_path / "3"), read(tmp_path / "4")
    assert not any(one[name].equals(two[name]) for name in one)


def test_answer_counts_what_was_written(tmp_path: Path) -> None:
    done = simulate(tmp_path / "deep" / "demo", customers=200, months=6, seed=1)
    tables = read(done.path)
    assert done.rows == {name: len(table) for name, table in tables.items()}
    assert done.churned == tables["truth"]["churned"].sum() > 0
    assert done.months[0] == dt.date(2026, 5, 1)
    assert done.months[-1] == dt.date(2026, 10, 1)


def test_smallest_world_is_a_world(tmp_path: Path) -> None:
    done = simulate(tmp_path / "demo", customers=1, months=3, seed=0)
    assert done.rows["customers"] == 1


@pytest.mark.parametrize("table", COLUMNS)
def test_tables_hold_the_contracts_columns_and_known_customers(world: Tables, table: str) -> None:
    assert list(world[table].columns) == COLUMNS[table].split()
    assert len(world[table])
    assert set(world[table]["customer_id"]) <= set(world["customers"]["customer_id"])
    assert world["customers"]["customer_id"].is_unique


@pytest.mark.parametrize("table", ["usage", "payments", "tickets", "surveys"])
def test_events_lie_within_the_customers_time(world: Tables, table: str) -> None:
    rows = world[table]
    begin = rows["customer_id"].map(world["customers"].set_index("customer_id")["signed_up_at"])
    end = rows["customer_id"].map(ends(world))
    times = [name for name in rows.columns if name.endswith("_at") and name != "due_at"]
    for name in times:
        known = rows[name].notna()
        assert (rows[name] >= begin)[known].all(), name
        assert (rows[name] < end)[known].all(), name
    assert rows[times[0]].is_monotonic_increasing


def test_usage_values_are_finite(world: Tables) -> None:
    value = world["usage"]["value"]
    assert np.isfinite(value).all()
    assert (value >= 0).all()


def test_ticket_knows_its_end_only_once_closed(world: Tables) -> None:
    tickets = world["tickets"]
    still_open = tickets[tickets["closed_at"].isna()]
    assert len(still_open)
    assert still_open["csat"].isna().all()
    assert (tickets["closed_at"] >= tickets["opened_at"])[tickets["closed_at"].notna()].all()


def test_versions_tell_what_was_known_then(world: Tables) -> None:
    versions = world["subscriptions"]
    by_customer = versions.groupby("customer_id")
    later = by_customer.cumcount(ascending=False) > 0
    assert versions.loc[later, ["ended_at", "cancelled_at"]].isna().all(axis=None)
    assert (by_customer["valid_from"].diff().dropna() > pd.Timedelta(0)).all()
    assert (by_customer["valid_from"].first() == by_customer["started_at"].first()).all()
    left = versions[versions["ended_at"].notna()]
    month = left["ended_at"].dt.to_period("M").dt.start_time
    assert (left["valid_from"] < month).all()
    notice = left["cancelled_at"].notna()
    assert 0.5 < notice.mean() < 0.7
    assert (left["cancelled_at"] >= month)[notice].all()
    assert (left["cancelled_at"] <= left["ended_at"])[notice].all()


def test_nobody_is_charged_on_the_day_they_leave(world: Tables) -> None:
    payments = world["payments"].drop_duplicates("invoice_id")
    end = payments["customer_id"].map(ends(world))
    assert (payments["due_at"].dt.normalize() < end.dt.normalize()).all()


def test_invoice_asks_for_the_price_of_its_day(world: Tables) -> None:
    invoices = world["payments"].drop_duplicates("invoice_id").sort_values("due_at")
    versions = world["subscriptions"].sort_values("valid_from")
    priced = pd.merge_asof(
        invoices, versions, left_on="due_at", right_on="valid_from", by="customer_id"
    )
    assert (priced["amount"] == priced["price"]).all()
    assert (world["payments"].groupby("invoice_id")["amount"].nunique() == 1).all()


def test_open_invoice_is_tried_again_and_no_other_issued_until_it_is_paid(world: Tables) -> None:
    rows = world["payments"].query("status != 'refunded'")
    invoices = rows.groupby(["customer_id", "invoice_id"]).agg(
        due=("due_at", "first"), newest=("status", "last"), at=("occurred_at", "last")
    )
    following = invoices["due"].groupby("customer_id").shift(-1)
    has_following = following.notna()
    assert (invoices["newest"] == "paid")[has_following].all()
    assert (invoices["at"] < following)[has_following].all()
    yearly = world["subscriptions"].query("billing_period == 'year'")["customer_id"]
    assert rows[rows["customer_id"].isin(yearly)].groupby("invoice_id").size().max() > 4


def test_renewal_is_switched_off_and_on(world: Tables) -> None:
    on = world["subscriptions"]["auto_renew"].astype(int)
    change = on.groupby(world["subscriptions"]["customer_id"]).diff()
    assert (change == -1).sum() > (change == 1).sum() > 0


def test_probability_is_the_logistic_of_its_parts(world: Tables) -> None:
    truth = world["truth"]
    odds = truth[["log_odds_base", *(f"cause_{cause}" for cause in CAUSES)]].sum(axis=1)
    assert np.allclose(1 / (1 + np.exp(-odds)), truth["churn_probability"], rtol=0, atol=1e-9)


def test_main_cause_adds_most_and_a_clear_one_much_more(world: Tables) -> None:
    truth = world["truth"]
    parts = truth[[f"cause_{cause}" for cause in CAUSES]]
    ranked = np.sort(parts.to_numpy(), axis=1)
    top, second = ranked[:, -1], ranked[:, -2]
    named = parts.idxmax(axis=1).str.removeprefix("cause_").where(top >= 0.4, "none")
    assert (truth["main_cause"] == named).all()
    assert (truth["cause_clear"] == ((top >= 1.0) & (top >= 2 * second))).all()


def test_as_many_leave_as_the_truth_expects(world: Tables) -> None:
    """Within 3.5 standard errors, overall and in each fifth of the probability."""
    truth = world["truth"]
    fifth = pd.qcut(truth["churn_probability"], 5, labels=False)
    for part in [truth, *(rows for _, rows in truth.groupby(fifth))]:
        chance = part["churn_probability"]
        error = np.sqrt((chance * (1 - chance)).sum())
        assert abs(part["churned"].sum() - chance.sum()) < 3.5 * error


def test_business_is_what_it_is_meant_to_be(world: Tables) -> None:
    truth = world["truth"]
    assert 0.03 < truth["churned"].mean() < 0.055
    late = truth[truth["cutoff"] >= truth["cutoff"].unique()[5]]
    rank = late["churn_probability"].rank()
    left = late["churned"].sum()
    above = rank[late["churned"]].sum() - left * (left + 1) / 2
    assert 0.80 < above / (left * (len(late) - left)) < 0.90
    leavers = truth[truth["churned"] & truth["cause_clear"]]
    assert leavers["main_cause"].value_counts(normalize=True).reindex(CAUSES).min() > 0.03
    assert 10 < len(world["usage"]) / len(truth) < 20


def test_truth_is_the_label_of_the_subscription_definition(world: Tables) -> None:
    """Active: a running subscription from before; churned: it ends within 30 days."""
    last = world["subscriptions"].groupby("customer_id").tail(1)
    for cutoff in pd.date_range("2025-03-01", END - DAY, freq="MS"):
        begun = last["started_at"] < cutoff
        active = last[begun & ~(last["ended_at"] < cutoff)].set_index("customer_id")
        label = (active["ended_at"] < cutoff + 30 * DAY).sort_index()
        truth = world["truth"]
        there = truth[truth["cutoff"] == cutoff].set_index("customer_id")["churned"].sort_index()
        assert label.to_dict() == there.to_dict(), cutoff


def test_clear_payment_trouble_shows_as_a_failed_invoice(world: Tables) -> None:
    rows = clear(world, "payments").merge(world["payments"], on="customer_id")
    rows = rows[(rows["occurred_at"] < rows["cutoff"]) & (rows["status"] != "refunded")]
    newest = rows.groupby("point").tail(1)
    assert (newest["status"] == "failed").mean() > 0.95


def test_clear_support_trouble_shows_as_a_ticket(world: Tables) -> None:
    points = clear(world, "support")
    rows = points.merge(world["tickets"], on="customer_id")
    before = rows["opened_at"] < rows["cutoff"]
    waits = (rows["opened_at"] < rows["cutoff"] - 7 * DAY) & ~(rows["closed_at"] < rows["cutoff"])
    just = (rows["closed_at"] < rows["cutoff"]) & (rows["closed_at"] >= rows["cutoff"] - 30 * DAY)
    assert set(rows.loc[before & (waits | just), "point"]) == set(points["point"])


def test_clear_term_end_shows_as_a_renewal_date_without_auto_renew(world: Tables) -> None:
    rows = clear(world, "subscription").merge(world["subscriptions"], on="customer_id")
    known = rows[rows["valid_from"] < rows["cutoff"]].groupby("point").tail(1)
    assert len(known) == rows["point"].nunique()
    assert (known["billing_period"] == "year").all()
    assert not known["auto_renew"].any()
    assert (known["renews_at"].dt.to_period("M") == known["cutoff"].dt.to_period("M")).all()


def test_clear_price_trouble_shows_as_a_recent_rise(world: Tables) -> None:
    points = clear(world, "price")
    versions = world["subscriptions"]
    rise = versions["price"] > versions.groupby("customer_id")["price"].shift()
    rows = points.merge(versions[rise], on="customer_id")
    age = rows["cutoff"] - rows["valid_from"]
    recent = rows[(age > pd.Timedelta(0)) & (age < 93 * DAY)]
    assert set(recent["point"]) == set(points["point"])


def test_clear_disengagement_shows_as_less_use_than_before(world: Tables) -> None:
    def ratio(points: pd.DataFrame) -> float:
        rows = points.merge(world["usage"], on="customer_id")
        age = rows["cutoff"] - rows["occurred_at"]
        recent = ((age > pd.Timedelta(0)) & (age <= 30 * DAY)).sum()
        return float(recent / ((age > 120 * DAY) & (age <= 150 * DAY)).sum())

    truth = world["truth"]
    settled = truth["customer_id"].map(world["customers"].set_index("customer_id")["signed_up_at"])
    calm = truth[(truth["main_cause"] == "none") & (settled < truth["cutoff"] - 150 * DAY)]
    troubled = clear(world, "usage")
    assert ratio(troubled) < 0.65 * ratio(calm.sample(500, random_state=1))


def test_clear_bad_start_shows_as_missing_setup_steps(world: Tables) -> None:
    steps = world["usage"].query("event == 'setup_step'").groupby("customer_id").size()
    per_customer = world["customers"]["customer_id"].map(steps).fillna(0)
    bad = clear(world, "onboarding")["customer_id"].drop_duplicates().map(steps).fillna(0)
    assert bad.mean() < 0.5 * per_customer.mean()


def test_segments_feel_the_same_trouble_differently(world: Tables) -> None:
    """One points score for all cannot fit: price moves consumers, waiting moves business."""
    truth = world["truth"].merge(world["customers"][["customer_id", "segment"]], on="customer_id")

    def felt(cause: str) -> dict[str, float]:
        hit = truth[truth[f"cause_{cause}"] > 0]
        return dict(hit.groupby("segment")[f"cause_{cause}"].median())

    assert felt("price")["consumer"] > 2 * felt("price")["business"]
    assert felt("support")["business"] > 2 * felt("support")["consumer"]


@pytest.mark.parametrize(
    ("changed", "value", "allowed"),
    [
        ("customers", 0, "from 1 to 200000"),
        ("customers", 200_001, "from 1 to 200000"),
        ("months", 2, "from 3 to 120"),
        ("months", 121, "from 3 to 120"),
        ("seed", -1, "from 0 to"),
    ],
)
def test_numbers_out_of_range_are_refused(
    tmp_path: Path, changed: str, value: int, allowed: str
) -> None:
    with pytest.raises(UsageError) as caught:
        simulate(tmp_path / "demo", **{"customers": 9, "months": 3, "seed": 1, changed: value})
    assert caught.value.value == value
    assert allowed in str(caught.value)
    assert f"--{changed}" in str(caught.value)
    assert not (tmp_path / "demo").exists()


def test_somebodys_real_data_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "usage.parquet").write_text("precious")
    with pytest.raises(UsageError, match="not simulated"):
        simulate(tmp_path, customers=9, months=3, seed=1)
    assert [path.name for path in tmp_path.iterdir()] == ["usage.parquet"]
    assert (tmp_path / "usage.parquet").read_text() == "precious"


def test_file_in_the_place_or_above_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "demo"):
        with pytest.raises(UsageError):
            simulate(out, customers=9, months=3, seed=1)


def test_simulated_folder_is_replaced_and_other_files_in_it_stay(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    simulate(out, customers=9, months=3, seed=1)
    (out / "notes.txt").write_text("mine")
    simulate(out, customers=11, months=3, seed=1)
    assert len(pd.read_parquet(out / "customers.parquet")) == 11
    assert (out / "notes.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_failure_on_the_way_leaves_all_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "demo"
    simulate(out, customers=9, months=3, seed=1)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setitem(TABLES, "surveys", fail)
    with pytest.raises(OSError, match="disk full"):
        simulate(out, customers=11, months=3, seed=1)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
