"""A server that is away costs nothing: the run is kept whole, and MLflow gets it later."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace

import mlflow
import pandas as pd
import pytest

from features.errors import UsageError
from pipeline import show
from pipeline.config import load
from pipeline.progress import Progress
from pipeline.reaching import StoreAway, StoreFailed
from pipeline.recording import record
from pipeline.registry import Registered, Registry, resolve
from pipeline.tracking import Tracking
from pipeline.unsent import kept, send

AWAY = StoreAway("The MLflow server does not answer.", value="http://host")


@pytest.fixture
def config(at):
    return at.candidate.config


def told(run_id):
    """What MLflow holds of a run, but for what belongs to the moment and to the decision."""
    run = mlflow.MlflowClient().get_run(run_id).data
    figures = {name: value for name, value in run.metrics.items() if name.startswith("test.")}
    ours = {name: value for name, value in run.tags.items() if not name.startswith("mlflow.")}
    for name in ("training", "promoted", "reason", "compared_with"):
        ours.pop(name)
    return run.params, figures, ours


def test_kept_run_becomes_what_it_would_have_been(at, config):
    """Sent later or recorded at once: the same run, the same model, the same decision."""
    away = record(at, AWAY)
    assert (away.promoted, away.model.run_id) == (False, "")
    assert away.model.label == f"churn-risk/unsent-{away.unsent.name}"
    assert "not registered" in away.reason
    (sent,) = send(config, Progress())
    assert (sent.run, sent.promoted, sent.model.version) == (away.unsent.name, True, "1")
    assert not away.unsent.parent.exists()
    at_once = record(at, Tracking(config))
    assert told(at_once.model.run_id) == told(sent.model.run_id)
    files = {one.path for one in mlflow.MlflowClient().list_artifacts(sent.model.run_id)}
    assert files >= {"model_card.md", "metrics.json", "features.parquet", "drivers.png"}
    infos = [mlflow.models.get_model_info(f"models:/churn-risk/{version}") for version in (1, 2)]
    assert infos[0].signature == infos[1].signature
    model = mlflow.pyfunc.load_model("models:/churn-risk/1")
    example = pd.DataFrame(model.input_example)
    predicted = model.predict(example)["churn_probability"]
    assert predicted.tolist() == pytest.approx(at.candidate.predicted[: len(example)].tolist())


def test_kept_model_scores_by_its_folder(at, config):
    folder = record(at, AWAY).unsent / "model"
    model, label = resolve(config, str(folder))
    assert label == str(folder)
    some = at.candidate.frame.head(20)
    assert model.predict(some).tolist() == at.candidate.predicted[:20].tolist()


def test_next_is_what_works_while_the_server_is_away(
    at, config, trained, churn, world, refusing, monkeypatch, capsys
):
    """Typed as it was told, from the config's folder."""
    config.file.write_text(
        f'[data]\nsource = "{world}"\n[mlflow]\ntracking_uri = "{refusing}"\n', encoding="utf-8"
    )
    monkeypatch.chdir(config.folder)
    away = record(at, AWAY)
    result = replace(trained[1], promoted=False, reason=away.reason, unsent=away.unsent)
    show.trained(result, config, "churn.toml")
    told = capsys.readouterr().out
    assert f"churn score -c churn.toml --model out/unsent/{away.unsent.name}/model   " in told
    assert "churn send -c churn.toml   " in told
    assert "churn score -c churn.toml   " not in told
    assert "make ui" not in told
    typed = told.partition("next      churn ")[2].partition("   ")[0].split()
    ended = churn(*typed, "--json")
    assert ended.status == 0, ended.err
    assert ended.json["model"] == f"out/unsent/{away.unsent.name}/model"


def test_next_is_the_risk_list_and_mlflow_where_the_run_is_there(trained, config, capsys):
    show.trained(trained[1], config, "churn.toml")
    told = capsys.readouterr().out
    assert "next      churn score -c churn.toml   the risk list" in told
    assert "make ui CONFIG=churn.toml" in told
    assert "churn send" not in told


def test_runs_are_sent_in_their_order(at, config):
    """The first is in charge; it was not when the second was judged, so that one waits."""
    names = [record(at, AWAY).unsent.name for _ in range(2)]
    assert [folder.name for folder in kept(config)] == sorted(names)
    first, second = send(config, Progress())
    assert [first.run, second.run] == sorted(names)
    assert (first.promoted, second.promoted) == (True, False)
    assert "judged when nobody could be asked, and now churn-risk/1 is in charge" in second.reason
    assert Tracking(config).registry.champion().version == "1"
    assert send(config, Progress()) == []


def test_decision_holds_while_the_same_model_is_in_charge(at, config, monkeypatch):
    """The server went away after the comparison: what was found then is still right."""
    record(at, Tracking(config))

    def gone(*_):
        raise AWAY

    better = at.candidate.predicted + 0.1 * (at.candidate.labels - 0.05)
    candidate = replace(at.candidate, predicted=better.clip(0.001, 0.999))
    with monkeypatch.context() as patch:
        patch.setattr(Tracking, "record", gone)
        away = record(replace(at, candidate=candidate), Tracking(config))
    assert away.unsent is not None
    (sent,) = send(config, Progress())
    assert sent.promoted
    assert "churn-risk/1" in sent.reason


def test_server_that_breaks_off_half_way_gets_the_run_once(at, config, monkeypatch):
    """Half a run stays there; sending deletes it and records the whole."""

    def gone(*_):
        raise AWAY

    with monkeypatch.context() as patch:
        patch.setattr(Tracking, "_register", gone)
        away = record(at, Tracking(config))
    assert away.promoted is False
    (sent,) = send(config, Progress())
    client = mlflow.MlflowClient()
    runs = client.search_runs([client.get_experiment_by_name("churn-risk").experiment_id])
    assert [run.info.run_id for run in runs] == [sent.model.run_id]
    assert mlflow.active_run() is None


def test_run_that_was_registered_is_not_registered_again(at, config, monkeypatch):
    def gone(*_, **__):
        raise AWAY

    with monkeypatch.context() as patch:
        patch.setattr(Tracking, "decide", gone)
        away = record(at, Tracking(config))
    assert away.model.label == "churn-risk/1"
    assert away.reason.startswith("registered, but MLflow did not take the decision")
    assert "churn-risk/1 is registered" in away.warning
    (sent,) = send(config, Progress())
    assert (sent.model.version, sent.promoted) == ("1", True)
    assert len(Tracking(config).registry.versions()) == 1


def test_store_that_goes_away_behind_the_alias_gets_the_reason_later(at, config, monkeypatch):
    """The version is in charge already; why, and who was before, is written when it is sent."""

    def gone(*_, **__):
        raise AWAY

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "tag", gone)
        record(at, Tracking(config))
    registry = Tracking(config).registry
    assert registry.in_charge() == "churn-risk/1"
    assert registry.reason(registry.champion()) == ""
    (sent,) = send(config, Progress())
    assert sent.promoted
    assert sent.reason.startswith("the first model; log loss")
    assert registry.reason(registry.champion()) == sent.reason


def test_run_that_somebody_put_in_charge_stays_there(at, config, monkeypatch):
    """It was found no better, registered without its decision, and promoted by hand since."""

    def gone(*_, **__):
        raise AWAY

    record(at, Tracking(config))
    with monkeypatch.context() as patch:
        patch.setattr(Tracking, "decide", gone)
        away = record(at, Tracking(config))
    Tracking(config).registry.promote(away.model, "by hand")
    (sent,) = send(config, Progress())
    registry = Tracking(config).registry
    assert (sent.promoted, sent.reason) == (True, "by hand")
    assert registry.in_charge() == away.model.label
    assert registry.reason(away.model) == "by hand"


def test_champion_that_changed_meanwhile_was_not_compared_with(at, config, monkeypatch):
    """Somebody else's model is put in charge between the comparison and the decision."""
    record(at, Tracking(config))
    better = at.candidate.predicted + 0.1 * (at.candidate.labels - 0.05)
    found = replace(at, candidate=replace(at.candidate, predicted=better.clip(0.001, 0.999)))
    recorded = Tracking.record

    def meanwhile(tracking, run):
        if run.name == "other":
            return recorded(tracking, run)
        other = recorded(tracking, replace(run, name="other"))
        tracking.registry.promote(other, "by hand")
        return recorded(tracking, run)

    monkeypatch.setattr(Tracking, "record", meanwhile)
    done = record(found, Tracking(config))
    assert not done.promoted
    assert "judged while churn-risk/1 was in charge, and now churn-risk/2 is" in done.reason
    assert Tracking(config).registry.in_charge() == "churn-risk/2"


def test_interrupted_upload_keeps_the_run(at, config, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Tracking, "_register", interrupt)
    with pytest.raises(KeyboardInterrupt) as stopped:
        record(at, Tracking(config))
    assert len(kept(config)) == 1
    assert "churn send" in stopped.value.__notes__[0]


def test_forced_model_takes_over_from_one_that_nobody_could_ask_for(at, config):
    record(at, Tracking(config))
    away = record(at, AWAY, force=True)
    assert away.unsent is not None
    (sent,) = send(config, Progress())
    assert sent.promoted
    assert sent.reason.startswith("forced; the comparison says")
    assert Tracking(config).registry.in_charge() == sent.model.label


def test_kept_run_without_a_decision_is_not_sent(at, config):
    away = record(at, AWAY)
    file = away.unsent / "run.json"
    values = json.loads(file.read_text())
    del values["decision"]
    file.write_text(json.dumps(values))
    with pytest.raises(UsageError, match="A kept run cannot be read"):
        send(config, Progress())
    assert Tracking(config).registry.versions() == []


def test_server_answers_at_first_and_then_no_more(at, config, serve, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    address = serve({"/api/2.0/mlflow/registered-models/search": (200, "{}")})
    section = config.mlflow.model_copy(update={"tracking_uri": address})
    elsewhere = config.model_copy(update={"mlflow": section})
    candidate = replace(at.candidate, config=elsewhere)
    result = record(replace(at, candidate=candidate), Tracking(elsewhere))
    assert result.unsent == kept(config)[0]
    assert "500" in result.reason
    assert "NOT registered" in result.warning


def test_forced_model_is_kept_as_forced(at, config):
    record(at, AWAY, force=True)
    decision = json.loads((kept(config)[0] / "run.json").read_text())["decision"]
    assert decision["promoted"] is True
    assert decision["reason"].startswith("forced; the comparison says too")


def test_what_cannot_be_sent_stays(at, config, refusing):
    record(at, AWAY)
    section = config.mlflow.model_copy(update={"tracking_uri": refusing})
    with pytest.raises(StoreFailed):
        send(config.model_copy(update={"mlflow": section}), Progress())
    assert len(kept(config)) == 1


def test_kept_run_that_lost_a_file(at, config):
    folder = record(at, AWAY).unsent
    (folder / "example.parquet").unlink()
    with pytest.raises(UsageError, match="A kept run cannot be read") as told:
        send(config, Progress())
    assert folder.name in told.value.where
    assert folder.is_dir()


def test_run_is_kept_whole_or_not_at_all(at, config, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("pipeline.unsent.write_parquet", full)
    with pytest.raises(OSError, match="no space left"):
        record(at, AWAY)
    assert kept(config) == []
    assert not any((config.out / "unsent").iterdir())


def test_fault_of_ours_costs_no_model(at, config, monkeypatch):
    """It is told as a fault, with the run kept."""

    def broken(*_):
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(Tracking, "record", broken)
    with pytest.raises(ZeroDivisionError):
        record(at, Tracking(config))
    assert len(kept(config)) == 1


@pytest.fixture
def server(tmp_path_factory):
    """A real MLflow server on a store of its own."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "files")]
    log = (folder / "log").open("w")
    running = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{port}"
        while running.poll() is None and not _answers(f"{address}/health"):
            time.sleep(0.2)
        assert running.poll() is None, (folder / "log").read_text()
        yield address
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait()
        log.close()


def _answers(address):
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except OSError:
        return False


def test_real_server_takes_what_was_kept(at, config, server, churn):
    """Stdout holds one JSON object, whatever MLflow would like to print there."""
    record(at, AWAY)
    text = f'[data]\nsource = "data"\n[mlflow]\ntracking_uri = "{server}"\n'
    config.file.write_text(text, encoding="utf-8")
    ended = churn("send", "-c", config.file, "--json")
    assert ended.status == 0, ended.err
    (sent,) = ended.json["sent"]
    assert (sent["model"], sent["promoted"]) == ("churn-risk/1", True)
    model, label = resolve(load(config.file), None)
    assert label == "churn-risk/1"
    some = at.candidate.frame.head(20)
    assert model.predict(some).tolist() == at.candidate.predicted[:20].tolist()
    assert churn("promote", "1", "-c", config.file).status == 0
    assert "No model was in charge before" in churn("rollback", "-c", config.file).err


def test_sent_tells_how_to_put_a_challenger_in_charge():
    from pipeline.show_models import sent
    from pipeline.unsent import Sent

    told = sent([Sent("20260101T000000-ab", Registered("churn-risk", "4", "r"), False, "later")])
    assert "churn promote 4" in told
    assert "No run" in sent([])


def test_names_are_those_of_the_training(at, config):
    """A config that was changed since then sends no model under another name."""
    record(at, AWAY)
    section = config.mlflow.model_copy(update={"model": "other", "experiment": "other"})
    (sent,) = send(config.model_copy(update={"mlflow": section}), Progress())
    assert sent.model.label == "churn-risk/1"
