"""The commands on histories in PostgreSQL: the same results as from files, and no password."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

SECRETS = (b"Zq7", b"staple")
"""The beginning and the end of the test server's password, as it is written anywhere."""
TYPES = {"int64": "bigint", "int32": "int", "double": "double precision", "bool": "boolean"}


@pytest.fixture(scope="session")
def small_world(tmp_path_factory):
    from pipeline.simulate import simulate

    folder = tmp_path_factory.mktemp("small") / "data"
    simulate(folder, customers=1200, months=14, seed=5)
    return folder


@pytest.fixture
def stored(database, small_world):
    """The small world in a database."""
    import duckdb

    with database.connect() as connection, connection.cursor() as cursor:
        for file in sorted(small_world.glob("*.parquet")):
            fields = pq.read_schema(file)
            kinds = [TYPES.get(str(f.type), "timestamptz" if "time" in str(f.type) else "text")
                     for f in fields]  # fmt: skip
            columns = ", ".join(f'"{f.name}" {k}' for f, k in zip(fields, kinds, strict=True))
            cursor.execute(f'CREATE TABLE "{file.stem}" ({columns})')
            text = file.with_suffix(".csv")
            duckdb.sql(f"COPY (FROM '{file}') TO '{text}' (HEADER false)")
            with cursor.copy(f'COPY "{file.stem}" FROM STDIN (FORMAT csv)') as copy:
                copy.write(text.read_bytes())
            text.unlink()
    return database


def test_all_commands_give_what_files_give_and_show_no_password(
    stored, small_world, write_config, churn, tmp_path
):
    text = "\n[points]\nevery = 45\n[model]\ntune_trials = 0\ntest_points = 1\n"
    config = write_config(tmp_path / "server", text, source=stored.url())
    files = write_config(tmp_path / "files", text, source=small_world)
    ended = [churn("check", "-c", config, "--json"), churn("check", "-c", files, "--json")]
    assert ended[0].json == ended[1].json
    for each in (config, files):
        vectors = each.parent / "out" / "vectors.parquet"
        ended.append(churn("features", "-c", each, "--cutoff", "2026-06-01", "--out", vectors))
    written = [(each.parent / "out/vectors.parquet").read_bytes() for each in (config, files)]
    assert written[0] == written[1]
    ended += [churn("train", "-c", config), churn("score", "-c", config)]
    assert [each.status for each in ended] == [0] * len(ended), ended
    for secret in SECRETS:
        assert not any(secret.decode() in each.out + each.err for each in ended)
        for file in tmp_path.rglob("*"):
            if file.is_file() and file != config:
                assert secret not in file.read_bytes(), file
    recorded = [file for file in tmp_path.rglob("config.json") if file.is_file()]
    assert any(f"owner@127.0.0.1:{stored.port}" in file.read_text() for file in recorded)


@pytest.mark.parametrize(
    "text",
    [
        '[data]\nsuorce = "postgresql://u:hunter2@h/db"',
        '[data]\nsource = ["postgresql://u:hunter2@h/db"]',
        'postgres = "postgresql://u:hunter2@h/db"\n[data]\nsource = "x"',
        '[data]\nsource = "postgresql://u:hunter2@127.0.0.1:1/db"',
        '[data]\nsource = "postgresql://u:hunter2@127.0.0.1:1/db"\n[data.columns.users]\na = "b"',
        '[data]\nsource = "postgresql://u:hunter2@h/db"\n[data]\n',
    ],
)
def test_a_mistake_in_a_config_shows_no_password(text, churn, tmp_path):
    pytest.importorskip("psycopg")
    (tmp_path / "churn.toml").write_text(text, encoding="utf-8")
    ended = churn("check", "-c", tmp_path / "churn.toml")
    assert ended.status in (2, 3)
    assert ended.err.startswith("error: ")
    assert "hunter2" not in ended.err + ended.out


def test_a_password_does_not_change_the_configs_hash(tmp_path):
    from pipeline.config import from_values

    hashes = {
        from_values({"data": {"source": source}}, tmp_path / "churn.toml").hash
        for source in ("postgresql://u:hunter2@h/db", "postgresql://u:hunter3@h/db")
    }
    assert len(hashes) == 1
