"""What users see: help at once, one readable message for a mistake, the right status."""

from __future__ import annotations

import json
import subprocess
import sys

import pandas as pd
import pytest


def test_help_imports_nothing_heavy():
    """An import costs up to two seconds; help has to answer in well under half a second."""
    code = (
        "import sys; sys.argv = ['churn', '--help']\n"
        "from pipeline.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'mlflow', 'shap', 'lightgbm', 'ibis', 'pandas', 'numpy', 'sklearn', 'duckdb',"
        " 'pydantic', 'optuna', 'matplotlib', 'pyarrow'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY []" in done.stdout
    assert "train" in done.stdout


def test_installed_command_answers():
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "--help"], capture_output=True, text=True, check=True
    )
    for command in ("simulate", "check", "features", "train", "score"):
        assert command in done.stdout


def readable(ended, status: int) -> str:
    """A user's mistake: its status, one message on stderr, nothing on stdout, no traceback."""
    assert ended.status == status, ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
    assert "error: " in ended.err
    return ended.err


def test_missing_config(churn, tmp_path):
    assert "no.toml" in readable(churn("train", "-c", tmp_path / "no.toml"), 2)


def test_config_that_is_no_toml(churn, tmp_path):
    (tmp_path / "churn.toml").write_text("[data\n")
    assert "not valid TOML" in readable(churn("train", "-c", tmp_path / "churn.toml"), 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[churn]\nhorizn_days = 30", "horizon_days"),
        ("[chrun]\nhorizon_days = 30", "churn"),
        ("[churn]\nhorizon_days = 0", "greater than or equal to 1"),
        ('[churn]\nhorizon_days = "30"', "valid integer"),
        ('[churn]\ndefinition = "gone"', "'subscription', 'inactivity' or 'event'"),
        ("[features]\nwindows_days = [0]", "whole numbers from 1 to 3660"),
        ("[features]\nwindows_days = [30, -7]", "whole numbers from 1 to 3660"),
        ("[features]\nwindows_days = [7.5]", "valid integer"),
        ("[features]\nwindows_days = [30.0]", "valid integer"),
        ('[features]\nwindows_days = ["30"]', "valid integer"),
        ("[features]\nwindows_days = [true]", "valid integer"),
        ("[features]\nwindows_days = [nan]", "valid integer"),
        ("[features]\nwindows_days = []", "1 to 12 windows"),
        ("[features]\nwindows_days = 30", "valid list"),
        ("[features]\nwindows_days = [10_000_000]", "whole numbers from 1 to 3660"),
        (f"[features]\nwindows_days = {list(range(1, 20))}", "1 to 12 windows"),
        ('[data]\nsource = "data"\nengine = "sparc"', "duckdb"),
        ('[data]\nsource = "data"\nmemory_limit = "4 gigs"', 'such as "4GB"'),
        ("[points]\nfirst = 2026-02-01\nlast = 2026-01-01", "lies after last"),
        ('[[outreach.actions]]\nname = "x"\ndrivers = []\ncost = -1\nsuccess_rate = 0.1', "cost"),
        ('[data.columns.usage]\ncustomer = "id"', "customer_id"),
        ('[data]\nsource = "data"\ntimezone = "Mars"', "Europe/Amsterdam"),
    ],
)
def test_config_with_a_wrong_key_or_value(churn, tmp_path, text, said):
    data = "" if text.startswith("[data]") else '[data]\nsource = "data"\n'
    (tmp_path / "churn.toml").write_text(data + text)
    assert said in readable(churn("train", "-c", tmp_path / "churn.toml"), 2)
    assert {path.name for path in tmp_path.iterdir()} == {"churn.toml"}


def test_outputs_need_a_folder_of_their_own(churn, tmp_path):
    (tmp_path / "churn.toml").write_text('[data]\nsource = "data"\n[output]\ndir = "."\n')
    assert "[output] dir" in readable(churn("train", "-c", tmp_path / "churn.toml"), 2)


def test_a_password_is_shown_nowhere(tmp_path):
    from pipeline.config import from_values

    uri = "postgresql://me:secret@host/mlflow"
    values = {"data": {"source": "data"}, "mlflow": {"tracking_uri": uri}}
    config = from_values(values, tmp_path / "churn.toml")
    assert config.tracking_uri == uri
    assert "secret" not in config.shown_uri + json.dumps(config.as_shown())
    assert "host/mlflow" in config.shown_uri


def test_vectors_are_not_written_among_the_histories(churn, write_config, tmp_path, world):
    ended = churn(
        "features",
        "-c",
        write_config(tmp_path),
        *("--cutoff", "2026-01-01", "--out", world / "usage.parquet"),
    )
    assert "among the histories" in readable(ended, 2)


def test_a_store_that_is_no_database(churn, write_config, tmp_path):
    config = write_config(tmp_path)
    (tmp_path / "mlflow.db").write_text("hello")
    assert "tracking_uri" in readable(churn("score", "-c", config), 2)


def test_vectors_are_not_written_over_a_folder(churn, write_config, tmp_path):
    ended = churn(
        "features", "-c", write_config(tmp_path), "--cutoff", "2026-01-01", "--out", tmp_path
    )
    assert "--out" in readable(ended, 2)


def test_missing_folder(churn, write_config, tmp_path):
    told = readable(churn("train", "-c", write_config(tmp_path, source="nowhere")), 2)
    assert "nowhere" in told
    assert "churn simulate" in told


def test_folder_without_tables(churn, write_config, tmp_path):
    (tmp_path / "data").mkdir()
    told = readable(churn("train", "-c", write_config(tmp_path, source="data")), 3)
    assert "customers.parquet" in told


@pytest.fixture
def small(tmp_path):
    """Writes small tables: ``small(subscriptions={...})``."""

    def write(**tables: dict) -> str:
        (tmp_path / "data").mkdir(exist_ok=True)
        for name, columns in tables.items():
            pd.DataFrame(columns).to_csv(tmp_path / "data" / f"{name}.csv", index=False)
        return "data"

    return write


def test_missing_table(churn, write_config, tmp_path, small):
    source = small(usage={"customer_id": [1], "occurred_at": ["2025-01-01"], "event": ["login"]})
    told = readable(churn("train", "-c", write_config(tmp_path, source=source)), 3)
    assert "subscriptions" in told


def test_empty_table(churn, write_config, tmp_path, small):
    source = small(
        subscriptions={"customer_id": [], "subscription_id": [], "started_at": [], "ended_at": []}
    )
    told = readable(churn("train", "-c", write_config(tmp_path, source=source)), 3)
    assert "no rows" in told


def test_missing_required_column(churn, write_config, tmp_path, small):
    source = small(
        subscriptions={"customer_id": [1], "subscription_id": [1], "start_at": ["2025-01-01"]}
    )
    told = readable(churn("check", "-c", write_config(tmp_path, source=source)), 3)
    assert 'started_at = "start_at"' in told


def test_cutoff_without_any_customer(churn, write_config, tmp_path):
    out = tmp_path / "vectors.parquet"
    ended = churn("features", "-c", write_config(tmp_path), "--cutoff", "2020-01-01", "--out", out)
    assert "2020-01-01" in readable(ended, 4)
    assert not out.exists()


def test_nobody_ever_churns(churn, write_config, tmp_path, small):
    days = pd.date_range("2025-01-01", "2025-12-31", freq="7D")
    source = small(
        subscriptions={
            "customer_id": range(100),
            "subscription_id": range(100),
            "started_at": ["2025-01-01"] * 100,
            "ended_at": [None] * 100,
        },
        usage={
            "customer_id": [n % 100 for n in range(len(days))],
            "occurred_at": days,
            "event": ["login"] * len(days),
        },
    )
    told = readable(churn("train", "-c", write_config(tmp_path, source=source)), 4)
    assert "Nobody churned" in told
    assert not (tmp_path / "out" / "train").exists()


def test_histories_too_short(churn, write_config, tmp_path, small):
    source = small(
        subscriptions={
            "customer_id": [1],
            "subscription_id": [1],
            "started_at": ["2025-01-01"],
            "ended_at": [None],
        },
        usage={"customer_id": [1], "occurred_at": ["2025-01-20"], "event": ["login"]},
    )
    readable(churn("train", "-c", write_config(tmp_path, source=source)), 4)


def test_wrong_usage_of_the_command(churn):
    assert churn("train", "--nonsense").status == 2
    assert churn("score", "--as-of", "yesterday").status == 2


def test_unreachable_store(churn, write_config, tmp_path):
    file = write_config(tmp_path, '[mlflow]\ntracking_uri = "sqlite:////proc/no/mlflow.db"\n')
    assert "tracking_uri" in readable(churn("score", "-c", file), 2)


def test_fault_of_ours_keeps_its_traceback(churn, write_config, tmp_path, monkeypatch):
    from pipeline import check

    def broken(*_, **__):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(check, "open_histories", broken)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        churn("check", "-c", write_config(tmp_path))


def test_check_accounts_for_every_row(churn, write_config, tmp_path, small):
    source = small(
        customers={"customer_id": [1, 2, 2], "signed_up_at": ["2025-01-01"] * 3},
        subscriptions={
            "customer_id": [1, 2, 9],
            "subscription_id": [1, 2, 3],
            "started_at": ["2025-01-01", "2025-02-01", "2025-01-01"],
        },
    )
    config = write_config(tmp_path, "max_bad_share = 0.5\n", source=source)
    ended = churn("check", "-c", config, "--json")
    assert ended.status == 0, ended.err
    tables = json.loads(ended.out)["tables"]
    assert tables["customers"]["quarantined"] == {"repeated_customer_id": 1}
    assert tables["subscriptions"]["quarantined"] == {"unknown_customer": 1}
    assert tables["subscriptions"]["used"] == 2
    kept = pd.read_parquet(tmp_path / "out" / "quarantine" / "subscriptions.parquet")
    assert list(kept["customer_id"]) == ["9"]


def test_features_writes_vectors_with_labels(churn, write_config, tmp_path, world):
    out = tmp_path / "sub" / "vectors.parquet"
    ended = churn(
        "features",
        "-c",
        write_config(tmp_path),
        *("--cutoff", "2026-08-01", "--cutoff", "2026-09-01"),
        *("--out", out, "--labels", "--json"),
    )
    assert ended.status == 0, ended.err
    frame = pd.read_parquet(out)
    assert ended.json["rows"] == len(frame)
    assert ended.json["features"] == len(frame.columns) - 3
    truth = pd.read_parquet(world / "truth.parquet")
    both = frame.merge(truth, on=["customer_id", "cutoff"], suffixes=("", "_true"))
    assert len(both) == len(frame)
    assert (both["churned"] == both["churned_true"]).all()


def test_demo_histories_are_simulated_only_below_the_config(write_config, tmp_path, monkeypatch):
    from pipeline import demo
    from pipeline.config import load
    from pipeline.progress import Progress

    monkeypatch.setattr(demo, "CUSTOMERS", 50)
    monkeypatch.setattr(demo, "MONTHS", 4)
    inside = load(write_config(tmp_path / "a", source="data"))
    outside = load(write_config(tmp_path / "b", source="../elsewhere"))
    assert demo.simulate_if_missing(inside, Progress()) == tmp_path / "a" / "data"
    assert (tmp_path / "a" / "data" / "customers.parquet").is_file()
    assert demo.simulate_if_missing(inside, Progress()) is None
    assert demo.simulate_if_missing(outside, Progress()) is None
    assert not (tmp_path / "elsewhere").exists()


def test_training_only_where_no_version_is_registered(churn, trained, tmp_path, write_config):
    told = churn("train", "--if-none", "-c", trained[0])
    assert told.status == 0
    assert told.out == f"{trained[1].model.label} is registered already: nothing is trained.\n"
    done = churn("train", "--if-none", "-c", trained[0], "--json").json
    assert done == {"model": trained[1].model.label, "trained": False}
    file = write_config(tmp_path / "new", source="nowhere")
    assert churn("train", "--if-none", "-c", file).status == 2
