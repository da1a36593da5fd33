"""Finding the model that a command asked for, and saying why there is none."""

from __future__ import annotations

import shutil

import pytest

from features.errors import UsageError
from pipeline.config import from_values, load
from pipeline.reaching import StoreAway
from pipeline.registry import Registry, newest_registered, resolve


def config_of(folder, **mlflow):
    return from_values({"data": {"source": "data"}, "mlflow": mlflow}, folder / "churn.toml")


def test_no_store_is_made_to_look_into(tmp_path):
    for uri in (None, "models:/churn-risk/1"):
        with pytest.raises(UsageError, match="There is no trained model yet"):
            resolve(config_of(tmp_path), uri)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["churn-risk", "it's", "a name with spaces"])
def test_model_that_was_not_promoted_is_named_with_the_reason(store, tmp_path, name):
    shutil.copy(store, tmp_path / "mlflow.db")
    config = config_of(tmp_path, model=name)
    registry = Registry(config)
    registry._client.create_registered_model(name)
    registry._client.create_model_version(name, source="s3://nowhere/model")
    registry.challenge(registry.find("1"), "not better than the churn rate for all")
    with pytest.raises(UsageError, match="There is no model in charge") as told:
        resolve(config, None)
    assert "not better than the churn rate for all" in told.value.value
    assert told.value.fix.endswith("churn promote 1")


@pytest.mark.parametrize(
    ("content", "said"), [(None, "lacks model.json"), ("{", "JSONDecodeError")]
)
def test_folder_without_a_model(tmp_path, content, said):
    if content is not None:
        (tmp_path / "model.json").write_text(content)
    with pytest.raises(UsageError, match="The model cannot be read") as told:
        resolve(config_of(tmp_path), str(tmp_path))
    assert said in told.value.value


def test_server_that_is_away_is_told(tmp_path, refusing):
    with pytest.raises(StoreAway):
        resolve(config_of(tmp_path, tracking_uri=refusing), None)


def test_command_tells_that_the_server_is_away(churn, tmp_path, refusing):
    text = f'[data]\nsource = "data"\n[mlflow]\ntracking_uri = "{refusing}"\n'
    (tmp_path / "churn.toml").write_text(text)
    ended = churn("score", "-c", tmp_path / "churn.toml")
    assert ended.status == 2
    assert "does not answer" in ended.err
    assert "Connection refused" in ended.err


def test_the_newest_version_is_found_and_no_store_is_made_to_look(trained, tmp_path):
    assert newest_registered(load(trained[0])) == trained[1].model
    assert newest_registered(config_of(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


def test_a_store_without_a_model_has_none(store, tmp_path):
    shutil.copy(store, tmp_path / "mlflow.db")
    assert newest_registered(config_of(tmp_path)) is None
