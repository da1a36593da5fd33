"""By which code and which libraries a model came about: enough to make it again."""

from __future__ import annotations

import hashlib
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

PROJECT = "churn-risk"
LOCK = Path(__file__).parents[1] / "requirements.lock"
LONGEST_SECONDS = 5
"""How long git may take; a repository on a slow disk is not waited for."""


@dataclass(frozen=True)
class Provenance:
    """Code and libraries of a run.

    Attributes
    ----------
    commit
        The git commit; None outside a repository.
    dirty
        Whether tracked files differed from it; None where nobody knows.
    lock
        A hash of the lock file, or of what is installed where there is no lock file.
    versions
        By name, the installed version of this project and of what it depends on.
    """

    commit: str | None
    dirty: bool | None
    lock: str
    python: str
    versions: Mapping[str, str]

    def as_tags(self) -> dict[str, str]:
        """As MLflow tags; what is not known is left out."""
        known = {
            "git_commit": self.commit,
            "git_dirty": None if self.dirty is None else str(self.dirty).lower(),
        }
        return {
            **{name: value for name, value in known.items() if value},
            "lock_hash": self.lock,
            "python": self.python,
            "versions": ", ".join(f"{name} {number}" for name, number in self.versions.items()),
        }


def provenance(folder: Path) -> Provenance:
    """What runs now; the commit is that of a config's folder, else of the working directory."""
    place = next((each for each in (folder, Path.cwd()) if _git(each, "rev-parse", "HEAD")), None)
    versions = _versions()
    changes = None if place is None else _git(place, "status", "--porcelain", "-uno")
    return Provenance(
        commit=None if place is None else _git(place, "rev-parse", "HEAD"),
        dirty=None if changes is None else bool(changes),
        lock=_lock(LOCK, versions),
        python=platform.python_version(),
        versions=versions,
    )


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says of a folder; None where it says nothing."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _lock(file: Path, versions: Mapping[str, str]) -> str:
    """``requirements.lock:HASH``, or ``installed:HASH`` where there is no such file."""
    try:
        content, name = file.read_bytes(), file.name
    except OSError:
        content, name = repr(sorted(versions.items())).encode(), "installed"
    return f"{name}:{hashlib.sha256(content).hexdigest()[:12]}"


def _versions() -> dict[str, str]:
    """The installed version of this project and of each of its dependencies, by name."""
    try:
        needed = metadata.requires(PROJECT) or []
    except metadata.PackageNotFoundError:
        needed = []
    names = [PROJECT, *(_NAME.match(line)[0] for line in needed if "extra ==" not in line)]  # type: ignore[index]
    found = {}
    for name in sorted(set(names)):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # needed on other systems only
    return found


_NAME = re.compile(r"[\w.-]+")
