import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest

from ledger.sqlite import connect, opened

SCHEMA = "CREATE TABLE IF NOT EXISTS notes (said TEXT NOT NULL);"


def test_who_finds_the_file_finds_its_tables_while_eight_make_it_at_once(tmp_path: Path) -> None:
    for turn in range(20):
        path = tmp_path / f"{turn}.db"
        start = Barrier(9)

        def write(number: int, path: Path = path, start: Barrier = start) -> None:
            start.wait()
            with opened(path, schema=SCHEMA) as connection:
                connection.execute("INSERT INTO notes VALUES (?)", (str(number),))

        def read(path: Path = path, start: Barrier = start) -> None:
            start.wait()
            while not path.exists():
                pass
            with opened(path) as connection:
                connection.execute("SELECT * FROM notes").fetchall()

        with ThreadPoolExecutor(9) as pool:
            done = [pool.submit(read), *(pool.submit(write, number) for number in range(8))]
            for each in done:
                each.result()
        with opened(path) as connection:
            assert connection.execute("SELECT count(*) FROM notes").fetchone() == (8,)
        assert sorted(entry.name for entry in tmp_path.iterdir() if entry.is_dir()) == []


def test_the_file_is_its_owners_alone_and_written_ahead(tmp_path: Path) -> None:
    with opened(tmp_path / "new" / "notes.db", schema=SCHEMA) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert stat.S_IMODE((tmp_path / "new" / "notes.db").stat().st_mode) == 0o600


def test_tables_that_a_later_version_adds_are_made_in_the_file_that_is_there(tmp_path: Path) -> None:
    with opened(tmp_path / "notes.db", schema=SCHEMA) as connection:
        connection.execute("INSERT INTO notes VALUES ('kept')")
    with opened(tmp_path / "notes.db", schema=SCHEMA + "CREATE TABLE IF NOT EXISTS more (a);") as connection:
        assert connection.execute("SELECT * FROM notes, (SELECT count(*) FROM more)").fetchone() == (
            "kept",
            0,
        )


def test_without_a_schema_what_is_not_there_is_not_made_with_tables(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "none.db")) as connection, pytest.raises(sqlite3.OperationalError):
        connection.execute("SELECT * FROM notes")
