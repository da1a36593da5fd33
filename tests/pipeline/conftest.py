"""A small demo world, a migrated MLflow store and a trained model, made once; and the command."""

from __future__ import annotations

import json
import shutil
import socket
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).parents[3] / "shared" / "data"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def churn(capsys, monkeypatch):
    """Runs the command in this process: ``churn("train", "-c", file)``."""
    from pipeline.cli import main

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["churn", *map(str, arguments)])
        capsys.readouterr()
        status = 0
        try:
            main()
        except SystemExit as exit:
            status = int(exit.code or 0)
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> Path:
    """Demo histories: 2,500 customers over 18 months."""
    from pipeline.simulate import simulate

    folder = tmp_path_factory.mktemp("world") / "data"
    simulate(folder, customers=2500, months=18, seed=3)
    return folder


@pytest.fixture(scope="session")
def store(tmp_path_factory) -> Path:
    """An MLflow store whose migrations have run: copying it saves seconds in every test."""
    from pipeline.config import from_values
    from pipeline.tracking import Tracking

    folder = tmp_path_factory.mktemp("store")
    values = {"data": {"source": "data"}}
    Tracking(from_values(values, folder / "churn.toml"))
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def write_config(world, store):
    """Writes a config into a folder, with an MLflow store beside it."""

    def write(folder: Path, text: str = "", *, source: Path | str = world) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "churn.toml"
        data = f"[data]\nsource = {json.dumps(str(source))}\n"
        if "[model]" not in text:
            text += "\n[model]\ntune_trials = 0\nrefits = 2\n"
        file.write_text(data + text, encoding="utf-8")
        shutil.copy(store, folder / "mlflow.db")
        return file

    return write


@pytest.fixture(scope="session")
def trained(tmp_path_factory, write_config):
    """A config whose model is trained, and what training gave back."""
    from pipeline.config import load
    from pipeline.progress import Progress
    from pipeline.train import train

    file = write_config(tmp_path_factory.mktemp("trained"))
    return file, train(load(file), Progress())


@pytest.fixture(scope="session")
def played(tmp_path_factory, write_config):
    """A business that ran three campaigns, and a model in charge that is older than these."""
    from pipeline.config import load
    from pipeline.progress import Progress
    from pipeline.simulate import simulate
    from pipeline.train import train

    folder = tmp_path_factory.mktemp("played")
    simulate(folder / "data", customers=2500, months=16, seed=4, campaigns=3)
    text = """
[points]
last = 2026-02-01
[model]
tune_trials = 0
refits = 0
test_points = 1
[outreach]
budget = 150.0
"""
    file = write_config(folder, text, source=folder / "data")
    # Its test is small: whether it is better than nothing is not asked.
    train(load(file), Progress(), force_promote=True)
    return file


@pytest.fixture(scope="session")
def found(tmp_path_factory, write_config):
    """What a training run found, before anybody decides; its histories are open."""
    from pipeline import train
    from pipeline.config import load
    from pipeline.progress import Progress
    from pipeline.recording import Recorded
    from pipeline.registry import Registered

    caught = []

    def caught_instead(found, tracking, **_):
        caught.append(found)
        return Recorded(Registered("churn-risk", "0", ""), False, "", Path())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "record", caught_instead)
        patch.setattr("features.histories.Histories.close", lambda self: None)
        train.train(load(write_config(tmp_path_factory.mktemp("found"))), Progress())
    yield caught[0]
    caught[0].candidate.histories.close()


@pytest.fixture(scope="session")
def small_explanation():
    """What a small model says of 300 customers at two cutoffs: numbers with gaps, a text, a flag.

    Those whose payments failed leave, and those who are seldom seen, most of all on plan basic.
    """
    import numpy as np
    import pandas as pd

    from models.explanation import explain
    from models.matrix import find_levels, to_matrix
    from models.model import ChurnModel
    from models.training import Data, Part, fit

    random = np.random.default_rng(2)
    days = random.exponential(20, 600).round()
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{number:03}" for number in np.repeat(np.arange(300), 2)],
            "cutoff": pd.to_datetime(["2026-01-01", "2026-02-01"] * 300),
            "usage_days_since_last": np.where(random.random(600) < 0.1, np.nan, days),
            "payments_last_failed": (random.random(600) < 0.2) * 1.0,
            "subscriptions_plan": random.choice(["basic", "pro"], 600),
            "customers_profile_vip": np.repeat(random.random(300) < 0.3, 2) * 1.0,
        }
    )
    silent = (frame["usage_days_since_last"] > 30) & (frame["subscriptions_plan"] == "basic")
    log_odds = -3.5 + 3.0 * silent + 3.5 * frame["payments_last_failed"]
    labels = (random.random(600) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)
    features = tuple(
        {"name": name, "meaning": name, "unit": unit, "group": group, "table": "", "window_days": 0}
        for name, unit, group in (
            ("usage_days_since_last", "days", "usage"),
            ("payments_last_failed", "0 or 1", "payments"),
            ("subscriptions_plan", "text", "subscription"),
            ("customers_profile_vip", "0 or 1", "profile"),
        )
    )
    names, levels = [one["name"] for one in features], find_levels(frame, ["subscriptions_plan"])
    part = Part(to_matrix(frame, names, levels), labels)
    fitted = fit(Data(part, names, ["subscriptions_plan"]), seed=1)
    model = ChurnModel(fitted.boosters, features, levels, {}, float(labels.mean()), {})
    return explain(model, frame.assign(churned=labels))


@pytest.fixture
def at(found, store, tmp_path):
    """The same training run, with its output and an MLflow store in a folder of this test."""
    from dataclasses import replace

    shutil.copy(store, tmp_path / "mlflow.db")
    config = found.candidate.config.model_copy(update={"file": tmp_path / "churn.toml"})
    return replace(found, candidate=replace(found.candidate, config=config))


@pytest.fixture
def serve():
    """A web server: ``serve({path: (status, text)})`` gives its address; 500 for any other path."""
    servers = []

    def start(answers: dict[str, tuple[int, str]] | None = None) -> str:
        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                status, text = (answers or {}).get(path, (500, "out of order"))
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def refusing(monkeypatch) -> str:
    """The address of a server that is away, asked only once."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real histories, where they are."""
    if not SHARED.is_dir():
        pytest.skip("the real histories (../shared/data) are not on this machine")
    return SHARED


@pytest.fixture
def explained():
    """One customer at risk, explained; ``explained(band="low")`` for another one."""
    from dataclasses import replace
    from datetime import date

    from features.chronicle import Chronicle, Happening
    from features.wording import Wording
    from pipeline.explained import Altered, Alternative, Driver, Explained

    drivers = (
        Driver("payments", "payments", 1.2, 0.2, True, "2 of 3 payments failed"),
        Driver("price", "price", 1.1, 0.12, True, "The price rose by 20 %"),
        Driver("profile", "profile", 0.2, 0.01, False, "Country: NL"),
        Driver("usage", "usage", -0.5, -0.05, True, None),
    )
    changes = (Altered("payments", "payments", ("2 failed",), ("none failed",), 0.9),)
    happenings = (
        Happening(date(2026, 2, 1), "signed_up"),
        Happening(date(2026, 3, 5), "payment_failed", {"amount": 9.5, "method": None}),
    )
    one = Explained(
        customer_id="C7",
        as_of=date(2026, 4, 1),
        model="churn-risk/3",
        probability=0.3,
        band="high",
        horizon_days=30,
        usual=0.02,
        at_risk_from=0.06,
        riskier_than=0.9,
        customers=11,
        value=200.0,
        history=((date(2026, 3, 1), 0.05), (date(2026, 4, 1), 0.3)),
        drivers=drivers,
        steady=0.95,
        alternative=Alternative(True, 0.04, changes, ("The price rose by 20 %",), ""),
        chronicle=Chronicle(happenings, ((date(2026, 3, 18), 4), (date(2026, 3, 25), 0))),
        wording=Wording.of("en"),
    )

    def changed(**changes: Any) -> Explained:
        if isinstance(changes.get("wording"), str):
            changes["wording"] = Wording.of(changes["wording"])
        return replace(one, **changes)

    return changed


@pytest.fixture(scope="session")
def business(tmp_path_factory):
    """What key figures are made from, of tables as text with bars: ``business({...}, every=...)``.

    Further options are those of the churn definition and of the question. The histories of a few
    tables stay open: the next test may ask something else of them.
    """
    from dataclasses import fields

    from features.churn import Definition
    from features.histories import read_histories
    from features.sources import Source
    from pipeline.business import Business, Question

    opened: dict[tuple, Any] = {}

    def read(tables, observed_until):
        folder = tmp_path_factory.mktemp("tables")
        for name, text in tables.items():
            lines = [[cell.strip() for cell in line.split("|")] for line in text.split("\n")]
            kept = [",".join(cells) for cells in lines if any(cells)]
            (folder / f"{name}.csv").write_text("\n".join(kept), encoding="utf-8")
        return read_histories(Source(str(folder)), max_bad_share=1.0, observed_until=observed_until)

    def of(tables, *, observed_until=None, **options):
        key = (*sorted(tables.items()), observed_until)
        if key not in opened:
            if len(opened) > 4:
                opened.pop(next(iter(opened))).close()
            opened[key] = read(tables, observed_until)
        asked = {f.name: options.pop(f.name) for f in fields(Question) if f.name in options}
        return Business.of(opened[key], Definition(**options), Question(**asked))

    yield of
    for histories in opened.values():
        histories.close()


@pytest.fixture(scope="session")
def lever_panel():
    """A panel by hand: features by name, who churned, and whose points they are, on one day."""
    from datetime import date

    import numpy as np
    import pandas as pd

    from features.churn import Definition
    from features.cut import Points
    from features.plan import NO_PLAN
    from features.points import LabelledPoints
    from pipeline.lever_panel import Panel

    def of(features, churned, *, values=None, histories=None):
        count = len(churned)
        customers = np.arange(count, dtype=np.int32)
        labels = np.asarray(churned, dtype=np.int8)
        cutoff = np.zeros(count, np.int32)
        points = LabelledPoints((date(2025, 3, 1),), Points(cutoff, customers), labels, ())
        days = pd.to_datetime(["2025-03-01"] * count)
        frame = pd.DataFrame({"customer_id": customers, "cutoff": days, **features})
        return Panel(histories, Definition(), NO_PLAN, points, frame, values, 30)

    return of


@pytest.fixture(scope="session")
def weighed(tmp_path_factory, write_config):
    """The panel and the levers of the demo world."""
    from pipeline.config import load
    from pipeline.lever_panel import panel_of
    from pipeline.levers import weigh
    from pipeline.opening import open_histories
    from pipeline.progress import Progress

    config = load(write_config(tmp_path_factory.mktemp("weighed")))
    histories = open_histories(config, Progress())
    panel = panel_of(config, histories)
    yield panel, weigh(panel, margin=config.value.margin)
    histories.close()
