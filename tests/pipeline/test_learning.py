"""Success rates as contacts taught them: only what was known at the cutoff, only with a holdout."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipeline import past_contacts
from pipeline.config import load
from pipeline.learning import learned_from, learned_rates, own_fits
from pipeline.opening import open_histories
from pipeline.past_contacts import PastContacts, known_contacts
from pipeline.persuading import _seen
from pipeline.progress import Progress
from pipeline.registry import resolve

KNOWN = {1: "2025-02-28", 2: "2025-03-01", 3: ""}
"""By customer, when its contact became known."""


@pytest.fixture(scope="module")
def config(write_config, tmp_path_factory):
    text = """
[[outreach.actions]]
name = "call"
drivers = ["usage"]
cost = 1.0
success_rate = 0.1

[[outreach.actions]]
name = "gift"
drivers = ["price"]
cost = 1.0
success_rate = 0.5
evidence = 1000
"""
    return load(write_config(tmp_path_factory.mktemp("learning"), text))


def rows(*parts):
    """Contacts from (campaign, action, treated, customers, leavers)."""
    frames = [
        pd.DataFrame(
            {
                "campaign": campaign,
                "day": 20_000,
                "action": action,
                "treated": treated,
                "churned": [1] * left + [0] * (count - left),
            }
        )
        for campaign, action, treated, count, left in parts
    ]
    return pd.concat(frames, ignore_index=True)


def test_without_contacts_the_config_counts(config):
    found = learned_from(config, None)
    assert {name: rate.mean for name, rate in found.items()} == {"call": 0.1, "gift": 0.5}
    assert not any(rate.learned for rate in found.values())


def test_a_rate_moves_to_what_was_seen(config):
    """Of 4,000 each 400 held out left and 200 contacted: half of the leavers were kept."""
    found = learned_from(
        config, rows(("a", "call", True, 4000, 200), ("a", "call", False, 4000, 400))
    )
    assert found["call"].learned
    assert 0.3 < found["call"].mean < 0.5
    assert not found["gift"].learned


def test_who_was_held_out_without_an_action_stands_for_the_whole_campaign(config):
    own = rows(
        ("a", "call", True, 500, 25),
        ("a", "gift", True, 500, 25),
        ("a", None, False, 1000, 100),
    )
    found = learned_from(config, own)
    assert (found["call"].treated, found["call"].holdout) == (500, 1000)
    assert (found["gift"].treated, found["gift"].holdout) == (500, 1000)


def test_the_holdout_of_another_action_or_campaign_tells_nothing(config):
    own = rows(
        ("a", "call", True, 500, 25),
        ("a", "gift", True, 500, 25),
        ("a", "gift", False, 500, 50),
        ("b", "call", False, 500, 50),
    )
    found = learned_from(config, own)
    assert found["call"].holdout == 0
    assert not found["call"].learned
    assert found["gift"].holdout == 500


def test_only_windows_that_had_closed_by_the_cutoff_teach(played):
    """The third campaign's windows of 30 days close 30 days after it."""
    config = load(played)
    contacts = pd.read_parquet(played.parent / "data" / "contacts.parquet")
    days = sorted(set(contacts["occurred_at"].dt.date))
    edges = days[0], days[-1] + timedelta(29), days[-1] + timedelta(30)
    model, _ = resolve(config, None)
    histories = open_histories(config, Progress.silent())
    try:
        closed = [
            sum(rate.treated for rate in learned_rates(config, past).values())
            for past in (PastContacts.before(config, histories, model, day) for day in edges)
        ]
    finally:
        histories.close()
    per_day = contacts[contacts["group"] == "treated"]["occurred_at"].dt.date.value_counts()
    assert closed[0] == 0
    assert closed[1] <= per_day.sum() - per_day[days[-1]]
    assert closed[2] > closed[1]
    assert isinstance(days[0], date)


def test_the_risk_by_a_model_tells_how_many_would_have_left_where_few_were_held_out(config):
    """20 held out say little; those of the other action say that the model's risk came true."""
    own = rows(
        ("a", "call", True, 400, 20),
        ("a", "call", False, 20, 2),
        ("a", "gift", False, 400, 40),
        ("a", "gift", True, 10, 1),
    )
    risk = np.full(len(own), 0.1)
    alone, helped = (
        learned_from(config, own)["call"],
        learned_from(config, own, risk=risk)["call"],
    )
    assert not alone.learned
    assert helped.learned
    assert helped.expected == pytest.approx(40, abs=0.5)
    assert helped.mean > alone.mean + 0.03


def test_a_risk_that_did_not_come_true_is_put_right_by_those_held_out(config):
    """Twice as many were expected as left of those held out: the contacts kept nobody."""
    own = rows(("a", "call", True, 1000, 100), ("a", "call", False, 1000, 100))
    found = learned_from(config, own, risk=np.full(2000, 0.2))["call"]
    assert found.expected == pytest.approx(100, rel=0.15)
    assert found.mean < 0.2


def test_contacts_whose_action_did_not_fit_teach_nothing(config):
    own = rows(("a", "call", True, 4000, 200), ("a", "call", False, 4000, 400))
    found = learned_from(config, own, fits=np.zeros(len(own)), risk=np.full(len(own), 0.1))
    assert found["call"].treated == 0
    assert not found["call"].learned


def test_whom_an_action_fits_better_it_keeps_more_often_at_the_same_rate(config):
    """Half of the leavers were kept where the driver made all of the risk: 30 % where usual."""
    own = rows(("a", "call", True, 40_000, 2_000), ("a", "call", False, 40_000, 4_000))
    risk = np.full(len(own), 0.1)
    usual, clear = (
        learned_from(config, own, fits=np.full(len(own), fit), risk=risk)["call"].mean
        for fit in (1.0, 1 / 0.6)
    )
    assert usual == pytest.approx(0.5, abs=0.02)
    assert clear == pytest.approx(0.3, abs=0.02)


def test_without_actions_there_is_nothing_to_fit(config):
    found, drivers = [None] * 3, SimpleNamespace(explanation=SimpleNamespace(frame=None))
    nothing = config.model_copy(
        update={"outreach": config.outreach.model_copy(update={"actions": []})}
    )
    assert own_fits(nothing, None, found, drivers).tolist() == [1.0] * 3


def test_contacts_that_were_entered_after_the_cutoff_teach_nothing(write_config, tmp_path):
    """The second one was made in time and became known on the day of the cutoff."""
    source = tmp_path / "data"
    source.mkdir()
    head = "customer_id,occurred_at,campaign,action,group,available_at\n"
    rows = [f"{n},2025-01-05,a,call,treated,{known}" for n, known in KNOWN.items()]
    texts = {
        "customers": "customer_id,signed_up_at\n" + "\n".join(f"{n},2024-01-01" for n in KNOWN),
        "subscriptions": "customer_id,subscription_id,started_at,ended_at\n"
        + "\n".join(f"{n},{n},2024-01-01," for n in KNOWN),
        "usage": "customer_id,occurred_at,event\n1,2025-04-30,login",
        "contacts": head + "\n".join(rows),
    }
    for name, text in texts.items():
        (source / f"{name}.csv").write_text(text + "\n")
    config = load(write_config(tmp_path, source=source))
    histories = open_histories(config, Progress.silent())
    try:
        found = known_contacts(config, histories, date(2025, 3, 1)).rows["customer"]
    finally:
        histories.close()
    assert found.tolist() == [0, 2]


def test_contacts_and_their_vectors_are_read_once_for_rates_and_for_who_is_persuadable(
    played, monkeypatch
):
    asked = []

    def counted(name, real):
        return lambda *given, **more: asked.append(name) or real(*given, **more)

    for name in ("contacted", "build_vectors"):
        real = getattr(past_contacts, name)
        monkeypatch.setattr(past_contacts, name, counted(name, real))
    config = load(played)
    model, _ = resolve(config, None)
    histories = open_histories(config, Progress.silent())
    try:
        past = PastContacts.before(config, histories, model, date(2026, 6, 1))
        learned_rates(config, past)
        seen = _seen(past)
    finally:
        histories.close()
    assert asked == ["contacted", "build_vectors"]
    assert len(seen.risk) == past.compared.sum() > 0
    np.testing.assert_array_equal(seen.risk, past.risk[past.compared])
