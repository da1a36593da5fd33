"""PostgreSQL as a source: a real server, what travels, what it may not do, how it can fail."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote

import pyarrow as pa
import pytest

from features import copying, postgres
from features.errors import ContractBroken, UsageError
from features.histories import read_histories
from features.sources import Source

CUSTOMERS = "CREATE TABLE customers (customer_id int, signed_up_at timestamptz)"
USAGE = "CREATE TABLE usage (customer_id int, occurred_at timestamptz, event text)"
TWO_LOGINS = "INSERT INTO usage VALUES (1, '2025-02-01', 'login'), (2, '2025-02-02', 'login')"


@pytest.fixture
def opened():
    """Reads the histories at a URL, and closes them when the test ends."""
    kept = []

    def histories(url, *, needed=(), **options):
        kept.append(read_histories(Source(url, **options), needed=needed, max_bad_share=1))
        return kept[-1]

    yield histories
    for each in kept:
        each.close()


def rows_of(histories, name, *columns, tables=None):
    """The rows of a table, sorted as they print; NaN prints like any other value."""
    table = (tables or histories.tables)[name]
    found = histories.engine.to_pyarrow(table.select(*columns or sorted(table.columns)))
    return sorted((tuple(row.values()) for row in found.to_pylist()), key=repr)


# The same histories, from files and from the server

DAY = datetime(2025, 1, 1, tzinfo=UTC)


def _days(*numbers):
    return pa.array([None if n is None else DAY + timedelta(days=n) for n in numbers])


HISTORIES = {
    "customers": pa.table(
        {
            "customer_id": [1, 1, 2, 3, None],
            "signed_up_at": _days(0, 9, 0, 5, 0),
            "contact_allowed": [True, False, None, True, True],
            "segment": ["small", "big", "", " big ", None],
            "seats": pa.array([3, 4, None, 1, 1], pa.int32()),
        }
    ),
    "subscriptions": pa.table(
        {
            "customer_id": [1, 2, 3],
            "subscription_id": ["a", "b", "c"],
            "started_at": _days(0, 0, 40),
            "ended_at": _days(None, 70, 30),
            "price": pa.array([Decimal("9.99"), Decimal("0.10"), None], pa.decimal128(10, 2)),
            "billing_period": ["month", "year", "month"],
            "auto_renew": [True, None, False],
        }
    ),
    "usage": pa.table(
        {
            "customer_id": [1, 1, 1, 2, 77, 2],
            "occurred_at": _days(10, 10, 50, 60, 10, None),
            "event": ["login", "login", 'a "quoted", word', "two\nlines", "login", "login"],
            "value": [0.1, 0.1, float("nan"), float("inf"), 1.0, 1e300],
        }
    ),
    "tickets": pa.table(
        {
            "customer_id": [1, 2],
            "ticket_id": [1, 2],
            "opened_at": _days(20, 30),
            "closed_at": _days(21, None),
            "csat": [4.0, None],
        }
    ),
}
_SQL_TYPES = {
    "int64": "bigint",
    "int32": "integer",
    "double": "double precision",
    "bool": "boolean",
}


def store(database, tables):
    """Arrow tables as tables of the database."""
    with database.connect() as connection, connection.cursor() as cursor:
        for name, table in tables.items():
            kinds = [
                "timestamptz" if pa.types.is_timestamp(field.type) else
                "numeric" if pa.types.is_decimal(field.type) else
                _SQL_TYPES.get(str(field.type), "text")
                for field in table.schema
            ]  # fmt: skip
            columns = ", ".join(f"{n} {k}" for n, k in zip(table.column_names, kinds, strict=True))
            cursor.execute(f"CREATE TABLE {name} ({columns})")
            with cursor.copy(f"COPY {name} FROM STDIN") as copy:
                # Backwards: the order in the database must not matter.
                for row in reversed(table.to_pylist()):
                    copy.write_row(list(row.values()))


def test_the_same_histories_as_from_files(database, write, opened, vectors):
    store(database, HISTORIES)
    files = opened(str(write(HISTORIES)))
    server = opened(database.url())
    assert server.accounts == files.accounts
    assert server.accounts["customers"].quarantined == {
        "null_customer_id": 1,
        "repeated_customer_id": 1,
    }
    assert server.observed_until == files.observed_until
    assert server.attributes == files.attributes
    for name in HISTORIES:
        assert repr(rows_of(server, name)) == repr(rows_of(files, name)), name
    for name in files.quarantined:
        bad = [rows_of(h, name, tables=h.quarantined) for h in (server, files)]
        assert repr(bad[0]) == repr(bad[1]), name
    frames = [vectors(h, ["2025-02-10", "2025-03-10"]).frame for h in (server, files)]
    assert len(frames[0]) > 0
    assert frames[0].to_csv() == frames[1].to_csv()


def test_which_row_of_an_id_stays_does_not_depend_on_the_order_in_the_database(database, opened):
    rows = ["(1, '2025-01-01', 'x')", "(1, '2025-01-01', NULL)", "(1, '2025-01-01', 'b')"]
    kept = set()
    for order in (rows, rows[::-1], [rows[1], rows[0], rows[2]]):
        database.run(
            "DROP TABLE IF EXISTS customers",
            "CREATE TABLE customers (customer_id int, signed_up_at date, segment text)",
            f"INSERT INTO customers VALUES {', '.join(order)}",
        )
        kept.add(tuple(rows_of(opened(database.url()), "customers", "segment")))
    assert kept == {(("b",),)}


def test_every_row_of_a_large_table_arrives(database, opened, monkeypatch):
    monkeypatch.setattr(copying, "CHUNK", 2**18)
    database.run(
        "CREATE TABLE usage AS SELECT i % 1000 AS customer_id, "
        "timestamptz '2025-01-01' + i * interval '1 second' AS occurred_at, "
        "'event ' || i AS event FROM generate_series(1, 300000) AS i"
    )
    histories = opened(database.url())
    assert histories.accounts["usage"].used == 300_000
    usage = histories.tables["usage"]
    assert histories.engine.to_pyarrow(usage["event"].nunique()).as_py() == 300_000
    assert histories.accounts["usage"].last == "2025-01-04 11:20:00"


def test_the_rows_are_handed_on_in_pieces(database, monkeypatch):
    """What is held in memory is a piece, however many rows there are."""
    monkeypatch.setattr(copying, "CHUNK", 2**16)
    query = "SELECT repeat('x', 99) FROM generate_series(1, 20000)"
    with postgres._snapshot(Source(database.url())) as connected:
        sizes = [len(chunk) for chunk in copying.streamed(connected.con, query)]
    assert sum(sizes) == 2_000_000
    assert max(sizes) < 2**16 + 100


# Roles and transactions


def test_a_role_that_may_only_select_is_enough(database, opened):
    role = database.role("reader")
    database.run(
        CUSTOMERS,
        USAGE,
        TWO_LOGINS,
        "INSERT INTO customers VALUES (1, '2025-01-01')",
        "ALTER TABLE usage ADD payload text",
        f"REVOKE ALL ON DATABASE {database.name} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {database.name} TO {role}",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT ON customers TO {role}",
        # Of usage only what is needed: nothing else is asked for.
        f"GRANT SELECT (customer_id, occurred_at, event) ON usage TO {role}",
        f"ALTER ROLE {role} IN DATABASE {database.name} SET default_transaction_read_only = on",
    )
    histories = opened(database.url(role))
    assert histories.accounts["usage"].rows == 2


def test_nothing_can_be_written(database):
    import psycopg

    database.run(USAGE)
    with (
        pytest.raises(ContractBroken) as error,
        postgres._snapshot(Source(database.url())) as connected,
    ):
        connected.con.execute("INSERT INTO usage VALUES (1, now(), 'x')")
    assert isinstance(error.value.__context__, psycopg.errors.ReadOnlySqlTransaction)


def test_all_tables_are_seen_at_one_moment(database, opened, monkeypatch):
    """A customer who signs up and logs in while tables are read is in all of them or in none."""
    database.run(CUSTOMERS, USAGE, TWO_LOGINS)
    database.run("INSERT INTO customers VALUES (1, '2025-01-01'), (2, '2025-01-01')")
    copied = postgres._copied

    def with_a_writer(engine, connected, source, table, place):
        rows = copied(engine, connected, source, table, place)
        database.run(
            "INSERT INTO customers VALUES (3, '2025-01-01')",
            "INSERT INTO usage VALUES (3, '2025-02-03', 'login')",
        )
        return rows

    monkeypatch.setattr(postgres, "_copied", with_a_writer)
    assert opened(database.url()).accounts["usage"].rows == 2
    monkeypatch.undo()
    monkeypatch.setenv("PGPASSFILE", "/nowhere")
    assert opened(database.url()).accounts["usage"].rows == 4


# Names


def test_tables_and_columns_under_other_names(database, opened):
    database.run(
        'CREATE SCHEMA "Analytics"',
        'CREATE TABLE "Analytics"."Events.v2" ("Customer" int, "at %s" timestamp, "W""hat" text)',
        "INSERT INTO \"Analytics\".\"Events.v2\" VALUES (7, '2025-01-20', 'login')",
    )
    names = {"customer_id": "Customer", "occurred_at": "at %s", "event": 'W"hat'}
    for called in ("Analytics.Events.v2", '"Analytics"."Events.v2"'):
        histories = opened(database.url(), tables={"usage": called}, columns={"usage": names})
        assert rows_of(histories, "usage", "customer_id", "event") == [(7, "login")]


def test_a_name_in_quotes_is_found_on_the_search_path(database, opened):
    database.run('CREATE TABLE "Usage" AS SELECT 1 customer_id, now() occurred_at, 2 event')
    for called in ("Usage", '"Usage"'):
        assert opened(database.url(), tables={"usage": called}).accounts["usage"].rows == 1


def test_a_table_is_found_on_the_search_path(database, opened):
    database.run(
        "CREATE SCHEMA crm",
        "CREATE TABLE crm.usage AS SELECT 1 customer_id, date '2025-02-01' occurred_at, 'a' event",
    )
    with pytest.raises(ContractBroken, match="no input table"):
        opened(database.url())
    path = quote("-c search_path=crm")
    assert opened(database.url(query=f"?options={path}")).accounts["usage"].rows == 1


@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
def test_a_view_is_read_like_a_table(kind, database, opened):
    select = "SELECT 1 AS customer_id, date '2025-02-01' AS occurred_at, 'login'::text AS event"
    database.run(f"CREATE {kind} usage AS {select}")
    assert opened(database.url()).accounts["usage"].used == 1


def test_a_partitioned_table_is_read_whole(database, opened):
    database.run(
        f"{USAGE} PARTITION BY RANGE (occurred_at)",
        "CREATE TABLE early PARTITION OF usage FOR VALUES FROM (MINVALUE) TO ('2025-02-02')",
        "CREATE TABLE late PARTITION OF usage FOR VALUES FROM ('2025-02-02') TO (MAXVALUE)",
        TWO_LOGINS,
    )
    assert opened(database.url()).accounts["usage"].used == 2


def test_columns_that_differ_in_case_alone_are_both_kept(database, opened):
    database.run(
        f'{CUSTOMERS[:-1]}, plan text, "Plan" text)',
        "INSERT INTO customers VALUES (1, '2025-01-01', 'a', 'b')",
    )
    assert opened(database.url()).attributes == {"plan": "text", "Plan_1": "text"}


def test_what_nobody_reads_does_not_travel(database):
    database.run(
        "CREATE TABLE surveys (customer_id int, occurred_at date, kind text, score int, "
        "remark text, address text)",
        "INSERT INTO surveys VALUES (1, '2025-02-01', 'nps', 9, 'private words', 'private street')",
        "CREATE TABLE payments AS SELECT 1 customer_id, date '2025-02-01' occurred_at, 9.5 amount, "
        "'EUR' currency, 'private bank' iban",
    )
    from features.sources import connect, read

    engine = connect(source := Source(database.url(), columns={"surveys": {"comment": "remark"}}))
    raw = read(engine, source)
    assert set(raw["payments"].rows.columns) == {
        "customer_id",
        "occurred_at",
        "amount",
        "currency",
    }
    held = str([engine.to_pyarrow(table.rows).to_pylist() for table in raw.values()])
    engine.disconnect()
    assert "EUR" in held
    assert "private" not in held


# Types


def test_instants_stay_instants_and_naive_stamps_are_read_in_the_zone_of_the_config(
    database, opened
):
    database.run(
        "CREATE TABLE usage (customer_id int, occurred_at timestamptz, event text)",
        "INSERT INTO usage VALUES (1, '2025-02-01 00:30:00.000001+00', 'login')",
        "CREATE TABLE payments (customer_id int, occurred_at timestamp, amount numeric)",
        "INSERT INTO payments VALUES (1, '2025-02-01 00:30', 1)",
        "CREATE TABLE contacts AS SELECT 1 AS customer_id, date '2025-02-01' AS occurred_at, "
        "'c' AS campaign, 'call' AS action, 'treated' AS group",
        # Whatever the role prefers, stamps arrive the same.
        "ALTER ROLE owner SET DateStyle = 'German'",
        "ALTER ROLE owner SET TimeZone = 'Asia/Tokyo'",
    )
    histories = opened(database.url(), timezone="America/New_York")
    database.run("ALTER ROLE owner RESET ALL")
    at = {name: rows_of(histories, name, "occurred_at") for name in histories.accounts}
    assert at["usage"] == [(datetime(2025, 1, 31, 19, 30, 0, 1),)]
    assert at["payments"] == [(datetime(2025, 2, 1, 0, 30),)]
    assert at["contacts"] == [(datetime(2025, 2, 1),)]


def test_moments_that_no_calendar_holds_cost_their_rows(database, opened):
    moments = ["2025-02-01", "infinity", "-infinity", "0044-03-15 BC", "20000-01-01", None]
    for name, kind in (("usage", "timestamptz"), ("payments", "timestamp"), ("surveys", "date")):
        database.run(f"CREATE TABLE {name} (customer_id int, occurred_at {kind}, event text, "
                     "amount int, kind text, score int)")  # fmt: skip
        for moment in moments:
            value = "NULL" if moment is None else f"'{moment}'"
            database.run(f"INSERT INTO {name} VALUES (1, {value}, 'a', 1, 'nps', 1)")
    histories = opened(database.url())
    for name in ("usage", "payments", "surveys"):
        account = histories.accounts[name]
        assert (account.rows, account.used) == (6, 1), name
        assert rows_of(histories, name, "occurred_at") == [(datetime(2025, 2, 1),)]
        bad = histories.engine.to_pyarrow(histories.quarantined[name])
        assert "infinity" in bad["occurred_at"].to_pylist()


def test_a_column_turns_to_text_without_a_change_of_its_earlier_moments(database, opened):
    database.run(USAGE, "INSERT INTO usage VALUES (1, '1900-01-01 00:00:00.5+00', 'a')")
    database.run("INSERT INTO usage VALUES (1, 'infinity', 'b')")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(copying, "CHUNK", 1)
        histories = opened(database.url(), timezone="Europe/Amsterdam")
    shift = timedelta(minutes=19, seconds=32)
    assert rows_of(histories, "usage", "occurred_at")[0][0] in (
        datetime(1900, 1, 1, 0, 0, 0, 500_000) + shift,
        datetime(1900, 1, 1, 0, 0, 0, 500_000),  # zones before 1970 may be merged
    )


def test_an_end_at_infinity_has_not_come(database, opened):
    database.run(
        "CREATE TABLE subscriptions (customer_id int, subscription_id int, started_at date, "
        "until timestamptz)",
        "INSERT INTO subscriptions VALUES (1, 1, '2025-01-01', 'infinity'), "
        "(2, 2, '2025-01-01', '2025-02-01')",
    )
    histories = opened(database.url(), columns={"subscriptions": {"ended_at": "until"}})
    assert rows_of(histories, "subscriptions", "customer_id", "ended_at") == [
        (1, None),
        (2, datetime(2025, 2, 1)),
    ]


def test_numbers_that_are_none_cost_their_rows(database, opened):
    database.run(
        "CREATE TABLE payments (customer_id int, occurred_at date, amount numeric)",
        "INSERT INTO payments SELECT 1, '2025-02-01', a::numeric FROM unnest(ARRAY['0.1', 'NaN', "
        "'Infinity', '-Infinity', '1e400', '12345678901234567890123456789.123456789']) AS a",
        "CREATE TABLE usage (customer_id int, occurred_at date, event text, value real)",
        "INSERT INTO usage VALUES (1, '2025-02-01', 'a', 'NaN'), (1, '2025-02-01', 'a', 0.5)",
    )
    histories = opened(database.url())
    assert rows_of(histories, "payments", "amount") == [(0.1,)]
    assert histories.accounts["payments"].quarantined == {
        "not_finite_amount": 4,
        "out_of_range_amount": 1,
    }
    assert rows_of(histories, "usage", "value") == [(0.5,)]


def test_ids_of_any_type_meet(database, opened):
    database.run(
        "CREATE TABLE customers (customer_id numeric, signed_up_at date)",
        "INSERT INTO customers VALUES (9007199254740993, '2025-01-01')",
        "CREATE TABLE usage AS SELECT 9007199254740993 customer_id, date '2025-02-01' occurred_at, "
        "'a' event",
        "CREATE TABLE tickets (customer_id text, ticket_id uuid, opened_at date)",
        "INSERT INTO tickets VALUES ('9007199254740993', gen_random_uuid(), '2025-02-01')",
        "CREATE TABLE churned (customer_id char(20), churned_at date)",
        "INSERT INTO churned VALUES ('9007199254740993', '2025-03-01')",
    )
    histories = opened(database.url())
    assert [account.used for account in histories.accounts.values()] == [1, 1, 1, 1]
    assert histories.customer_ids().to_pylist() == [9007199254740993]


ODD = {
    "mood": "'happy'",
    "email": "'a@b.c'",
    "amount": "5",
    "addr": "ROW('Main St', 4)",
    "int[]": "'{1,2}'",
    "jsonb": '\'{"a": "b, \\"c\\""}\'',
    "json": "'[1]'",
    "interval": "'1 day'",
    "money": "9.5",
    "bytea": "'\\x00ff'",
    "xml": "'<a/>'",
    "int4range": "'[1,5)'",
    "uuid": "'00000000-0000-0000-0000-000000000001'",
    "inet": "'::1'",
    "point": "'(1,2)'",
    "polygon": "'((0,0),(1,1),(1,0))'",
    "bit(3)": "B'101'",
    "tsvector": "'a b'",
    "time": "'12:30'",
    "timetz": "'12:30+02'",
    '"char"': "'x'",
    "regclass": "'pg_class'",
    "char(5)": "'ab'",
    "macaddr": "'08:00:2b:01:02:03'",
    "text": "E'\\\\.\\n\\r\\t\"'",
}


def test_no_type_stops_the_reading(database, opened):
    columns = ", ".join(f"c{i} {kind}" for i, kind in enumerate(ODD))
    database.run(
        "CREATE TYPE mood AS ENUM ('happy', 'sad')",
        "CREATE DOMAIN email AS text",
        "CREATE DOMAIN amount AS int CHECK (VALUE > 0)",
        "CREATE TYPE addr AS (street text, number int)",
        f"{CUSTOMERS[:-1]}, {columns})",
        f"INSERT INTO customers VALUES (1, '2025-01-01', {', '.join(ODD.values())})",
        "INSERT INTO customers VALUES (2, '2025-01-01')",
    )
    histories = opened(database.url())
    assert histories.accounts["customers"].used == 2
    assert set(histories.attributes) == {f"c{i}" for i in range(len(ODD))}
    found = histories.engine.to_pyarrow(histories.tables["customers"]).to_pylist()
    given = {kind: found[0][f"c{i}"] for i, kind in enumerate(ODD)}
    assert given["mood"] == "happy"
    assert given["amount"] == 5
    assert given["char(5)"] == "ab"
    assert given["uuid"] == "00000000-0000-0000-0000-000000000001"


def test_an_empty_text_is_no_null(database, opened):
    database.run(
        USAGE,
        "INSERT INTO usage VALUES (1, '2025-02-01', ''), (1, '2025-02-01', NULL), "
        "(1, '2025-02-01', 'NULL')",
    )
    histories = opened(database.url())
    assert histories.accounts["usage"].quarantined == {"null_event": 1}
    assert rows_of(histories, "usage", "event") == [("",), ("NULL",)]


def test_a_row_may_be_longer_than_a_piece(database, opened, monkeypatch):
    monkeypatch.setattr(copying, "CHUNK", 1000)
    database.run(
        f"{CUSTOMERS[:-1]}, words text)",
        "INSERT INTO customers VALUES (1, '2025-01-01', repeat('long ', 1000000))",
    )
    histories = opened(database.url())
    assert len(rows_of(histories, "customers", "words")[0][0]) == 4_999_999


# Credentials


def test_the_password_may_come_from_libpqs_own_places(database, opened, monkeypatch, tmp_path):
    database.run(USAGE, TWO_LOGINS)
    bare = database.url(password=None)
    with pytest.raises(ContractBroken, match="refuses"):
        opened(bare)
    with monkeypatch.context() as patched:
        patched.setenv("PGPASSWORD", _password(database))
        assert opened(bare).accounts["usage"].rows == 2
    file = tmp_path / "pgpass"
    escaped = _password(database).replace("\\", "\\\\").replace(":", "\\:")
    file.write_text(f"127.0.0.1:*:*:owner:{escaped}\n", encoding="utf-8")
    file.chmod(0o600)
    with monkeypatch.context() as patched:
        patched.setenv("PGPASSFILE", str(file))
        assert opened(bare).accounts["usage"].rows == 2
        for variable, value in {
            "PGHOST": "127.0.0.1",
            "PGPORT": database.port,
            "PGUSER": "owner",
            "PGDATABASE": database.name,
        }.items():
            patched.setenv(variable, str(value))
        assert opened("postgresql://").accounts["usage"].rows == 2
        assert opened("postgres:///").accounts["usage"].rows == 2


def _password(database):
    import psycopg

    return psycopg.conninfo.conninfo_to_dict(database.url())["password"]


def test_a_service_file_completes_the_url(database, opened, monkeypatch, tmp_path):
    database.run(USAGE, TWO_LOGINS)
    file = tmp_path / "services"
    file.write_text(
        f"[warehouse]\nhost=127.0.0.1\nport={database.port}\nuser=owner\n"
        f"dbname={database.name}\npassword={_password(database)}\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    assert opened("postgresql://?service=warehouse").accounts["usage"].rows == 2


# Faults


def refused(url, **options):
    """The message of a source that cannot be read, after a look for passwords and for haste."""
    began = time.monotonic()
    with pytest.raises((UsageError, ContractBroken)) as error:
        read_histories(Source(url, **options))
    assert time.monotonic() - began < 5
    told, link = str(error.value), error.value
    while link := link.__cause__ or link.__context__:
        told += repr(link)
    for word in ("Zq7", "staple", "hunter2"):
        assert word not in told
    assert all(getattr(error.value, part) for part in ("what", "where", "value", "allowed", "fix"))
    return error.value


@pytest.mark.parametrize(
    ("url", "status", "told"),
    [
        ("postgresql://owner:hunter2@127.0.0.1:1/db", 3, "Connection refused"),
        ("postgresql://owner:hunter2@nohost.invalid/db", 3, "nohost"),
        ("postgresql://owner:hunter2@127.0.0.1:port/db", 2, "postgresql://…"),
        ("postgresql://owner:hunt/hunter2@127.0.0.1/db", 2, "postgresql://…"),
        ("postgresql://owner:%zzhunter2@127.0.0.1/db", 2, "invalid percent-encoded token"),
        ("postgresql://127.0.0.1/db?password:hunter2", 2, "missing key/value separator"),
        ("postgresql://127.0.0.1/db?sslmod=require&password=hunter2", 2, "sslmod"),
        ("postgresql://127.0.0.1/db?sslmode=perhaps&password=hunter2", 2, "perhaps"),
        ("postgresql://127.0.0.1/db?connect_timeout=soon", 2, "soon"),
        ("postgresql://owner:hunter2@127.0.0.1/db?service=nosuch", 2, "service file"),
        ("postgresql://owner:hunter2@" + "a" * 70 + ".b/db", 2, "label"),
    ],
)
def test_a_url_that_leads_nowhere(url, status, told, monkeypatch):
    monkeypatch.setenv("PGSERVICEFILE", "/nowhere")
    error = refused(url)
    assert (error.exit_status, told in error.value) == (status, True), str(error)


def test_a_database_or_password_that_the_server_does_not_know(database):
    unknown = refused(database.url().replace(database.name, "nodb"))
    assert unknown.exit_status == 2
    assert 'database "nodb" does not exist' in unknown.value
    wrong = refused(database.url(password="hunter2"))
    assert wrong.exit_status == 3
    assert 'authentication failed for user "owner"' in wrong.value
    assert refused(database.url("nobody_here")).exit_status == 3


def test_a_server_that_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "2")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        error = refused(f"postgresql://u:hunter2@127.0.0.1:{silent.getsockname()[1]}/db")
    assert error.exit_status == 3
    assert "timeout" in error.value


def test_ten_seconds_are_the_default_and_the_url_has_the_last_word(monkeypatch):
    monkeypatch.delenv("PGCONNECT_TIMEOUT", raising=False)
    assert postgres._with_defaults({})["connect_timeout"] == "10"
    assert postgres._with_defaults({"connect_timeout": "3"})["connect_timeout"] == "3"
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "4")
    assert "connect_timeout" not in postgres._with_defaults({})


def test_a_driver_that_is_not_installed_is_named_with_what_to_type(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(UsageError, match="not installed") as error:
        read_histories(Source("postgresql:///db"))
    assert error.value.fix == 'pip install "churn-risk[postgres]"'


def test_a_table_that_is_named_and_not_there(database):
    database.run(USAGE, "CREATE SCHEMA crm", "CREATE TABLE crm.paid (a int)")
    error = refused(database.url(), tables={"payments": "crm.pays"})
    assert error.exit_status == 2
    assert (error.value, error.allowed) == ("crm.pays", "crm.paid, usage")


def test_a_table_that_may_not_be_read(database):
    role = database.role("stranger")
    database.run(CUSTOMERS, USAGE, f"GRANT SELECT ON usage TO {role}", "CREATE SCHEMA crm")
    error = refused(database.url(role))
    assert error.exit_status == 3
    assert error.what == "The table customers may not be read."
    assert 'GRANT SELECT ON "public"."customers" TO stranger' in error.fix
    database.run("ALTER TABLE usage SET SCHEMA crm", "DROP TABLE customers")
    error = refused(database.url(role), tables={"usage": "crm.usage"})
    assert "permission denied for schema crm" in error.value


def test_a_missing_column_is_told_with_those_that_are_there(database):
    database.run("CREATE TABLE usage (member_id int, at date, event text, payload text)")
    error = refused(database.url(), columns={"usage": {"occurred_at": "at"}})
    assert error.what == "The table usage lacks the required column customer_id."
    assert "payload" in error.value
    error = refused(database.url(), columns={"usage": {"occurred_at": "when"}})
    assert error.allowed == "member_id, at, event, payload"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("pg_terminate_backend(pg_backend_pid())::text", "connection was lost"),
        ("(1 / (5000 - i))::text", "division by zero"),
        ("pg_sleep(9)::text", "statement timeout"),
    ],
)
def test_a_reading_that_breaks_off(fault, told, database, capfd):
    database.run(
        "CREATE VIEW usage AS SELECT i AS customer_id, date '2025-02-01' AS occurred_at, "
        f"CASE WHEN i = 5000 THEN {fault} ELSE 'x' END AS event FROM generate_series(1, 9999) i"
    )
    database.run(f"ALTER DATABASE {database.name} SET statement_timeout = '300ms'")
    error = refused(database.url())
    assert error.exit_status == 3
    assert told in error.what + error.value
    assert "usage" in error.where
    assert capfd.readouterr().err == ""


def test_text_that_is_in_no_encoding(database, postgres_server):
    name = f"{database.name}_ascii"
    postgres_server.run(
        f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
    )
    url = database.url().replace(database.name, name)
    other = type(database)(database.port, name)
    other.run(USAGE, "INSERT INTO usage VALUES (1, '2025-02-01', E'caf\\xe9')")
    error = refused(url)
    postgres_server.run(f"DROP DATABASE {name} WITH (FORCE)")
    assert (error.exit_status, error.what) == (3, "The table usage could not be read to its end.")


def test_the_source_does_not_show_its_password_where_it_is_printed(database):
    source = Source(database.url())
    assert "staple" not in repr(source) + source.shown
    assert source.shown == f"postgresql://owner@127.0.0.1:{database.port}/{database.name}"


def test_no_sessions_are_left_behind(database, opened):
    database.run(USAGE, TWO_LOGINS)
    opened(database.url())
    with database.connect() as connection:
        others = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'churn-risk' "
            f"AND datname = '{database.name}'"
        )
        for _ in range(50):
            if connection.execute(others).fetchone() == (0,):
                return
            time.sleep(0.02)
    pytest.fail("a session is still open")
