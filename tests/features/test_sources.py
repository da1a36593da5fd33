"""Where tables lie: folders of Parquet and CSV, globs, other names, a DuckDB file."""

from __future__ import annotations

import gzip
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import ContractBroken, UsageError
from features.histories import read_histories
from features.sources import Source

USAGE = """
customer_id | occurred_at | event
1           | 2025-02-01  | login
2           | 2025-02-02  | login
"""


HEADER = b"customer_id,occurred_at,event\n"


@pytest.fixture
def rows_in():
    """How many rows of a table a source holds."""
    opened = []

    def of(location, name="usage", **options):
        opened.append(read_histories(Source(str(location), **options), max_bad_share=1))
        return opened[-1].accounts[name].rows

    yield of
    for histories in opened:
        histories.close()


def test_a_folder_with_csv_and_parquet(write, rows_in):
    folder = write(
        {"usage": USAGE, "customers": [{"customer_id": 1, "signed_up_at": datetime.min}]}
    )
    assert rows_in(folder) == 2
    assert rows_in(folder, "customers") == 1
    assert rows_in(folder.name, base=folder.parent) == 2


def test_a_compressed_csv_file(tmp_path, rows_in):
    with gzip.open(tmp_path / "usage.csv.gz", "wt") as file:
        file.write("customer_id,occurred_at,event\n1,2025-02-01,login\n")
    assert rows_in(tmp_path) == 1


def test_many_files_of_one_table_with_columns_of_their_own(tmp_path, rows_in):
    (tmp_path / "events").mkdir()
    for month in (1, 2, 3):
        table = pa.table(
            {"customer_id": [1], "occurred_at": [datetime(2025, month, 1)], "event": ["login"]}
        )
        if month == 3:
            table = table.append_column("value", pa.array([2.5]))
        pq.write_table(table, tmp_path / "events" / f"{month}.parquet")
    assert rows_in(tmp_path, tables={"usage": "events/*.parquet"}) == 3
    assert rows_in(tmp_path, tables={"usage": str(tmp_path / "events" / "[12].parquet")}) == 2


def test_csv_parts_in_folders_that_say_something_of_their_rows(tmp_path):
    for month in (1, 2):
        (tmp_path / "usage" / f"event=e{month}").mkdir(parents=True)
        file = tmp_path / "usage" / f"event=e{month}" / "part.csv"
        file.write_text(f"customer_id,occurred_at\n{month},2025-0{month}-01\n")
    histories = read_histories(Source(str(tmp_path)))
    events = histories.tables["usage"].order_by("customer_id")
    assert histories.engine.to_pyarrow(events)["event"].to_pylist() == ["e1", "e2"]
    histories.close()


def test_a_mapped_column_takes_the_place_of_one_in_other_letters(tmp_path):
    table = {"customer_id": [1], "occurred_at": [datetime(2025, 1, 1)], "Amount": [1], "due": [7]}
    pq.write_table(pa.table(table), tmp_path / "payments.parquet")
    source = Source(str(tmp_path), columns={"payments": {"amount": "due"}})
    histories = read_histories(source)
    assert histories.engine.to_pyarrow(histories.tables["payments"])["amount"].to_pylist() == [7]
    assert histories.raw["payments"].ignored == ()
    histories.close()


def test_tables_and_columns_under_other_names(write, seen):
    folder = write({"members": "msno | at | what\n7 | 2025-01-20 | login"})
    source = Source(
        str(folder),
        tables={"usage": "members.csv"},
        columns={"usage": {"customer_id": "msno", "occurred_at": "at", "event": "what"}},
    )
    histories = read_histories(source)
    assert seen(histories, "2025-02-01", "usage_count_30d") == {7: 1}
    histories.close()


@pytest.fixture
def database(tmp_path):
    with duckdb.connect(tmp_path / "f.db") as file:
        file.sql(
            "CREATE TABLE usage AS SELECT 1 customer_id, DATE '2025-02-01' occurred_at, 'a' event"
        )
        file.sql(
            "CREATE TABLE pays AS SELECT 1 customer_id, DATE '2025-02-01' occurred_at, 9.5 amount"
        )
    return tmp_path


def test_a_duckdb_file(database, rows_in):
    assert rows_in("duckdb:///f.db", base=database) == 1
    tables = {"payments": "pays"}
    assert rows_in("duckdb:///f.db", "payments", base=database, tables=tables) == 1


@pytest.mark.parametrize(
    ("location", "options", "message"),
    [
        ("nowhere", {}, "folder with the histories does not exist"),
        ("duckdb:///nowhere.db", {}, "database file does not exist"),
        ("mysql://u:secret@host/db", {}, "kind of database is not supported"),
        ("duckdb:///f.db", {"tables": {"payments": "paid"}}, "names for the table payments"),
        (".", {"tables": {"usage": "events/*.parquet"}}, "names for the table usage"),
    ],
)
def test_a_place_that_is_not_there_is_wrong_usage(location, options, message, database):
    with pytest.raises(UsageError, match=message) as error:
        read_histories(Source(location, base=database, **options))
    assert "secret" not in str(error.value)


def test_a_folder_without_tables_is_told(tmp_path):
    with pytest.raises(ContractBroken, match="no input table"):
        read_histories(Source(str(tmp_path)))


def test_a_column_that_is_mapped_and_not_there_is_named(write):
    folder = write({"usage": USAGE})
    with pytest.raises(UsageError, match=r"maps usage\.value to a column that is not") as error:
        read_histories(Source(str(folder), columns={"usage": {"value": "minutes"}}))
    assert error.value.value == "minutes"
    assert error.value.allowed == "customer_id, occurred_at, event"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("usage.parquet", b"PAR1 this is no Parquet file PAR1"),
        ("usage.parquet", b""),
        ("usage.csv", HEADER + b"1,2025-02-01,a\n" * 30 + b"1,2025-02-01,a,b,c\n"),
        ("usage.csv", HEADER + b"1,2025-02-01,\xff\xfe\n"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_without_a_traceback(file, content, tmp_path):
    (tmp_path / file).write_bytes(content)
    with pytest.raises(ContractBroken, match="usage cannot be read") as error:
        read_histories(Source(str(tmp_path)))
    assert file in error.value.where


def test_one_bad_cell_of_a_csv_file_costs_one_row(write, rows_in):
    usage = "customer_id | occurred_at | event | value\n" + "1 | 2025-02-01 | login | 1\n" * 30_000
    folder = write({"usage": usage + "1 | 2025-02-01 | login | much"})
    histories = read_histories(Source(str(folder)))
    assert histories.accounts["usage"].quarantined == {"unparsable_value": 1}
    histories.close()


def test_a_parquet_column_without_any_value_is_a_column_of_nulls(read):
    rows = [
        {
            "customer_id": 1,
            "subscription_id": 1,
            "started_at": datetime(2025, 1, 1),
            "ended_at": None,
        }
    ]
    histories = read({"subscriptions": rows})
    assert histories.accounts["subscriptions"].used == 1
    ends = histories.engine.to_pyarrow(histories.tables["subscriptions"].select("ended_at"))
    assert ends["ended_at"].to_pylist() == [None]


@pytest.mark.parametrize("name", ["it's here", 'a "quoted" one', "with, comma"])
def test_a_folder_may_have_any_name(name, tmp_path, rows_in):
    (tmp_path / name).mkdir()
    (tmp_path / name / "usage.csv").write_text("customer_id,occurred_at,event\n1,2025-02-01,a\n")
    assert rows_in(tmp_path / name) == 1


def test_a_column_or_table_called_nothing_is_not_there(write):
    usage = "customer_id | occurred_at | event | value\n1 | 2025-02-01 | login | much"
    members = "customer_id | signed_up_at | left\n1 | 2025-01-01 | yes"
    folder = write({"usage": usage, "customers": members, "payments": "nonsense\n1"})
    source = Source(
        str(folder),
        tables={"payments": ""},
        columns={"usage": {"value": ""}, "customers": {"left": ""}},
    )
    histories = read_histories(source)
    assert histories.accounts["usage"].quarantined == {}
    assert "value" not in histories.tables["usage"].columns
    assert histories.attributes == {}
    assert "payments" not in histories.raw
    histories.close()
