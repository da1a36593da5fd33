"""Past campaigns: randomised, with consent, in the contract's shape, and true to the truth."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest

from features.errors import UsageError
from pipeline.simulate import simulate
from pipeline.world_campaigns import campaign_months
from pipeline.world_outreach import ACTIONS

# Of the tables as they were written before there were campaigns.
BEFORE = "2a106e82e0d9a6dd6c5ddd96dec6819425903dafe6093580bc95690e6013c45f"


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    out = tmp_path_factory.mktemp("campaigns") / "demo"
    done = simulate(out, customers=4_000, months=14, seed=6, campaigns=5)
    found = {path.stem: pd.read_parquet(path) for path in out.glob("*.parquet")}
    assert done.rows == {name: len(table) for name, table in found.items()}
    found["truth"]["cutoff"] = pd.to_datetime(found["truth"]["cutoff"])
    return found


def known(tables) -> pd.DataFrame:
    truth = tables["truth"]
    return truth[truth["contact_group"].notna()]


def digest(folder) -> str:
    """Of all tables as text, numbers to six digits."""
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.parquet")):
        frame = pd.read_parquet(path)
        found.update(frame.to_csv(index=False, float_format="%.6g").encode())
    return found.hexdigest()


def test_a_business_without_campaigns_is_what_it_was(tmp_path):
    simulate(tmp_path / "demo", customers=300, months=14, seed=11)
    assert digest(tmp_path / "demo") == BEFORE


def test_contacts_are_in_the_contracts_shape(tables):
    contacts, customers = tables["contacts"], tables["customers"].set_index("customer_id")
    assert list(contacts) == ["customer_id", "occurred_at", "campaign", "action", "group", "cost"]
    assert set(contacts["group"]) == {"treated", "holdout"}
    assert set(contacts["action"]) == set(ACTIONS)
    at = contacts["occurred_at"]
    assert at.is_monotonic_increasing
    assert (at.dt.day == 1).all()
    assert (at.dt.hour == 9).all()
    assert contacts["customer_id"].map(customers["contact_allowed"]).all()
    assert not contacts.duplicated(["customer_id", "campaign"]).any()
    assert ((contacts["cost"] > 0) == (contacts["group"] == "treated")).all()
    months = at.dt.to_period("M").unique()
    assert len(months) == contacts["campaign"].nunique() == 5
    assert months[0] >= pd.Period("2026-04")
    assert months[-1] <= pd.Period("2026-08")


def test_a_quarter_is_held_out_at_random(tables):
    rows = known(tables)
    held = rows["contact_group"] == "holdout"
    assert abs(held.mean() - 0.25) < 3.5 * np.sqrt(0.25 * 0.75 / len(rows))
    chance = rows["churn_probability"]
    gap = chance[held].mean() - chance[~held].mean()
    assert abs(gap) < 3.5 * chance.std() * np.sqrt(1 / held.sum() + 1 / (~held).sum())


def test_truth_tells_of_contacts_what_the_contacts_tell(tables):
    rows = known(tables)[["customer_id", "cutoff", "contact_action", "contact_group"]]
    contacts = tables["contacts"].assign(cutoff=lambda t: t["occurred_at"].dt.normalize())
    both = rows.merge(contacts, on=["customer_id", "cutoff"], how="outer", indicator=True)
    assert (both["_merge"] == "both").all()
    assert (both["contact_action"] == both["action"]).all()
    assert (both["contact_group"] == both["group"]).all()


def test_as_many_leave_as_their_probability_says(tables):
    """Within 3.5 standard errors, and the contacts made a difference that can be told."""
    rows = known(tables)
    for group, column in (("treated", "_contacted"), ("holdout", "")):
        part = rows[rows["contact_group"] == group]
        chance = part[f"churn_probability{column}"]
        error = np.sqrt((chance * (1 - chance)).sum())
        assert abs(part["churned"].sum() - chance.sum()) < 3.5 * error
    assert rows["churn_probability_contacted"].sum() < 0.9 * rows["churn_probability"].sum()
    others = tables["truth"][tables["truth"]["contact_group"].isna()]
    assert others["churn_probability_contacted"].isna().all()


def test_what_answers_do_is_in_the_histories(tables):
    """Invoices are paid and renewal is switched on on the day of the contact."""
    contacts = tables["contacts"].query("group == 'treated'")
    first = contacts["occurred_at"].dt.normalize()

    def on_the_day(action: str, table: str, column: str) -> int:
        mine = contacts[contacts["action"] == action].assign(day=first)
        rows = tables[table].assign(day=tables[table][column].dt.normalize())
        return len(mine.merge(rows, on=["customer_id", "day"]))

    assert on_the_day("extend_dunning", "payments", "occurred_at") > 5
    assert on_the_day("enable_auto_renewal", "subscriptions", "valid_from") > 0
    assert on_the_day("resolve_open_problem", "tickets", "closed_at") > 5


def test_paid_invoices_stay_paid(tables):
    """Nothing is paid twice, and no attempt is made after it."""
    rows = tables["payments"].query("status != 'refunded'")
    paid = rows[rows["status"] == "paid"].set_index("invoice_id")["occurred_at"]
    assert paid.index.is_unique
    assert not (rows["occurred_at"] > rows["invoice_id"].map(paid)).any()


@pytest.mark.parametrize(("months", "campaigns"), [(18, 7), (36, 1), (36, 4), (7, 1)])
def test_campaigns_lie_in_the_second_half(months, campaigns):
    found = campaign_months(months, campaigns)
    assert len(set(found)) == campaigns
    assert found[0] >= months / 2
    assert found[-1] <= months - 3


@pytest.mark.parametrize(("months", "campaigns"), [(18, 8), (3, 1), (18, -1)])
def test_more_campaigns_than_months_are_refused(tmp_path, months, campaigns):
    with pytest.raises(UsageError, match="--campaigns"):
        simulate(tmp_path / "demo", customers=9, months=months, seed=1, campaigns=campaigns)


def test_old_campaigns_do_not_come_along_into_a_business_without(tmp_path):
    out = tmp_path / "demo"
    simulate(out, customers=200, months=9, seed=1, campaigns=1)
    assert (out / "contacts.parquet").is_file()
    simulate(out, customers=200, months=9, seed=1)
    assert not (out / "contacts.parquet").exists()
    (out / "contacts.parquet").write_bytes(b"mine")
    simulate(out, customers=200, months=9, seed=1)
    assert (out / "contacts.parquet").read_bytes() == b"mine"
