"""A small demo world, a migrated MLflow store and a trained model, made once; and the command."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
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
            text += "\n[model]\ntune_trials = 0\n"
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
def shared_data() -> Path:
    """Real histories, where they are."""
    if not SHARED.is_dir():
        pytest.skip("the real histories (../shared/data) are not on this machine")
    return SHARED
