"""One customer from histories and model to screen, JSON and page; and who has no score."""

from __future__ import annotations

import re
import shutil
from datetime import date, timedelta

import pandas as pd
import pytest

from features.wording import Wording, languages
from models.risk import LOW
from pipeline.config import load
from pipeline.explain import EARLIER, explain_customer
from pipeline.progress import Progress

AT = date(2026, 10, 1)


@pytest.fixture(scope="module")
def config(trained, tmp_path_factory):
    """The trained config in a folder of its own, where nobody else writes."""
    folder = tmp_path_factory.mktemp("explained") / "run"
    shutil.copytree(trained[0].parent, folder, ignore=shutil.ignore_patterns("out"))
    return folder / "churn.toml"


@pytest.fixture(scope="module")
def risk_list(config):
    from pipeline.score import score

    return score(load(config), Progress(), as_of=AT).risk_list


@pytest.fixture(scope="module")
def listed(risk_list):
    """The customer of the highest risk, as the risk list has it."""
    return risk_list.loc[risk_list["churn_probability"].idxmax()]


@pytest.fixture(scope="module")
def found(config, listed):
    return explain_customer(load(config), Progress(), listed["customer_id"], as_of=AT)


def test_it_says_what_the_risk_list_says(found, listed, risk_list):
    assert found.probability == listed["churn_probability"]
    assert (found.band, found.at_risk) == (listed["risk_band"], listed["at_risk"])
    assert found.value == pytest.approx(listed["value"], rel=1e-9)
    assert found.model == listed["model"]
    lower = (risk_list["churn_probability"] < found.probability).sum()
    assert found.riskier_than == lower / (len(risk_list) - 1)
    assert found.customers == len(risk_list)


def test_the_drivers_are_those_of_the_risk_list(found, listed):
    raising = [one for one in found.levers if one.raises][:3]
    for number, driver in enumerate(raising, 1):
        assert driver.group == listed[f"driver_{number}"]
        assert listed[f"reason_{number}"].startswith(driver.reason)
    assert raising
    assert found.in_doubt == ("(not sure:" in listed["reason_1"])


def test_the_drivers_add_up(found):
    total = sum(one.points for one in found.drivers)
    assert total == pytest.approx(found.probability - found.usual, rel=0, abs=1e-9)
    pushes = [one.log_odds for one in found.drivers]
    assert pushes == sorted(pushes, reverse=True)
    assert all((one.log_odds > 0) == (one.points > 0) for one in found.drivers)


def test_the_history_ends_with_the_score(found, listed, config):
    days = [day for day, _ in found.history]
    assert days == sorted(days)
    assert len(days) <= EARLIER + 1
    assert found.history[-1] == (AT, found.probability)
    day, score = found.history[-2]
    then = explain_customer(load(config), Progress(), listed["customer_id"], as_of=day)
    assert then.probability == score
    assert then.history == tuple(one for one in found.history if one[0] <= day)


def test_only_what_was_known_is_on_record(found, world):
    assert found.chronicle.happenings
    assert max(one.day for one in found.chronicle.happenings) < AT
    payments = pd.read_parquet(world / "payments.parquet")
    since, until = pd.Timestamp(AT - timedelta(days=365)), pd.Timestamp(AT)
    own = payments[
        (payments["customer_id"] == found.customer_id)
        & (payments["occurred_at"] >= since)
        & (payments["occurred_at"] < until)
    ]
    told = [one for one in found.chronicle.happenings if one.what.startswith("payment_")]
    assert len(told) == len(own)


def test_the_changes_go_with_less_risk(found):
    other = found.alternative
    assert other.probability < found.probability
    assert other.reached == (other.probability < found.at_risk_from)
    assert all(one.now and one.now != one.then for one in other.changes)


def test_it_is_repeatable(found, config):
    again = explain_customer(load(config), Progress(), found.customer_id, as_of=AT)
    assert again == found


def test_json_and_page_come_from_the_same(churn, config, found):
    ended = churn("explain", found.customer_id, "-c", config, "--as-of", AT, "--json", "--html")
    assert ended.status == 0, ended.err
    values = ended.json
    assert values["churn_probability"] == found.probability
    assert values["history"][-1] == {"as_of": str(AT), "churn_probability": found.probability}
    file = config.parent / "out" / "explained" / f"as_of={AT}" / f"{found.customer_id}.html"
    assert values["html"] == str(file)
    assert found.customer_id in file.read_text(encoding="utf-8")


ENGLISH = r"\b(the|days?|ago|last|customers?|with|paid|would|at|now|then|usage|payments)\b"


def test_dutch_has_no_english(churn, config, found, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    ended = churn("explain", found.customer_id, "-c", config, "--as-of", AT, "--lang", "nl")
    assert ended.status == 0, ended.err
    assert re.search(ENGLISH, "2 days ago")
    assert not re.findall(ENGLISH, ended.out)
    assert "kans op vertrek" in ended.out


def test_help_names_every_language(churn):
    for command in ("score", "explain"):
        out = churn(command, "--help").out
        assert all(re.search(rf"\b{language}\b", out) for language in languages())


def test_somebody_of_low_risk_is_explained_too(churn, config, risk_list):
    low = risk_list[risk_list["risk_band"] == LOW].iloc[0]["customer_id"]
    ended = churn("explain", low, "-c", config, "--as-of", AT)
    assert ended.status == 0, ended.err
    assert Wording.of().text("band_low") in ended.out
    assert ended.out.rstrip().splitlines()[-1].startswith("  nothing has to: it is not at risk")


@pytest.fixture
def alone(config, world, found, tmp_path):
    """A config whose histories hold one customer; its id is a whole number."""
    shutil.copytree(config.parent, tmp_path / "alone", ignore=shutil.ignore_patterns("out"))
    (tmp_path / "alone" / "data").mkdir()
    for file in world.glob("*.parquet"):
        rows = pd.read_parquet(file)
        own = rows[rows["customer_id"] == found.customer_id].assign(customer_id=17)
        own.to_parquet(tmp_path / "alone" / "data" / file.name)
    file = tmp_path / "alone" / "churn.toml"
    text = file.read_text(encoding="utf-8").replace(str(world), "data")
    file.write_text(text, encoding="utf-8")
    return file


def test_a_customer_alone_has_nobody_to_be_held_against(churn, alone, found):
    ended = churn("explain", "17", "-c", alone, "--as-of", AT, "--json")
    assert ended.status == 0, ended.err
    values = ended.json
    assert values["churn_probability"] == found.probability
    assert (values["riskier_than"], values["customers"]) == (None, 1)
    assert values["what_would_change_it"]["why_not"] == "no_peer_below"
    assert churn("explain", "17", "-c", alone, "--as-of", AT).status == 0


def test_the_first_days_have_no_history(churn, config, world):
    customers = pd.read_parquet(world / "subscriptions.parquet").sort_values("started_at")
    first = customers.iloc[0]
    day = (first["started_at"] + timedelta(days=1)).date()
    ended = churn("explain", first["customer_id"], "-c", config, "--as-of", day, "--json")
    assert ended.status == 0, ended.err
    assert [each["as_of"] for each in ended.json["history"]] == [str(day)]
    assert len(ended.json["usage_by_week"]) <= 1


def gone(world):
    rows = pd.read_parquet(world / "subscriptions.parquet")
    latest = rows.sort_values("valid_from").groupby("customer_id").last()
    ended = latest[latest["ended_at"] < "2026-06-01"].sort_values("ended_at").iloc[0]
    return str(ended.name), str(ended["ended_at"].date())


def later(world):
    customers = pd.read_parquet(world / "customers.parquet").sort_values("signed_up_at")
    newest = customers.iloc[-1]
    return newest["customer_id"], str(newest["signed_up_at"].date())


def refused(ended, *told):
    """One message with what, where, value, allowed and fix, and no traceback."""
    assert (ended.status, ended.out) == (2, ""), ended.err
    assert "Traceback" not in ended.err
    assert ended.err.count("error: ") == 1
    for part in ("where", "value", "allowed", "fix", *told):
        assert part in ended.err


def test_who_has_no_score_is_told_why(churn, config, world):
    def ask(customer_id, *rest):
        return churn("explain", customer_id, "-c", config, "--as-of", AT, *rest)

    refused(ask("nobody"), "Nobody knows this customer", "'nobody'")
    refused(ask("nobody", "--json"), "Nobody knows this customer")
    customer, day = gone(world)
    refused(ask(customer), f"its last subscription ended on {day}", f"--as-of {day}")
    customer, day = later(world)
    refused(ask(customer), f"it signed up on {day}")


def test_dates_without_histories(churn, config, found):
    def ask(day):
        return churn("explain", found.customer_id, "-c", config, "--as-of", day)

    refused(ask("2031-01-01"), "lies after the end of the histories")
    for day in ("0001-01-01", "1969-12-31", "2025-05-01"):
        ended = ask(day)
        assert ended.status == 4, ended.err
        assert f"Nobody is a customer at the cutoff {day}" in ended.err


def test_a_model_of_another_config(churn, config, found):
    file = config.with_name("other.toml")
    text = config.read_text(encoding="utf-8") + "\n[churn]\nhorizon_days = 60\n"
    file.write_text(text, encoding="utf-8")
    ended = churn("explain", found.customer_id, "-c", file)
    refused(ended, "predicts another churn", "config 60, model 30")


@pytest.mark.parametrize("command", [("explain", "C1"), ("score",)])
def test_an_unknown_language_is_refused_before_any_work(churn, tmp_path, command):
    """There are neither histories nor a model."""
    file = tmp_path / "churn.toml"
    file.write_text('[data]\nsource = "nothing"\n', encoding="utf-8")
    refused(churn(*command, "-c", file, "--lang", "xx"), "--lang", "xx", "en, nl")
    assert [one.name for one in tmp_path.iterdir()] == ["churn.toml"]
