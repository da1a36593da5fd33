"""A server that is away is told from a store that is wrong."""

from __future__ import annotations

import pytest

from pipeline.config import from_values
from pipeline.reaching import SETTINGS, StoreAway, StoreFailed, client_of, store_file


def config_of(folder, uri):
    values = {"data": {"source": "data"}, "mlflow": {"tracking_uri": uri}}
    return from_values(values, folder / "churn.toml")


@pytest.fixture(autouse=True)
def _asked_once(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def test_nobody_listens(tmp_path, refusing):
    with pytest.raises(StoreAway, match="does not answer") as told:
        client_of(config_of(tmp_path, refusing))
    assert told.value.said == "Connection refused"
    assert refusing in str(told.value)


def test_server_is_out_of_order(tmp_path, serve):
    with pytest.raises(StoreAway):
        client_of(config_of(tmp_path, serve()))


@pytest.mark.parametrize(
    "answer",
    [
        (404, "no such page"),
        (200, "<html>a shop</html>"),
        (403, '{"error_code": "PERMISSION_DENIED"}'),
    ],
)
def test_something_else_answers(tmp_path, serve, answer):
    address = serve({"/api/2.0/mlflow/registered-models/search": answer})
    with pytest.raises(StoreFailed) as told:
        client_of(config_of(tmp_path, address))
    assert not isinstance(told.value, StoreAway)


@pytest.mark.parametrize("uri", ["sqlite:////proc/no/mlflow.db", "htp://host", "mlflow.db://x"])
def test_wrong_uri_is_no_server_that_is_away(tmp_path, uri):
    with pytest.raises(StoreFailed, match="cannot be reached") as told:
        client_of(config_of(tmp_path, uri))
    assert not isinstance(told.value, StoreAway)


def test_password_is_not_told(tmp_path, refusing):
    uri = refusing.replace("http://", "http://me:s3cret@")
    with pytest.raises(StoreAway) as told:
        client_of(config_of(tmp_path, uri))
    assert "s3cret" not in str(told.value) + told.value.said


def test_a_silent_server_is_waited_for_at_most_twenty_seconds():
    trials = 1 + int(SETTINGS["MLFLOW_HTTP_REQUEST_MAX_RETRIES"])
    waits = trials * int(SETTINGS["MLFLOW_HTTP_REQUEST_TIMEOUT"])
    assert waits + trials * (1 + int(SETTINGS["MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR"])) <= 20


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("sqlite:///mlflow.db", "mlflow.db"),
        ("sqlite:///sub/runs.db", "sub/runs.db"),
        ("sqlite:///:memory:", None),
        ("http://host:5000", None),
        ("postgresql://host/mlflow", None),
    ],
)
def test_only_sqlite_has_a_file(tmp_path, uri, name):
    expected = None if name is None else tmp_path.resolve() / name
    assert store_file(config_of(tmp_path, uri)) == expected
