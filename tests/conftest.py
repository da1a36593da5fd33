"""Settings for all tests, and a PostgreSQL server of our own where one is installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

# As the command line does: short spins, since tests may run beside other work.
os.environ.setdefault("GOMP_SPINCOUNT", "100")

PASSWORD = "Zq7/ü@horse:staple"
"""With every sign that a URL has a use for."""


@dataclass(frozen=True)
class Database:
    """A database on the test server, with an owner who may do everything."""

    port: int
    name: str
    owner: str = "owner"

    def url(self, user: str | None = None, password: str | None = PASSWORD, query: str = "") -> str:
        secret = "" if password is None else ":" + quote(password, safe="")
        return f"postgresql://{user or self.owner}{secret}@127.0.0.1:{self.port}/{self.name}{query}"

    def connect(self) -> Any:
        import psycopg

        return psycopg.connect(self.url(), autocommit=True)

    def run(self, *statements: str) -> None:
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    def role(self, name: str) -> str:
        """A role that may log in and nothing else; dropped before it is made anew."""
        self.run(f"DROP ROLE IF EXISTS {name}", f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
        return name


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Database]:
    """A throw-away server on loopback that asks for passwords."""
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL (initdb, pg_ctl) is not on this machine")
    folder = Path(tempfile.mkdtemp(prefix="churn-postgres-"))
    server = Database(_free_port(), "postgres")
    control = [programs / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log"]
    options = f"-p {server.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -F"
    try:
        (folder / "password").write_text(PASSWORD + "\n", encoding="utf-8")
        if os.getuid() == 0:
            for path in (folder, folder / "password"):
                shutil.chown(path, _user())
        _run(programs / "initdb", "-D", folder / "data", "-U", server.owner, "-N", "-E", "UTF8",
             "--locale=C", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}")  # fmt: skip
        _run(*control, "-o", options, "start")
        yield server
    finally:
        _run(*control, "-m", "immediate", "stop", check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(postgres_server, monkeypatch, _numbers) -> Iterator[Database]:
    """An empty database, and an environment that says nothing about PostgreSQL."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    # Nobody's own password file may let a test pass.
    monkeypatch.setenv("PGPASSFILE", "/nowhere")
    made = Database(postgres_server.port, f"db{next(_numbers)}")
    postgres_server.run(f"CREATE DATABASE {made.name}")
    yield made
    postgres_server.run(f"DROP DATABASE {made.name} WITH (FORCE)")


@pytest.fixture(scope="session")
def _numbers():
    return count()


def _programs() -> Path | None:
    """The newest folder that holds the server's programs; Debian keeps them off the PATH."""
    on_path = shutil.which("initdb")
    places = [Path(on_path).resolve().parent] if on_path else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = (p for p in places if (p / "initdb").is_file() and (p / "pg_ctl").is_file())
    return next(found, None)


def _user() -> str:
    """The server refuses to run as root."""
    import pwd

    users = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in users else "nobody"


def _run(*command: object, check: bool = True) -> None:
    as_user = {"user": _user(), "extra_groups": []} if os.getuid() == 0 else {}
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE if "initdb" in str(command[0]) else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        cwd="/",
        check=False,
        **as_user,
    )
    if check and done.returncode:
        pytest.fail(f"{command[0]} failed: {done.stdout}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
