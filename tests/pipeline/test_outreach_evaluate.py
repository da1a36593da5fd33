"""Did the contacts work: the whole command on a business that ran campaigns."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.effects import effect
from pipeline import show_outreach
from pipeline.config import load
from pipeline.files import write_parquet
from pipeline.outreach_evaluate import evaluate_outreach
from pipeline.progress import Progress


@pytest.fixture(scope="module")
def evaluated(played):
    return evaluate_outreach(load(played), Progress.silent())


@pytest.fixture(scope="module")
def contacts(played):
    return pd.read_parquet(played.parent / "data" / "contacts.parquet")


@pytest.fixture
def with_contacts(played, tmp_path, store):
    """The same business with other contacts: ``with_contacts(frame)`` gives its config."""

    def write(frame, *, without=()):
        data = tmp_path / "data"
        shutil.copytree(played.parent / "data", data)
        for name in without:
            (data / f"{name}.parquet").unlink()
        write_parquet(frame, data / "contacts.parquet")
        for name in ("mlflow.db", "churn.toml"):
            shutil.copy(played.parent / name, tmp_path / name)
        text = (tmp_path / "churn.toml").read_text()
        (tmp_path / "churn.toml").write_text(
            text.replace(json.dumps(str(played.parent / "data")), '"data"')
        )
        return tmp_path / "churn.toml"

    return write


def test_the_counts_are_those_of_contacts_and_of_the_truth(evaluated, contacts, played):
    """Rows of contacts beside what the simulation says came of them."""
    truth = pd.read_parquet(played.parent / "data" / "truth.parquet")
    truth = truth[truth["contact_group"].notna()]
    treated = truth["contact_group"] == "treated"
    assert evaluated.churn.treated.n == treated.sum() == (contacts["group"] == "treated").sum()
    assert evaluated.churn.holdout.n == (~treated).sum()
    assert evaluated.churn.treated.mean == pytest.approx(truth[treated]["churned"].mean())
    assert evaluated.churn.holdout.mean == pytest.approx(truth[~treated]["churned"].mean())
    assert evaluated.left_out == {}


def test_the_effect_is_near_the_true_one(evaluated, played):
    truth = pd.read_parquet(played.parent / "data" / "truth.parquet")
    treated = truth[truth["contact_group"] == "treated"]
    true = (treated["churn_probability_contacted"] - treated["churn_probability"]).mean()
    assert evaluated.churn.low < true < evaluated.churn.high
    assert evaluated.churn.adjusted
    # An interval for any number of looks is wider than one for a single look.
    assert evaluated.churn.anytime_low < evaluated.churn.low
    assert evaluated.churn.anytime_high > evaluated.churn.high


def test_money_is_that_of_who_stays_less_costs(evaluated, contacts):
    money = evaluated.money
    treated = contacts["group"] == "treated"
    assert money.cost == pytest.approx(contacts[treated]["cost"].mean())
    estimate, low, high = money.profit()
    assert estimate == pytest.approx(money.kept.estimate - money.cost)
    assert low < estimate < high
    assert money.margin is not None


def test_parts_are_told_by_action_driver_band_and_segment(evaluated, contacts):
    assert {"action", "driver", "risk_band"} <= set(evaluated.parts)
    assert any(name.startswith("customers_profile_") for name in evaluated.parts)
    by_action = evaluated.parts["action"]
    told = {name: one.effect.treated.n for name, one in by_action.items() if one.effect}
    given = contacts[contacts["group"] == "treated"]["action"].value_counts()
    assert told == {name: given[name] for name in told}


def test_what_is_written_is_what_is_told(evaluated, played):
    written = json.loads((played.parent / "out" / "outreach" / "evaluation.json").read_text())
    assert written["churn"]["estimate"] == pytest.approx(evaluated.churn.estimate)
    assert len(written["campaigns"]) == 3
    assert set(written["success_rates"]) == set(evaluated.rates)


def test_the_command_tells_a_verdict_and_json(played, churn):
    shown = churn("outreach", "evaluate", "-c", played)
    assert shown.status == 0
    assert "points of churn" in shown.out
    assert "success rate" in shown.out
    ended = churn("outreach", "evaluate", "-c", played, "--json", "--campaign", "retention 2026-03")
    assert ended.status == 0
    assert [one["name"] for one in ended.json["campaigns"]] == ["retention 2026-03"]


def test_an_unknown_campaign_is_refused_with_the_nearest(played, churn):
    ended = churn("outreach", "evaluate", "-c", played, "--campaign", "retention 2026-33")
    assert ended.status == 2
    assert "did you mean 'retention 2026-03'?" in ended.err


def test_without_contacts_there_is_too_little_data(trained, churn):
    ended = churn("outreach", "evaluate", "-c", trained[0])
    assert ended.status == 4
    assert "contacts.parquet" in ended.err


def test_a_campaign_without_a_holdout_is_no_experiment_and_says_so_on_top(
    with_contacts, contacts, churn
):
    alone = contacts[contacts["group"] == "treated"]
    file = with_contacts(alone)
    shown = churn("outreach", "evaluate", "-c", file)
    assert shown.status == 0
    assert shown.out.lstrip().startswith("! Without a holdout")
    told = " ".join(shown.out.split())
    assert f"not proven, nobody was held out: of {len(alone):,} contacted" in told
    assert "campaigns, more in" in told
    found = churn("outreach", "evaluate", "-c", file, "--json").json
    assert found["churn"] is None
    observed = found["campaigns"][0]["observational"]
    assert observed["treated"] == found["campaigns"][0]["treated"]
    assert observed["untreated"] > observed["treated"]
    # Who was chosen was in trouble: next to the others they would have left more often anyway.
    assert observed["estimate"] < observed["naive"]
    assert not any(rate["learned"] for rate in found["success_rates"].values())


def test_where_only_those_held_out_are_on_record_nobody_was_contacted(
    with_contacts, contacts, churn
):
    file = with_contacts(contacts[contacts["group"] == "holdout"])
    shown = churn("outreach", "evaluate", "-c", file)
    assert shown.status == 0
    assert shown.out.lstrip().startswith("! Nobody contacted: retention 2026-03, ")
    assert "Without a holdout" not in shown.out


def test_contacts_whose_window_is_open_are_pending_and_too_few_closed_ones_say_when(
    with_contacts, contacts, churn
):
    late = contacts.assign(occurred_at=pd.Timestamp("2026-10-20"))
    late = late.drop_duplicates("customer_id")
    ended = churn("outreach", "evaluate", "-c", with_contacts(late))
    assert ended.status == 4
    assert "2026-11-19" in ended.err


def test_two_campaigns_with_different_holdouts_are_pooled_without_bias(played, evaluated):
    """Where one held out more and its customers leave more often, plain means would mislead."""
    random = np.random.default_rng(1)
    campaign = np.repeat([0, 1], 4000)
    treated = random.random(8000) < np.where(campaign == 0, 0.9, 0.5)
    churned = (random.random(8000) < np.where(campaign == 0, 0.05, 0.4)).astype(float)
    share = np.where(campaign == 0, treated[:4000].mean(), treated[4000:].mean())
    pooled = effect(churned, treated, share[:, None])
    assert pooled.low < 0 < pooled.high
    plain = effect(churned, treated)
    assert plain.high < 0


def test_contacts_of_nobody_known_are_set_aside(with_contacts, contacts, churn):
    stranger = contacts.head(3).assign(customer_id=["X1", "X2", "X3"])
    file = with_contacts(pd.concat([contacts, stranger], ignore_index=True))
    ended = churn("outreach", "evaluate", "-c", file, "--json")
    assert ended.status == 0
    assert "3 of" in ended.err
    assert "unknown_customer" in ended.err


def test_without_payments_the_margin_is_not_told(with_contacts, contacts, churn):
    found = churn(
        "outreach",
        "evaluate",
        "-c",
        with_contacts(contacts.drop(columns="cost"), without=["payments"]),
        "--json",
    )
    assert found.status in (0, 3)
    if found.status == 0:
        assert found.json["money"]["margin"] is None


def test_campaigns_that_come_in_later_change_nothing_of_those_before(
    with_contacts, contacts, evaluated, churn
):
    """One whose windows are open, and one of which no row counts: their customers were in another.

    The interval for any number of looks, too, is the same at every look at the same customers.
    """
    treated = contacts[contacts["group"] == "treated"]
    lost = treated.head(3)
    lost = lost.assign(campaign="lost", occurred_at=lost["occurred_at"] + pd.Timedelta(days=5))
    late = contacts.drop_duplicates("customer_id")
    late = late.assign(campaign="late", occurred_at=pd.Timestamp("2026-10-20"))
    file = with_contacts(pd.concat([contacts, lost, late], ignore_index=True))
    found = churn("outreach", "evaluate", "-c", file, "--json").json
    assert found["pending"] > 0
    assert found["churn"]["anytime_low"] == pytest.approx(evaluated.churn.anytime_low)
    assert found["churn"]["anytime_high"] == pytest.approx(evaluated.churn.anytime_high)
    assert "No row counts of these campaigns" in " ".join(found["warnings"])
    assert "lost: overlapping_campaign 3." in " ".join(found["warnings"])
    alone = churn("outreach", "evaluate", "-c", file, "--campaign", "lost")
    assert alone.status == 4
    assert "No row of contacts of campaign 'lost' counts" in alone.err
    assert "overlapping_campaign 3" in alone.err


def test_costs_that_are_not_on_record_are_the_configs_and_said_to_be(
    with_contacts, contacts, churn
):
    treated = contacts["group"] == "treated"
    first = contacts[treated]["action"].iloc[0]
    renamed = contacts["action"].where(contacts["action"] != first, "letter")
    file = with_contacts(contacts.drop(columns="cost").assign(action=renamed))
    shown = churn("outreach", "evaluate", "-c", file)
    told = " ".join(shown.out.split())
    assert f"costs as the config says of the action for {treated.sum():,} contacts" in told
    free = int((treated & (renamed == "letter")).sum())
    assert f"whose action the config does not know, count as free: letter ({free})." in told
    found = churn("outreach", "evaluate", "-c", file, "--json").json
    assert found["money"]["costs_from_config"] == treated.sum()


def test_a_difference_of_nothing_has_no_minus():
    told = [show_outreach._points(one) for one in (-0.0001, 0.0, -0.012)]
    assert told == ["+0.0", "+0.0", "-1.2"]


def test_a_difference_that_the_adjustment_turned_is_told(evaluated, capsys):
    treated = replace(evaluated.churn.treated, mean=0.4)
    turned = replace(evaluated.churn, treated=treated)
    assert evaluated.churn.estimate < 0
    show_outreach.evaluated(replace(evaluated, churn=turned))
    told = " ".join(capsys.readouterr().out.split())
    assert f"turned as they were, the rates differ by {100 * turned.plain:+.1f} points" in told
    assert "those contacted were likelier to leave to begin with" in told
    assert evaluated.money.from_config == 0
    assert "costs as" not in told
