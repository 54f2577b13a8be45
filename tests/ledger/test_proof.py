import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from ledger.home import Home
from ledger.proof import Finding, search
from ledger.sought import Sought

ID, SHORT = "ann-0001", "7"
SOUGHT = Sought(frozenset({ID, SHORT}), frozenset({"ann@example.org"}), frozenset({"+49301234567"}))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def places(home: Home) -> list[tuple[str, str, int]]:
    return [(one.path, one.place, one.cells) for one in search(home, SOUGHT).found]


def customers(*ids: str) -> pa.Table:
    return pa.table({"customer_id": list(ids), "number": list(range(len(ids)))})


def test_a_home_without_him_holds_nothing_and_every_file_is_counted_by_its_kind(home: Home) -> None:
    pq.write_table(customers("bob"), home.path / "a.parquet")
    (home.path / "b.json").write_text('{"customers": 7, "title": "7 of 9"}')
    (home.path / "empty.log").touch()
    proof = search(home, SOUGHT)
    assert (proof.found, proof.files, proof.kinds) == ((), 3, {"Parquet": 1, "text and bytes": 2})


def test_parquet_cells_are_searched_in_files_of_no_table_too(home: Home) -> None:
    pq.write_table(customers("bob", SHORT, SHORT), home.path / "forgotten.tmp")
    assert places(home) == [("forgotten.tmp", "column customer_id", 2)]


def test_earlier_versions_of_a_table_and_the_smallest_ids_in_its_log_are_found(home: Home) -> None:
    table = home.path / "scores"
    write_deltalake(str(table), customers(SHORT, "9"))
    DeltaTable(str(table)).delete("number = 0")
    assert DeltaTable(str(table)).to_pyarrow_table()["customer_id"].to_pylist() == ["9"]
    assert {(Path(path).suffix, place) for path, place, _ in places(home)} == {
        (".parquet", "column customer_id"),
        (".json", "text"),
    }


def test_lists_and_free_text_are_searched_for_long_identifiers(home: Home) -> None:
    reasons = pa.table({"reasons": [[f"like {ID}"], ["7 orders"]], "title": ["Mail ann@example.org", "7"]})
    pq.write_table(reasons, home.path / "a.parquet")
    assert places(home) == [("a.parquet", "column reasons", 1), ("a.parquet", "column title", 1)]


def test_what_a_parquet_file_says_of_itself_is_searched(home: Home) -> None:
    pq.write_table(
        customers("bob").replace_schema_metadata({"note": f"without {ID}"}), home.path / "a.parquet"
    )
    assert places(home) == [("a.parquet", "footer", 1)]


def test_arrow_files_are_searched_by_cell(home: Home) -> None:
    rows = customers("bob", SHORT)
    with pa.ipc.new_file(str(home.path / "scores.arrow"), rows.schema) as writer:
        writer.write_table(rows)
    assert places(home) == [("scores.arrow", "column customer_id", 1)]


def test_sqlite_cells_are_searched_whatever_the_file_is_called(home: Home) -> None:
    with closing(sqlite3.connect(home.path / "keys")) as database:
        database.execute("CREATE TABLE keys (customer_id INTEGER, note TEXT)")
        database.execute("INSERT INTO keys VALUES (7, 'of ann@example.org'), (8, '7')")
        database.commit()
    assert places(home) == [
        ("keys", "table keys, column customer_id", 1),
        ("keys", "table keys, column note", 1),
    ]


def test_what_was_deleted_from_sqlite_and_is_still_in_the_file_is_found(home: Home) -> None:
    with closing(sqlite3.connect(home.path / "keys.db")) as database:
        database.execute("PRAGMA secure_delete = off")
        database.execute("CREATE TABLE keys (note TEXT)")
        database.execute("INSERT INTO keys VALUES ('of ann@example.org')")
        database.commit()
        database.execute("DELETE FROM keys")
        database.commit()
    assert places(home) == [("keys.db", "free pages", 1)]


def test_logs_are_searched_for_every_spelling(home: Home) -> None:
    (home.path / "service.log").write_text(
        '{"path": "/v1/customers/ann%40example.org"}\n{"to": "030 1234567"}\n'
    )
    assert places(home) == [("service.log", "text", 2)]


def test_the_name_of_a_file_is_searched_and_not_repeated(home: Home) -> None:
    (home.path / f"export-{ID}.csv").write_text("nothing\n")
    assert search(home, SOUGHT).found == (Finding("(withheld)", "name", "name of a file or directory", 1),)


def test_a_damaged_file_is_named_and_searched_as_bytes(home: Home) -> None:
    (home.path / "half.parquet").write_bytes(b"PAR1 ann@example.org")
    proof = search(home, SOUGHT)
    assert proof.unreadable == ("half.parquet",)
    assert [(one.path, one.place) for one in proof.found] == [("half.parquet", "text")]


def test_what_is_compressed_as_a_whole_is_unpacked(home: Home) -> None:
    (home.path / "old.log.gz").write_bytes(gzip.compress(b"ann@example.org"))
    assert places(home) == [("old.log.gz", "text", 1)]
