"""`churn kpis` as it is typed: what it prints, writes and refuses."""

from __future__ import annotations

import json

import pytest

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
