"""One dirty world, three engines: the same good rows, the same bad ones for the same reasons."""

from __future__ import annotations

import io
import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from features import engines, postgres_engine, spark_session
from features.churn import Definition
from features.collected import collected_of
from features.departure_kinds import departure_kinds
from features.errors import ContractBroken, UsageError
from features.histories import read_histories
from features.inspection import inspect
from features.leaks import suspects
from features.plan import make_plan
from features.points import make_points
from features.prices import terms_of
from features.sources import Source
from features.spells import spells_of
from features.vectors import build_vectors
from pipeline.simulate import simulate

DAY = datetime(2025, 1, 1)
CLOCK = "Europe/Amsterdam"


def days(*numbers, timezone=None, unit="us"):
    moments = [None if n is None else DAY + timedelta(days=n) for n in numbers]
    return pa.array(moments, pa.timestamp("us", timezone)).cast(pa.timestamp(unit, timezone))


CUSTOMERS = {
    "customer_id": [10, 9, 2, 3, None, 2],
    "signed_up_at": days(0, 9, 0, 5, 0, 7, timezone="UTC"),
    "contact_allowed": ["yes", "no", None, "t", "yes", "1"],
    "segment": ["small", "big", "", " big ", None, "x"],
    "seats": ["3", "4.5", None, "1", "nan", "1"],
    "trial": ["true", "False", None, "true", "true", "false"],
    "price": pa.array([Decimal("9.99"), None, Decimal("0.10"), None, None, None]),
}
SUBSCRIPTIONS = {
    "customer_id": ["10", "9", "2", "3", "3", "3"],
    "subscription_id": ["a", "b", "c", "d", "d", ""],
    "started_at": days(0, 0, 40, 1, 2, 3),
    "ended_at": days(None, 70, 30, 9, 9, None),
    "price": [1.0, 2.0, float("nan"), 1.0, 1.0, float("inf")],
}
USAGE = """customer_id,occurred_at,event,value
10,2025-01-05 10:00:00,login,1
10,2025-01-05T10:00:00+02:00,login,1e3
9,2025-13-01,login,
77,2025-02-01,"a ""quoted"", word",2
2,2025-02-30,x,1
2,2025-03-01,"two
lines",inf
3,1/2/25,x,1_000
3,2025-03-01,x,1_000
 3,2025-03-30 02:30:00,x,12.5
3,2025/3/4 5:06,x,
3,infinity,x,7
,2025-03-30 02:30:00,x,12.5
"""
PAYMENTS = [
    {"customer_id": [10, 9], "occurred_at": days(1, 2), "amount": [1, 2], "status": ["Paid ", "x"]},
    {
        "customer_id": ["10", "x"],
        "occurred_at": days(3, None, timezone="UTC"),
        "amount": [1.5, 2e16],
        "status": ["refunded", "failed"],
        "method": ["card", None],
    },
]
TICKETS = {
    "customer_id": [10, 9, 9],
    "ticket_id": [1.0, 2.5, 3.0],
    # Nanoseconds are what pandas writes.
    "opened_at": days(20, 30, 40, timezone="UTC", unit="ns"),
    "closed_at": days(21, None, 39, timezone="UTC", unit="ns"),
    "csat": pa.nulls(3),
    "category": [b"billing", None, b"bug"],
    "available_at": days(20, 30, 90),
}
NANOSECONDS = {("tickets", "opened_at"), ("tickets", "closed_at")}
"""As given: DuckDB tells nanoseconds with a time zone as text."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("a dirty [world] +ü")
    pq.write_table(pa.table(CUSTOMERS), place / "customers.parquet")
    pq.write_table(pa.table(SUBSCRIPTIONS), place / "subscriptions.parquet")
    pq.write_table(pa.table(TICKETS), place / "tickets.parquet")
    (place / "usage.csv").write_text(USAGE, encoding="utf-8")
    for month, part in enumerate(PAYMENTS, 1):
        inside = place / "payments" / f"month=2025-0{month}"
        inside.mkdir(parents=True)
        pq.write_table(pa.table(part), inside / "part.parquet")
    return place


@pytest.fixture(scope="session")
def spark():
    """Spark on this machine; it starts once, with a Java that compiles in haste."""
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    if spark_session.java_home() is None:
        pytest.skip("there is no Java on this machine")
    os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    active = spark_session.session("1GB")
    active.conf.set("spark.sql.shuffle.partitions", "2")
    return active


@pytest.fixture
def read_by():
    """Reads a source by an engine; what was read is closed when the test ends."""
    opened = []

    def histories(location, engine, **options):
        source = Source(str(location), timezone=CLOCK, engine=engine, **options)
        opened.append(read_histories(source, max_bad_share=1))
        return opened[-1]

    yield histories
    for each in opened:
        each.close()


def _rows(histories, tables, without=()):
    """All rows as they print, since NaN is not equal to itself; in an order of their own."""
    found = {}
    for name in sorted(tables):
        columns = sorted(c for c in tables[name].columns if (name, c) not in without)
        rows = histories.engine.to_pyarrow(tables[name].select(*columns))
        found[name] = sorted(repr(_in_utc(row)) for row in rows.to_pylist())
    return found


def _in_utc(row):
    """Each engine gives instants on a clock of its own."""
    return {
        name: value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value
        for name, value in row.items()
    }


def everything(histories):
    """All that reading finds out."""
    return {
        "accounts": histories.accounts,
        "customers": histories.customer_ids().to_pylist(),
        "span": (histories.observed_from, histories.observed_until),
        "attributes": histories.attributes,
        "not read": histories.not_read,
        "empty": histories.empty,
        "good": _rows(histories, histories.tables),
        "bad": _rows(histories, histories.quarantined, NANOSECONDS),
        "types": {n: dict(t.schema().items()) for n, t in histories.tables.items()},
    }


def told(histories, source):
    """What the check says of usable histories."""
    return inspect(histories, source), suspects(histories, Definition(kind="subscription"))


def test_spark_reads_what_duckdb_reads(folder, spark, read_by, tmp_path):
    embedded, spread = read_by(folder, "duckdb"), read_by(folder, "spark")
    expected, found = everything(embedded), everything(spread)
    for part, value in expected.items():
        assert found[part] == value, part
    reasons = {name: account.quarantined for name, account in spread.accounts.items()}
    assert reasons["usage"] == {
        "null_customer_id": 1,
        "not_finite_value": 1,
        "out_of_range_occurred_at": 1,
        "unknown_customer": 2,
        "unparsable_occurred_at": 3,
    }
    assert reasons["subscriptions"]["repeated_subscription_id"] == 1
    assert found["customers"] == [2, 3, 9, 10]
    source = Source(str(folder), timezone=CLOCK)
    assert told(spread, source) == told(embedded, source)
    spread.engine.to_parquet(spread.quarantined["usage"], tmp_path / "bad.parquet")
    assert len(pq.read_table(tmp_path / "bad.parquet")) == 8
    batches = list(spread.engine.to_pyarrow_batches(spread.tables["usage"], chunk_size=1))
    assert [len(batch) for batch in batches] == [1] * len(batches)


def test_ids_are_in_the_order_of_their_code_points(spark, read_by, write):
    ids = ["b", "B", "é", "a b", "z", "\U0001f600", "\uffee", "007", "7"]
    usage = pa.table({"customer_id": ids, "occurred_at": days(*range(9)), "event": ["x"] * 9})
    found = read_by(write({"usage": usage}), "spark").customer_ids().to_pylist()
    assert found == sorted(ids, key=lambda text: text.encode())


def test_faulty_files_are_told_by_spark_as_by_duckdb(spark, write):
    place = write({"customers": pa.table({"customer_id": [1], "signed_up_at": days(0)})})
    (place / "usage.csv").write_text('customer_id,occurred_at,event\n1,2025-01-01,"x\n1,2\n')
    broken = write({"usage": pa.table({"customer_id": [1]})})
    (broken / "usage.parquet").write_bytes(b"PAR1 and nothing more")
    for where in (place, broken):
        messages = []
        for engine in ("duckdb", "spark"):
            with pytest.raises(ContractBroken) as error:
                read_histories(Source(str(where), engine=engine))
            messages.append(str(error.value))
        assert messages[0] == messages[1]


# PostgreSQL


def store(database):
    """The same histories as tables, with a few moments that only this database has."""
    database.run(
        "CREATE TABLE customers (customer_id int, signed_up_at timestamptz, contact_allowed text, "
        "segment varchar(9), seats text, trial char(9), price numeric(9, 2))",
        "INSERT INTO customers VALUES (10, '2025-01-01Z', 'yes', 'small', '3', 'true', 9.99), "
        "(9, '2025-01-10Z', 'no', 'big', '4.5', 'False', NULL), "
        "(2, '2025-01-01Z', NULL, '', NULL, NULL, 0.10), "
        "(3, '2025-01-06Z', 't', ' big ', '1', 'true', NULL), "
        "(NULL, '2025-01-01Z', 'yes', NULL, 'nan', 'true', NULL), "
        "(2, '2025-01-08Z', '1', 'x', '1', 'false', NULL)",
        "CREATE TABLE subscriptions (customer_id text, subscription_id text, "
        "started_at timestamp, ended_at timestamp, price float8, auto_renew boolean)",
        "INSERT INTO subscriptions VALUES ('10', 'a', '2025-01-01', NULL, 1, true), "
        "('9', 'b', '2025-01-01', 'infinity', 2, NULL), ('2', 'c', '2025-02-10', '2025-01-31', "
        "'NaN', false), ('3', 'd', '2025-01-02', '2025-01-10', 1, true), "
        "('3', 'd', '2025-01-03', '2025-01-10', 1, true), ('3', 'e', '-infinity', NULL, 1, true), "
        "('3', 'f', '0044-03-15 BC', NULL, 1, true), ('3', 'g', 'infinity', NULL, 1, true), "
        "('3', 'h', '2025-01-01', '-infinity', 1, true)",
        "CREATE TABLE usage (customer_id text, occurred_at text, event text, value text, x json)",
        "CREATE TABLE tickets (customer_id numeric, ticket_id float8, opened_at date, "
        "closed_at timestamptz, csat real, reopened int)",
        "INSERT INTO tickets VALUES (10, 1, '2025-01-20', NULL, 0.1, 1), (9, 2.5, '2025-01-20', "
        "'2025-01-22', 5, 0), (9, 'NaN', '2025-01-20', NULL, 5, 2), (9, 1, '2025-01-21', "
        "'2025-01-20 12:00Z', 5, NULL), (9, 4, 'infinity', NULL, NULL, NULL)",
    )
    with database.connect() as connection, connection.cursor() as cursor:
        options = "FROM STDIN (FORMAT csv, HEADER)"
        listed = "usage (customer_id, occurred_at, event, value)"
        with cursor.copy(f"COPY {listed} {options}") as copy:
            copy.write(USAGE)


def test_the_database_finds_what_duckdb_finds(database, read_by, tmp_path):
    store(database)
    embedded, inside = read_by(database.url(), "duckdb"), read_by(database.url(), "postgres")
    assert inside.engine.name == "postgresql"
    expected, found = everything(embedded), everything(inside)
    for part, value in expected.items():
        if part != "types":
            assert found[part] == value, part
    reasons = inside.accounts["subscriptions"].quarantined
    assert (reasons["unparsable_started_at"], reasons["out_of_range_started_at"]) == (2, 1)
    source = Source(database.url(), timezone=CLOCK)
    assert told(inside, source) == told(embedded, source)
    files = []
    for histories in (embedded, inside):
        files.append(tmp_path / f"{len(files)}.parquet")
        histories.engine.to_parquet(histories.quarantined["subscriptions"], files[-1])
    first, second = ({repr(row) for row in pq.read_table(file).to_pylist()} for file in files)
    assert first == second
    batches = list(inside.engine.to_pyarrow_batches(inside.tables["usage"], chunk_size=2))
    assert max(len(batch) for batch in batches) == 2
    assert sum(len(batch) for batch in batches) == inside.accounts["usage"].used


def test_the_database_keeps_nothing_and_no_locale_orders_ids(database, read_by):
    database.run(
        "CREATE TABLE usage (customer_id text, occurred_at date, event text)",
        "INSERT INTO usage SELECT id, '2025-01-01', 'x' "
        "FROM unnest(ARRAY['b', 'B', 'é', 'a b', 'ab', 'a-c']) AS ids (id)",
    )
    before = "SELECT count(*) FROM pg_class UNION ALL SELECT count(*) FROM pg_proc"
    with database.connect() as connection:
        count = connection.execute(before).fetchall()
    histories = read_by(database.url(), "postgresql")
    assert histories.customer_ids().to_pylist() == ["B", "a b", "a-c", "ab", "b", "é"]
    histories.close()
    with database.connect() as connection:
        assert connection.execute(before).fetchall() == count


def test_texts_that_only_duckdb_can_read_are_few_or_refused(database, monkeypatch):
    monkeypatch.setattr(postgres_engine, "MOST_ODD", 2)
    database.run(
        "CREATE TABLE usage (customer_id int, occurred_at text, event text)",
        "INSERT INTO usage SELECT 1, '2025/1/' || i, 'x' FROM generate_series(1, 9) i",
    )
    with pytest.raises(UsageError, match="occurred_at holds texts that only DuckDB") as error:
        read_histories(Source(database.url(), engine="postgresql"))
    assert "usage" in error.value.where
    assert 'engine = "duckdb"' in error.value.fix


def test_a_role_that_may_make_no_temporary_tables(database):
    role = database.role("no_temp")
    database.run(
        "CREATE TABLE usage (customer_id int, occurred_at date, event text)",
        f"GRANT SELECT ON usage TO {role}",
        f"REVOKE ALL ON DATABASE {database.name} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {database.name} TO {role}",
    )
    with pytest.raises(UsageError, match="temporary tables") as error:
        read_histories(Source(database.url(role), engine="postgresql"))
    assert "permission denied" in error.value.value
    assert 'engine = "duckdb"' in error.value.fix


@pytest.mark.parametrize("engine", ["duckdb", "spark", "postgresql"])
def test_small_tables_of_ours_are_joined_where_the_rows_are(engine, request, read_by, write):
    usage = {"customer_id": ["a", "b"], "occurred_at": days(1, 2), "event": ["x", "x"]}
    if engine == "spark":
        request.getfixturevalue("spark")
    place = write({"usage": pa.table(usage)})
    if engine == "postgresql":
        database = request.getfixturevalue("database")
        database.run(
            "CREATE TABLE usage (customer_id text, occurred_at timestamp, event text)",
            "INSERT INTO usage VALUES ('a', '2025-01-02', 'x'), ('b', '2025-01-03', 'x')",
        )
        place = database.url()
    histories = read_by(place, engine)
    calendar = pa.table({"occurred_at": days(2, 5), "bucket": pa.array([7, None], pa.int32())})
    rows = histories.tables["usage"].inner_join(ibis.memtable(calendar), "occurred_at")
    found = histories.engine.to_pyarrow(rows.select("customer_id", "occurred_at", "bucket"))
    assert found.to_pylist() == [
        {"customer_id": "b", "occurred_at": DAY + timedelta(days=2), "bucket": 7}
    ]


def test_sparks_tasks_import_the_packages_that_run_here(spark, read_by, write):
    usage = {"customer_id": [1, 2], "occurred_at": days(1, 2), "event": ["x", "x"]}
    histories = read_by(write({"usage": pa.table(usage)}), "spark")
    histories.engine.ship("features")

    def work(rows):
        from features import arrays

        moments = arrays.values(rows["occurred_at"])
        return pa.table({"file": [arrays.__file__], "days": [float(moments.max() / 86.4e9)]})

    frame = histories.engine.frame(histories.tables["usage"])
    found = frame.groupBy("event").applyInArrow(work, "file string, days double").toArrow()
    expected = {"file": engines.__file__.replace("engines.py", "arrays.py"), "days": 20091.0}
    assert found.to_pylist() == [expected]


# Engines that are not there


@pytest.mark.parametrize(
    ("given", "near"), [("sparc", "spark"), ("DuckDb2", "duckdb"), ("postgre", "postgres")]
)
def test_an_unknown_engine_is_told_with_the_nearest_known_one(given, near, tmp_path):
    with pytest.raises(UsageError, match="no engine") as error:
        read_histories(Source(str(tmp_path), engine=given))
    assert (error.value.exit_status, error.value.fix) == (2, f"did you mean {near!r}?")
    assert engines.engine_named(" Spark") == "spark"


@pytest.mark.parametrize(
    ("engine", "location", "told"),
    [
        ("postgresql", "data", "histories are not in it"),
        ("postgresql", "duckdb:///f.db", "histories are not in it"),
        ("spark", "postgresql:///db", "no databases"),
    ],
)
def test_an_engine_that_does_not_fit_the_source(engine, location, told):
    with pytest.raises(UsageError, match=told) as error:
        read_histories(Source(location, engine=engine))
    assert error.value.exit_status == 2


def test_spark_that_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "pyspark", None)
    with pytest.raises(UsageError, match="not installed") as error:
        read_histories(Source(str(tmp_path), engine="spark"))
    assert error.value.fix == 'pip install "churn-risk[spark]"'


def _java(folder, script):
    program = folder / "bin" / "java"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "what", "value"),
    [
        (None, "Spark needs Java", "/bin"),
        ("echo 'Error: could not find libjava.so' >&2; exit 2", "does not start", "libjava.so"),
        ("echo 'openjdk version \"11.0.2\"' >&2", "does not fit", "11.0.2"),
        ("echo 'java version \"1.8.0_111\"' >&2", "does not fit", "1.8.0_111"),
    ],
)
def test_java_that_is_missing_broken_or_old(script, what, value, monkeypatch, tmp_path):
    pytest.importorskip("pyspark")
    if script:
        _java(tmp_path, script)
    monkeypatch.setenv("PATH", str(tmp_path / "bin") if script else "/nowhere/bin:/bin/none")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(UsageError, match=what) as error:
        spark_session._local(None)
    assert value in error.value.value or script is None
    assert 'engine = "duckdb"' in error.value.fix
    monkeypatch.setenv("JAVA_HOME", str(tmp_path if script else tmp_path / "gone"))
    with pytest.raises(UsageError, match=what) as error:
        spark_session._local(None)
    assert error.value.where in ("JAVA_HOME", str(tmp_path / "bin" / "java"))


def test_a_java_that_gives_up_while_spark_starts(monkeypatch, tmp_path):
    pytest.importorskip("pyspark")
    _java(tmp_path, 'case "$*" in -version) echo \'openjdk version "17.0.1"\' >&2;; '
          "*) echo 'Error occurred during initialization of VM' >&2; exit 1;; esac")  # fmt: skip
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(UsageError, match="does not start") as error:
        spark_session._local(None)
    assert error.value.value == "Error occurred during initialization of VM"


# Vectors


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """A simulated business, with use and payments that became known days later."""
    place = tmp_path_factory.mktemp("world") / "data"
    simulate(place, customers=60, months=6, seed=5)
    for name in ("usage", "payments"):
        rows = pq.read_table(place / f"{name}.parquet")
        late = [n % 5 * (n % 3 == 0) for n in range(len(rows))]
        moments = rows["occurred_at"].to_numpy() + np.array(late).astype("timedelta64[D]")
        rows = rows.append_column("available_at", pa.array(moments))
        pq.write_table(rows, place / f"{name}.parquet")
    return place


def vectors_of(histories, windows=(7, 30)):
    """Vectors of who is active at three cutoffs."""
    cutoffs = [date(2026, 7, 1), date(2026, 9, 1), date(2026, 10, 1)]
    inactive = Definition(kind="inactivity", active_days=60)
    points = make_points(histories, inactive, cutoffs)
    plan = make_plan(histories, windows=windows, known_before=cutoffs[0])
    return build_vectors(histories, plan, points)


def assert_equal(found, expected):
    assert found.catalogue == expected.catalogue
    assert len(expected) > 50
    pd.testing.assert_frame_equal(
        found.frame, expected.frame, check_dtype=False, check_exact=False, rtol=1e-9, atol=1e-12
    )


def test_spark_computes_the_vectors_that_duckdb_computes(world, spark, read_by):
    embedded, spread = read_by(world, "duckdb"), read_by(world, "spark")
    expected = vectors_of(embedded)
    assert_equal(vectors_of(spread), expected)
    assert expected.frame["usage_count_7d"].sum() > 0
    assert expected.frame["churned"].nunique() == 2


def test_the_database_computes_the_vectors_that_duckdb_computes(world, database, read_by):
    copied_into(database, world)
    embedded, inside = read_by(world, "duckdb"), read_by(database.url(), "postgresql")
    assert_equal(vectors_of(inside), vectors_of(embedded))


def kinds_of(histories):
    """How customers left, by notice or by failed payments, in the world's months."""
    cutoffs = [date(2026, month, 1) for month in (6, 7, 8, 9, 10)]
    points = make_points(histories, Definition(), cutoffs)
    return departure_kinds(histories, Definition(), points).tolist()


@pytest.mark.parametrize("engine", ["spark", "postgresql"])
def test_engines_agree_on_how_customers_left(engine, world, request, read_by):
    expected = kinds_of(read_by(world, "duckdb"))
    assert {"voluntary", "unknown", None} <= set(expected)
    if engine == "spark":
        request.getfixturevalue("spark")
        assert kinds_of(read_by(world, "spark")) == expected
        return
    database = request.getfixturevalue("database")
    copied_into(database, world)
    assert kinds_of(read_by(database.url(), "postgresql")) == expected


def told_of_customers(histories):
    """When customers were customers, on which terms, and what was collected of them."""
    definitions = [Definition(), Definition("inactivity", active_days=20, grace_days=3)]
    found = [*(spells_of(histories, one) for one in definitions), terms_of(histories)]
    found.append(collected_of(histories))
    return [
        {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in vars(each).items()}
        for each in found
    ]


@pytest.mark.parametrize("engine", ["spark", "postgresql"])
def test_engines_agree_on_who_was_a_customer_and_what_it_brought(engine, world, request, read_by):
    expected = told_of_customers(read_by(world, "duckdb"))
    assert all(len(each["customer"]) > 20 for each in expected)
    if engine == "spark":
        request.getfixturevalue("spark")
        assert told_of_customers(read_by(world, "spark")) == expected
        return
    database = request.getfixturevalue("database")
    copied_into(database, world)
    assert told_of_customers(read_by(database.url(), "postgresql")) == expected


def copied_into(database, folder):
    """The Parquet files of a folder as tables."""
    kinds = {pa.int64(): "bigint", pa.float64(): "float8", pa.bool_(): "boolean"}
    for file in [*sorted(folder.glob("[!t]*.parquet")), folder / "tickets.parquet"]:
        rows = pq.read_table(file)
        columns = ", ".join(
            f'"{field.name}" '
            + ("timestamp" if pa.types.is_timestamp(field.type) else kinds.get(field.type, "text"))
            for field in rows.schema
        )
        database.run(f'CREATE TABLE "{file.stem}" ({columns})')
        text = io.BytesIO()
        csv.write_csv(rows, text, csv.WriteOptions(include_header=False))
        copied = f'COPY "{file.stem}" FROM STDIN (FORMAT csv)'
        with database.connect() as connection, connection.cursor().copy(copied) as copy:
            copy.write(text.getvalue())
