"""`churn kpis` as it is typed: what it prints, writes and refuses."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from pipeline.kpi_pictures import plots_of
from pipeline.kpis import SECTIONS, Kpis, head_of

HEAD = "customer_id,subscription_id,started_at,ended_at,cancelled_at,plan,price\n"
ROWS = [f"c{n},s{n},2025-01-10,{'2025-03-10' if n < 2 else ''},,[pro],10\n" for n in range(20)]
CUSTOMERS = ["customer_id,signed_up_at,channel\n", *[f"c{n},2025-01-10,web\n" for n in range(20)]]


@pytest.fixture
def kpis(churn, tmp_path):
    """Runs the command on twenty subscriptions, two of which ended in March."""

    def run(*arguments, text="observed_until = 2025-05-01\n", rows=ROWS):
        data = tmp_path / "data"
        data.mkdir(exist_ok=True)
        (data / "subscriptions.csv").write_text(HEAD + "".join(rows))
        (data / "customers.csv").write_text("".join(CUSTOMERS))
        config = tmp_path / "churn.toml"
        config.write_text(f'[data]\nsource = "data"\n{text}')
        return churn("kpis", "-c", config, *arguments)

    return run


def test_periods_are_printed_and_written(kpis, tmp_path):
    ended = kpis("--json")
    assert ended.status == 0, ended.err
    march = ended.json["periods"][2]
    wanted = ("start", "customers_start", "churned", "churn_rate", "complete")
    assert [march[name] for name in wanted] == ["2025-03-01", 20, 2, 0.1, True]
    assert march["revenue"][0]["churned"] == 20.0
    assert json.loads((tmp_path / "out" / "kpis.json").read_text()) == ended.json
    first = (tmp_path / "out" / "kpis.json").read_bytes()
    kpis("--json")
    assert (tmp_path / "out" / "kpis.json").read_bytes() == first


def test_the_tables_name_periods_kinds_and_parts(kpis):
    ended = kpis("--by", "plan", "--by", "channel", "--every", "month")
    assert ended.status == 0, ended.err
    words = ("2025-03", "10.00%", "71.8%", "unknown", "[pro]", "By channel", "kpis.json", "90.0%")
    assert [word for word in words if word not in ended.out] == []


def test_a_younger_business_ends_well(kpis):
    ended = kpis("--every", "year", "--json")
    assert ended.status == 0, ended.err
    (year,) = ended.json["periods"]
    assert (year["churn_rate"], year["complete"]) == (None, False)
    assert any(note.startswith("No year here") for note in ended.json["notes"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "2025-03-01", "--to", "2025-02-01"], ["--from, --to", "does not lie before"]),
        (["--every", "weekly"], ["--every", "month, quarter, year"]),
        (["--by", "chanel"], ["--by", "'chanel'", "--by channel"]),
        (["--to", "2025-01-01"], ["--to", "a day after 2025-01-10"]),
        (["--from", "2024-01-01", "--to", "2025-01-01"], ["--to", "a day after 2025-01-10"]),
        (["--from", "2026-01-01"], ["--from", "2026-01-01", "a day before 2025-05-01"]),
        (["--from", "2025-05-01", "--to", "2026-01-01"], ["--from", "a day before 2025-05-01"]),
        (["--from", "0001-01-01"], ["More than 1,200 periods"]),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, words, kpis, tmp_path):
    ended = kpis(*arguments)
    assert ended.status == 2, ended.err
    assert [word for word in words if word not in ended.err] == []
    assert not (tmp_path / "out" / "kpis.json").exists()


def test_negative_prices_are_money_like_any_other(kpis):
    ended = kpis("--json", rows=[*ROWS, "c1,discount,2025-01-10,,,,-4\n"])
    february = ended.json["periods"][1]
    assert february["revenue"][0]["end"] == 196.0


def test_plots_go_into_a_folder_beside_what_is_there(kpis, tmp_path):
    folder = tmp_path / "plots" / "of kpis"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("ours")
    ended = kpis("--plots", folder, "--by", "plan", "--json")
    assert ended.status == 0, ended.err
    names = [f"{name}.png" for name in ("churn_rate", "revenue", "churn_by_plan")]
    names += ["survival.png", "survival_plan.png"]
    assert [Path(file) for file in ended.json["plots"]] == [folder / name for name in names]
    first = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert set(first) == {"notes.txt", *names}
    assert all(first[name].startswith(b"\x89PNG") for name in names)
    told = kpis("--plots", folder, "--by", "plan")
    assert f"{', '.join(names)}\n" in told.out
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == first


def test_without_plots_nothing_is_drawn(kpis):
    ended = kpis("--json")
    assert "plots" not in ended.json
    assert not [line for line in kpis().out.splitlines() if line.startswith("plots")]


def test_plots_need_a_folder(kpis, tmp_path):
    (tmp_path / "file").write_text("")
    ended = kpis("--plots", tmp_path / "file" / "plots")
    assert (ended.status, ended.out) == (2, "")
    assert "--plots" in ended.err
    assert str(tmp_path / "file") in ended.err
    assert not (tmp_path / "out").exists()


def test_currencies_that_are_signs_alone_have_plots_of_their_own(business):
    rows = "customer_id | subscription_id | started_at | ended_at | price | currency\n"
    rows += "a | 1 | 2025-01-02 | | 10 | €\nb | 2 | 2025-01-02 | | 20 | £\n"
    asked = business({"subscriptions": rows}, observed_until=date(2025, 3, 1))
    answers = {one.name: one.find(asked) for one in SECTIONS}
    found = plots_of(Kpis(Path("kpis.json"), head_of(asked), answers))
    titles = {name: plot.figure().axes[0].get_ylabel() for name, plot in found.items()}
    assert titles["revenue__"].startswith("£")
    assert titles["revenue___2"].startswith("€")
