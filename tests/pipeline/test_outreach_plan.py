"""Before a campaign, and the list that learns from those before it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.actions import DEFAULT_ACTIONS
from pipeline.choosing import Chosen
from pipeline.config import load
from pipeline.offering import USUAL
from pipeline.outreach_plan import plan_campaign
from pipeline.progress import Progress
from pipeline.score import score


@pytest.fixture(scope="module")
def planned(played):
    return plan_campaign(load(played), Progress.silent())


@pytest.fixture(scope="module")
def scored(played):
    return score(load(played), Progress.silent())


def test_the_plan_is_the_list_that_would_be_written(planned, scored):
    groups = scored.risk_list["group"].value_counts()
    assert planned.whole.plan.treated == groups["contact"]
    assert planned.whole.plan.holdout == groups["holdout"]
    assert isinstance(planned.chosen, Chosen)
    assert planned.chosen.outreach.action == scored.chosen.outreach.action


def test_the_actions_add_up_to_the_whole(planned):
    sizes = [one.plan.customers for one in planned.by_action.values()]
    assert sum(sizes) == planned.whole.plan.customers


def test_a_larger_holdout_costs_more_and_finds_more(planned):
    shares = list(planned.by_share)
    forgone = [one.advice.forgone for one in planned.by_share.values()]
    # With too few held out nothing can be found.
    power = [one.advice.power or 0.0 for one in planned.by_share.values()]
    assert shares == sorted(shares)
    assert forgone == sorted(forgone)
    assert power[-1] > power[0]


def test_the_plan_is_shown_and_told_as_json(played, churn):
    shown = churn("outreach", "plan", "-c", played)
    assert shown.status == 0
    assert "customers needed" in shown.out
    assert "all, 20% held out" in shown.out


def test_contacts_come_out_in_the_shape_in_which_they_come_back(scored):
    found, contacts = scored.risk_list, pd.read_parquet(scored.folder / "contacts.parquet")
    taken = found[found["group"].isin(["contact", "holdout"])]
    assert set(contacts["customer_id"]) == set(taken["customer_id"])
    assert list(contacts) == ["customer_id", "occurred_at", "campaign", "action", "group", "cost"]
    assert set(contacts["group"]) == {"treated", "holdout"}
    assert (contacts[contacts["group"] == "holdout"]["cost"] == 0).all()
    treated = contacts[contacts["group"] == "treated"]
    assert set(treated["customer_id"]) == set(found[found["group"] == "contact"]["customer_id"])
    assert treated["cost"].sum() == pytest.approx(scored.chosen.outreach.spent)
    assert treated["cost"].sum() <= 150.0


def test_expected_profit_is_the_formula(scored):
    """P(leave) x success x value - cost - incentive x P(stay), success by how well it fits."""
    found, rates = scored.risk_list, scored.chosen.rates
    actions = {one.name: one for one in DEFAULT_ACTIONS}
    fits = []
    for row in found[found["group"] == "contact"].to_dict("records"):
        action = actions[row["action"]]
        p, kept = row["churn_probability"], row["expected_profit"] + action.cost
        kept += action.incentive * (1 - p)
        # Told in times of the fit that there is where all of the risk goes with the driver.
        most = 1 / (1 - (1 - USUAL) ** action.relief)
        fits.append(kept / (p * rates[action.name].mean * row["value"]) / most)
    assert len(fits) > 10
    assert 0 < min(fits) <= max(fits) <= 1 + 1e-9
    assert np.median(fits) > 0.5


def test_the_list_uses_learned_rates_and_says_so(scored):
    run = pd.read_json(scored.folder / "run.json", typ="series")
    rates = run["outreach"]["success_rates"]
    assert any(rate["learned"] for rate in rates.values())
    assert run["outreach"]["uplift"]["used"] is False
    assert run["outreach"]["uplift"]["why"].startswith("Risk times value decides")
    assert run["outreach"]["gap"] < 0.02


def test_why_not_is_told_of_everybody_who_is_not_contacted(scored):
    found = scored.risk_list
    none = found["group"] == "none"
    reasons = {"unprofitable", "budget", "suppressed", "no_consent", "not_at_risk"}
    assert set(found[none]["why_not"]) <= reasons
    assert (found[~none]["why_not"] == "").all()
    assert np.isfinite(found[~none]["expected_profit"]).all()


@pytest.fixture
def without_contacts(played, tmp_path):
    """The same business, whose table contacts is gone."""
    folder = tmp_path / "gone"
    shutil.copytree(played.parent, folder, ignore=shutil.ignore_patterns("out"))
    (folder / "data" / "contacts.parquet").unlink()
    file = folder / "churn.toml"
    file.write_text(file.read_text().replace(json.dumps(str(played.parent / "data")), '"data"'))
    return file


def test_without_the_contacts_that_the_model_does_not_look_at_the_list_is_made_with_a_warning(
    without_contacts, scored, churn
):
    ended = churn("score", "-c", without_contacts, "--json")
    assert ended.status == 0, ended.err
    assert "The table contacts, which the model was trained with, is gone." in ended.err
    assert not any(rate["learned"] for rate in ended.json["outreach"]["success_rates"].values())
    run = json.loads((Path(ended.json["path"]).parent / "run.json").read_text())
    assert "Restore it before you contact anybody by this list." in " ".join(run["warnings"])
    found = pd.read_parquet(ended.json["path"]).set_index("customer_id")
    before = scored.risk_list.set_index("customer_id")
    pd.testing.assert_series_equal(
        found["churn_probability"].sort_index(), before["churn_probability"].sort_index()
    )


def test_without_the_contacts_that_the_model_looks_at_there_is_no_list(
    without_contacts, churn, monkeypatch
):
    everything = property(lambda model: frozenset(model.names))
    monkeypatch.setattr("models.model.ChurnModel.used", everything)
    ended = churn("score", "-c", without_contacts)
    assert ended.status == 3
    assert "lack what the model was trained with: the rows of contacts" in " ".join(
        ended.err.split()
    )


def test_a_budget_of_zero_contacts_nobody_and_the_plan_says_why(played, churn, tmp_path):
    text = played.read_text().replace("budget = 150.0", "budget = 0.0")
    file = tmp_path / "churn.toml"
    file.write_text(
        text.replace(
            "[points]",
            f'[mlflow]\ntracking_uri = "sqlite:////{str(played.parent)[1:]}/mlflow.db"\n[points]',
        )
    )
    ended = churn("outreach", "plan", "-c", file)
    assert ended.status == 4
    assert "budget" in ended.err
