"""By which code and libraries: told where it can be, and never an error."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from pipeline.provenance import _lock, provenance

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    def git(*arguments):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init")
    (tmp_path / "churn.toml").write_text("one")
    git("add", ".")
    git("commit", "-m", "one")
    return tmp_path, git("rev-parse", "HEAD")


@needs_git
def test_commit_of_the_configs_folder(repository):
    folder, commit = repository
    found = provenance(folder)
    assert (found.commit, found.dirty) == (commit, False)
    (folder / "churn.toml").write_text("two")
    assert provenance(folder).as_tags()["git_dirty"] == "true"


@needs_git
def test_commit_of_the_working_directory(repository, tmp_path_factory, monkeypatch):
    folder, commit = repository
    monkeypatch.chdir(folder)
    assert provenance(tmp_path_factory.mktemp("elsewhere")).commit == commit


def test_outside_a_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    found = provenance(tmp_path)
    assert (found.commit, found.dirty) == (None, None)
    assert "git_commit" not in found.as_tags()


def test_without_git(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance(tmp_path).commit is None


def test_lock_is_told_by_its_bytes(tmp_path):
    file = tmp_path / "requirements.lock"
    versions = {"numpy": "2.4"}
    file.write_text("numpy==2.4")
    locked = _lock(file, versions)
    assert locked.startswith("requirements.lock:")
    file.write_text("numpy==2.5")
    assert _lock(file, versions) != locked


def test_without_a_lock_the_installed_versions_tell(tmp_path):
    missing = tmp_path / "requirements.lock"
    first = _lock(missing, {"a": "1", "b": "2"})
    assert first.startswith("installed:")
    assert first == _lock(missing, {"b": "2", "a": "1"})
    assert first != _lock(missing, {"a": "1", "b": "3"})


def test_versions_are_those_of_what_is_used(tmp_path):
    versions = provenance(tmp_path).versions
    assert {"churn-risk", "lightgbm", "mlflow", "numpy", "ibis-framework"} <= set(versions)
    assert "pytest" not in versions
    assert list(versions) == sorted(versions)
