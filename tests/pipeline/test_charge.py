"""Who is in charge: put there, rolled back, and found again."""

from __future__ import annotations

import shutil

import pytest

from features.errors import UsageError
from pipeline.charge import promote, rollback
from pipeline.config import from_values
from pipeline.registry import Registry


@pytest.fixture
def registry(store, tmp_path):
    """Four registered versions, none of them in charge."""
    shutil.copy(store, tmp_path / "mlflow.db")
    registry = Registry(from_values({"data": {"source": "data"}}, tmp_path / "churn.toml"))
    registry._client.create_registered_model(registry.name)
    for _ in range(4):
        registry._client.create_model_version(registry.name, source="s3://nowhere/model")
    return registry


@pytest.fixture
def config(registry):
    return registry.config


def put(config, *versions):
    for version in versions:
        promote(config, version)


def in_charge(registry):
    champion = registry.champion()
    return None if champion is None else champion.version


def test_rolled_back_twice_it_goes_back_twice(config, registry):
    put(config, "1", "2", "3")
    assert rollback(config).model.version == "2"
    assert rollback(config).model.version == "1"
    with pytest.raises(UsageError, match="No model was in charge before churn-risk/1"):
        rollback(config)
    assert in_charge(registry) == "1"


def test_what_was_in_charge_twice_is_gone_back_to_once(config, registry):
    """1, 2, 3 and 1 again: back is 3, 2, 1, and then there is nothing."""
    put(config, "1", "2", "3", "1")
    assert [rollback(config).model.version for _ in range(3)] == ["3", "2", "1"]
    with pytest.raises(UsageError, match="No model was in charge before"):
        rollback(config)


def test_what_was_rolled_back_is_not_gone_back_to(config):
    put(config, "1", "2")
    rollback(config)
    put(config, "3")
    assert rollback(config).model.version == "1"


def test_rolled_back_to_a_version(config, registry):
    put(config, "1", "2", "3")
    change = rollback(config, to="churn-risk/1", reason="2 and 3 rank students last")
    assert (change.model.version, change.before.version) == ("1", "3")
    assert "students" in registry.reason(registry.find("1"))
    with pytest.raises(UsageError, match="No model was in charge before"):
        rollback(config)


def test_new_version_tells_whom_it_replaced(config, registry):
    put(config, "1", "2")
    tags = registry._client.get_model_version(registry.name, "2").tags
    assert tags["replaced"] == "1"
    assert tags["promoted"] == "true"
    assert "replaced" not in registry._client.get_model_version(registry.name, "1").tags


def test_old_version_tells_that_it_was_rolled_back(config, registry):
    put(config, "1", "2")
    rollback(config, reason="too bold")
    tags = registry._client.get_model_version(registry.name, "2").tags
    assert tags["rolled_back"] == "to churn-risk/1: too bold"


def test_version_that_was_never_in_charge(config):
    put(config, "1", "2")
    with pytest.raises(UsageError, match="churn-risk/4 was not in charge") as told:
        rollback(config, to="4")
    assert told.value.fix.endswith("churn promote 4")


@pytest.mark.parametrize("version", ["9", "x", "other/1", "", "1 or 1=1", "1'"])
def test_unknown_version(config, registry, version):
    put(config, "1", "2")
    for asked in (lambda: promote(config, version), lambda: rollback(config, to=version)):
        with pytest.raises(UsageError, match="There is no version") as told:
            asked()
        assert told.value.allowed == "4, 3, 2, 1"
    assert in_charge(registry) == "2"


def test_nobody_in_charge(config):
    with pytest.raises(UsageError, match="nothing to roll back"):
        rollback(config)


def test_no_store_is_made_to_look_into(tmp_path):
    config = from_values({"data": {"source": "data"}}, tmp_path / "churn.toml")
    for asked in (lambda: rollback(config), lambda: promote(config, "1")):
        with pytest.raises(UsageError, match="no trained model"):
            asked()
    assert not list(tmp_path.iterdir())


def test_who_is_in_charge_already_stays(config, registry):
    put(config, "1", "2")
    assert promote(config, "2").is_none
    assert rollback(config, to="2").is_none
    assert rollback(config).model.version == "1"


def test_deleted_versions_are_passed_over(config, registry):
    put(config, "1", "2", "3")
    registry._client.delete_model_version(registry.name, "2")
    assert rollback(config).model.version == "1"


def test_alias_that_was_moved_by_hand(config, registry):
    """Who was in charge before is then the last one that this project put there."""
    put(config, "1", "2")
    registry._client.set_registered_model_alias(registry.name, "champion", "4")
    assert rollback(config).model.version == "2"
    registry._client.set_registered_model_alias(registry.name, "champion", "4")
    put(config, "3")
    assert rollback(config).model.version == "4"


def test_promoted_challenger_is_no_challenger_any_more(config, registry):
    registry.challenge(registry.find("2"), "not better")
    put(config, "1")
    assert registry._client.get_registered_model(registry.name).aliases.keys() >= {"challenger"}
    put(config, "2")
    aliases = registry._client.get_registered_model(registry.name).aliases
    assert {name: str(version) for name, version in aliases.items()} == {"champion": "2"}


def test_commands_tell_who_is_in_charge(config, churn):
    config.file.write_text('[data]\nsource = "data"\n', encoding="utf-8")
    first = churn("promote", "1", "-c", config.file)
    assert "churn-risk/1 is in charge now: promoted by hand" in first.out
    second = churn("promote", "2", "-c", config.file, "--reason", "new prices", "--json")
    assert second.json == {
        "model": "churn-risk/2",
        "before": "churn-risk/1",
        "reason": "promoted by hand: new prices",
    }
    back = churn("rollback", "-c", config.file)
    assert "churn-risk/1 is in charge now instead of churn-risk/2: rolled back" in back.out
    assert churn("rollback", "-c", config.file).status == 2
    assert "nothing changed" in churn("rollback", "--to", "1", "-c", config.file).out
