"""The risk list: complete, in order, whole or not at all."""

from __future__ import annotations

import json
import shutil
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.risk import COLUMNS
from pipeline.config import load
from pipeline.registry import existing_registry


@pytest.fixture
def scored(trained, churn):
    file, _ = trained
    ended = churn("score", "-c", file, "--as-of", "2026-10-01", "--json")
    assert ended.status == 0, ended.err
    return file, ended.json


@pytest.fixture
def risk_list(scored):
    return pd.read_parquet(scored[1]["path"])


def test_json_holds_what_was_promised(scored, risk_list):
    values = scored[1]
    assert values["customers"] == len(risk_list)
    assert values["at_risk"] == risk_list["at_risk"].sum()
    contacts = risk_list[risk_list["group"] == "contact"]
    assert values["contacts"] == len(contacts)
    assert values["expected_profit"] == pytest.approx(contacts["expected_profit"].sum())


def test_columns_are_those_of_the_contract(risk_list):
    assert tuple(risk_list.columns) == COLUMNS


def test_every_active_customer_is_on_the_list_once(risk_list, world):
    truth = pd.read_parquet(world / "truth.parquet")
    active = truth[pd.to_datetime(truth["cutoff"]) == "2026-10-01"]["customer_id"]
    assert sorted(risk_list["customer_id"]) == sorted(active)


def test_highest_value_at_risk_comes_first(risk_list):
    assert (risk_list["value_at_risk"].diff().dropna() <= 0).all()
    assert list(risk_list["rank"]) == list(range(1, len(risk_list) + 1))
    at_stake = risk_list["churn_probability"] * risk_list["value"]
    np.testing.assert_allclose(risk_list["value_at_risk"], at_stake)


def test_who_is_not_contacted_is_told_why(risk_list):
    untouched = risk_list["group"] == "none"
    reasons = {"unprofitable", "budget", "suppressed", "no_consent", "not_at_risk"}
    assert set(risk_list.loc[untouched, "why_not"]) <= reasons
    assert (risk_list.loc[~untouched, "why_not"] == "").all()


def test_consent_is_never_broken(risk_list, world):
    customers = pd.read_parquet(world / "customers.parquet")
    refused = set(customers.loc[~customers["contact_allowed"], "customer_id"])
    chosen = set(risk_list.loc[risk_list["group"] != "none", "customer_id"])
    assert chosen
    assert not chosen & refused


def test_whoever_is_contacted_has_a_driver_and_a_reason(risk_list):
    contacted = risk_list[risk_list["group"] == "contact"]
    assert contacted["driver_1"].notna().all()
    assert contacted["reason_1"].str.len().gt(10).all()
    assert contacted["expected_profit"].gt(0).all()


def test_same_inputs_same_bytes(scored, churn):
    file, _ = scored
    folder = file.parent / "out" / "risk" / "as_of=2026-10-01"
    names = ("risk_list.parquet", "risk_list.csv", "outreach.csv")
    before = {name: (folder / name).read_bytes() for name in names}
    assert churn("score", "-c", file, "--as-of", "2026-10-01").status == 0
    assert before == {name: (folder / name).read_bytes() for name in names}


def test_later_history_changes_no_list(trained, churn, world, tmp_path):
    """Scoring a past date gives what would have been given then."""
    file, _ = trained
    assert churn("score", "-c", file, "--as-of", "2026-08-01").status == 0
    full = pd.read_parquet(file.parent / "out/risk/as_of=2026-08-01/risk_list.parquet")
    folder = tmp_path / "cut"
    shutil.copytree(file.parent, folder)
    shutil.rmtree(folder / "out")
    shutil.copytree(world, folder / "data")
    for table in ("usage", "payments", "surveys"):
        rows = pd.read_parquet(folder / "data" / f"{table}.parquet")
        rows[rows["occurred_at"] < "2026-08-01"].to_parquet(folder / "data" / f"{table}.parquet")
    config = folder / "churn.toml"
    told = config.read_text(encoding="utf-8")
    config.write_text(told.replace(str(world), "data"), encoding="utf-8")
    assert churn("score", "-c", config, "--as-of", "2026-08-01").status == 0
    cut = pd.read_parquet(folder / "out/risk/as_of=2026-08-01/risk_list.parquet")
    pd.testing.assert_frame_equal(full, cut)


def test_run_tells_what_ran(scored):
    file, _ = scored
    run = json.loads((file.parent / "out/risk/as_of=2026-10-01/run.json").read_text())
    assert run["model"] == "churn-risk/1"
    for table in run["tables"].values():
        assert table["rows"] == table["used"] + sum(table["quarantined"].values())
    counts = run["customers"]
    assert counts["known"] == counts["points"] + counts["not_active"]


def _listed(folder):
    """Who is on the list, and who is on none of it with the reason."""
    left_out = pd.read_csv(folder / "not_scored.csv", dtype=str)
    assert list(left_out.columns) == ["customer_id", "reason"]
    risk = pd.read_parquet(folder / "risk_list.parquet")
    return risk["customer_id"].astype(str).tolist(), left_out


def test_every_customer_is_on_the_list_or_told_why_not(scored, world):
    listed, left_out = _listed(scored[0].parent / "out/risk/as_of=2026-10-01")
    customers = pd.read_parquet(world / "customers.parquet")
    assert sorted(listed + left_out["customer_id"].tolist()) == sorted(
        customers["customer_id"].astype(str)
    )
    later = customers.loc[customers["signed_up_at"] >= "2026-10-01", "customer_id"].astype(str)
    assert set(left_out.loc[left_out["reason"] == "signed_up_later", "customer_id"]) == set(later)
    assert set(left_out["reason"]) == {"signed_up_later", "not_active"}


def test_customers_whose_rows_are_bad_are_listed_too(trained, churn, world, tmp_path):
    folder = tmp_path / "dirty"
    shutil.copytree(trained[0].parent, folder, ignore=shutil.ignore_patterns("out"))
    shutil.copytree(world, folder / "data")
    customers = pd.read_parquet(world / "customers.parquet")
    bad = customers.head(3).assign(customer_id=["C000000", "C-1", "C-1"], signed_up_at=pd.NaT)
    pd.concat([bad, customers]).to_parquet(folder / "data" / "customers.parquet")
    config = folder / "churn.toml"
    config.write_text(config.read_text().replace(str(world), "data"), encoding="utf-8")
    ended = churn("score", "-c", config, "--as-of", "2026-10-01")
    assert ended.status == 0, ended.err
    listed, left_out = _listed(folder / "out/risk/as_of=2026-10-01")
    assert left_out.loc[left_out["reason"] == "quarantined", "customer_id"].tolist() == ["C-1"]
    expected = [*customers["customer_id"], "C-1"]
    assert sorted(listed + left_out["customer_id"].tolist()) == sorted(expected)


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.decimal128(12, 2), pa.string()])
def test_ids_are_written_in_one_way_whatever_their_type(kind, tmp_path):
    """The second row of customer 3 is bad, and so is the only one of 4."""
    from features.churn import Definition
    from features.histories import read_histories
    from features.points import make_points
    from features.sources import Source
    from pipeline.score import not_scored

    day = date(2025, 3, 1)
    signed_up = [date(2025, 1, 1), day, date(2025, 1, 1), date(2025, 1, 1), None]
    ids = pa.array([1, 2, 3, 3, 4], pa.int32())
    customers = pa.table({"customer_id": ids.cast(kind), "signed_up_at": signed_up})
    pq.write_table(customers, tmp_path / "customers.parquet")
    usage = pa.table({"customer_id": [1], "occurred_at": [date(2025, 2, 28)], "event": ["a"]})
    pq.write_table(usage, tmp_path / "usage.parquet")
    histories = read_histories(Source(str(tmp_path)), max_bad_share=1)
    points = make_points(histories, Definition(kind="inactivity"), [day], labels=False)
    found = not_scored(histories, points, day)
    histories.close()
    reasons = {"2": "signed_up_later", "3": "not_active", "4": "quarantined"}
    assert dict(zip(found["customer_id"], found["reason"], strict=True)) == reasons
    assert len(found) == 3


def test_failing_run_leaves_the_old_list(scored, churn, monkeypatch):
    from pipeline import score

    file, values = scored
    before = pd.read_parquet(values["path"])

    def broken(*_):
        raise OSError("no space left")

    monkeypatch.setattr(score, "write_csv", broken)
    with pytest.raises(OSError, match="no space left"):
        churn("score", "-c", file, "--as-of", "2026-10-01")
    pd.testing.assert_frame_equal(before, pd.read_parquet(values["path"]))
    assert [p.name for p in (file.parent / "out/risk").iterdir() if p.name.startswith(".")] == []


def test_no_model_yet(churn, write_config, tmp_path):
    ended = churn("score", "-c", write_config(tmp_path))
    assert ended.status == 2
    assert "churn train" in ended.err


def test_model_of_another_churn_is_refused(trained, churn, tmp_path):
    file, _ = trained
    shutil.copytree(file.parent, tmp_path / "other")
    config = tmp_path / "other" / "churn.toml"
    config.write_text(config.read_text() + "\n[churn]\nhorizon_days = 60\n", encoding="utf-8")
    ended = churn("score", "-c", config)
    assert ended.status == 2
    assert "horizon_days: config 60, model 30" in ended.err


def test_a_budget_of_nothing_is_told_as_the_reason_for_an_empty_list(trained, churn, tmp_path):
    shutil.copytree(trained[0].parent, tmp_path / "poor", ignore=shutil.ignore_patterns("out"))
    config = tmp_path / "poor" / "churn.toml"
    config.write_text(config.read_text() + "\n[outreach]\nbudget = 0\n", encoding="utf-8")
    shown = churn("score", "-c", config, "--as-of", "2026-10-01")
    assert shown.status == 0, shown.err
    assert "note      Nobody is contacted: budget is 0." in shown.out
    (run,) = (tmp_path / "poor" / "out").rglob("run.json")
    outreach = json.loads(run.read_text(encoding="utf-8"))["outreach"]
    assert outreach["notes"] == ["Nobody is contacted: budget is 0."]
    assert {one["verdict"] for one in outreach["by_action"].values()} == {"no contacts"}


def test_unknown_model(trained, churn):
    ended = churn("score", "-c", trained[0], "--model", "models:/churn-risk/99")
    assert ended.status == 2
    assert "churn-risk/99" in ended.err


@pytest.mark.parametrize(
    "uri", ["http://u:hidden@127.0.0.1:9/x", "s3://u:hidden@bucket/x", "nowhere"]
)
def test_model_of_a_wrong_place_is_told_without_its_password(trained, churn, uri):
    ended = churn("score", "-c", trained[0], "--model", uri)
    assert ended.status == 2, ended.err
    assert "The model cannot be read" in ended.err
    assert "hidden" not in ended.err
    assert "Traceback" not in ended.err


def test_models_are_told_by_name_and_version(trained):
    file, result = trained
    registry = existing_registry(load(file))
    newest = registry.versions()[0].version
    assert registry.label("models:/churn-risk/latest") == f"churn-risk/{newest}"
    assert registry.label("models:/churn-risk/1/") == "churn-risk/1"
    assert registry.label("models:/churn-risk@champion") == result.model.label
    assert registry.label("https://u:hidden@host/x") == "https://u@host/x"


def test_date_after_the_histories(trained, churn):
    ended = churn("score", "-c", trained[0], "--as-of", "2030-01-01")
    assert ended.status == 2
    assert "2030-01-01" in ended.err


def test_a_customer_without_any_driver_can_be_shown(capsys):
    """Nothing raises its risk, so there is no driver, no reason and no action."""
    from datetime import date
    from pathlib import Path

    from models.expected_profit import Outlook
    from models.outreach import Outreach
    from models.persuading import UpliftVerdict
    from models.risk import risk_list
    from pipeline import show
    from pipeline.choosing import Chosen
    from pipeline.score import Scored

    unknown = np.full(2, np.nan)
    nobody = Outreach(
        action=[None, None],
        expected_profit=unknown,
        profit_low=unknown,
        profit_high=unknown,
        group=["none"] * 2,
        why_not=["not_at_risk"] * 2,
        spent=0.0,
        gap=0.0,
        bound=0.0,
        by_action={},
        total=Outlook(0.0, 0.0, 0.0, 0, 0.0),
    )
    found = risk_list(
        customer_ids=["[/b] one", "two"],
        as_of=date(2026, 1, 1),
        probability=np.array([0.2, 0.1]),
        value=np.array([0.0, 0.0]),
        bands=np.array(["low", "low"]),
        high_value=np.array([False, False]),
        drivers=[["usage", None, None], [None, None, None]],
        reasons=[["Plan: [red]", None, None], [None, None, None]],
        outreach=nobody,
        model="churn-risk/1",
    )
    chosen = Chosen("c", nobody, {}, UpliftVerdict(False, "none"), pd.DataFrame())
    show.scored(Scored(Path("out"), date(2026, 1, 1), "churn-risk/1", found, chosen))
    told = capsys.readouterr().out
    assert "[/b] one" in told
    assert "Plan: [red]" in told
