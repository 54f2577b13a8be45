import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest

from ledger import sqlite
from ledger.sqlite import Followed, UnusableFileError, connect, opened
from tests.ledger.damages import DAMAGES, put_back

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


def test_without_a_schema_what_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        connect(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def read_and_write(path: Path) -> None:
    with opened(path, schema=SCHEMA) as connection:
        connection.execute("SELECT said FROM notes").fetchall()
        connection.execute("INSERT INTO notes VALUES ('more')")


@pytest.mark.parametrize(("damage", "told"), DAMAGES)
def test_a_file_that_cannot_be_used_is_named_with_a_remedy_and_left_as_it_is(
    damage: Callable[[Path], None], told: str, tmp_path: Path
) -> None:
    path = tmp_path / "notes.db"
    with opened(path, schema=SCHEMA) as connection:
        connection.executemany("INSERT INTO notes VALUES (?)", [("x" * 1_000,)] * 50)
    damage(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(UnusableFileError) as caught:
        read_and_write(path)
    assert str(caught.value).startswith(f"{path} {told}")
    assert caught.value.told.startswith(f"notes.db {told}")
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_file_that_another_process_keeps_locked_is_told_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notes.db"
    with opened(path, schema=SCHEMA) as holding:
        holding.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(sqlite, "connect", partial(connect, timeout=0.0))
        with (
            pytest.raises(UnusableFileError, match="is locked by another process"),
            opened(path) as connection,
        ):
            connection.execute("INSERT INTO notes VALUES ('late')")


def test_what_may_only_be_read_says_so_when_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notes.db"
    with opened(path, schema=SCHEMA) as connection:
        connection.execute("INSERT INTO notes VALUES ('kept')")
    read_only = f"{path.absolute().as_uri()}?mode=ro"
    monkeypatch.setattr(sqlite, "connect", lambda _: sqlite3.connect(read_only, uri=True))
    with opened(path) as connection:
        assert connection.execute("SELECT said FROM notes").fetchall() == [("kept",)]
    with pytest.raises(UnusableFileError, match="cannot be written: this user"):
        read_and_write(path)


def test_a_statement_that_is_wrong_in_itself_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError), opened(tmp_path / "a.db", schema=SCHEMA) as connection:
        connection.execute("SELECT said FORM notes")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.db"
    with opened(path, schema=SCHEMA) as connection:
        connection.execute("INSERT INTO notes VALUES ('first')")
    return path


class Reader:
    """Follows notes; `looks` tells of each reading whether the file was another one."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.looks: list[bool] = []
        self.file = Followed(self._read)

    def _read(self, connection: sqlite3.Connection, anew: bool) -> None:  # noqa: FBT001 - as `Followed` calls it
        self.looks.append(anew)
        self.said = [said for (said,) in connection.execute("SELECT said FROM notes ORDER BY rowid")]


def test_a_file_is_read_again_when_it_was_written_to_or_replaced_and_not_else(notes: Path) -> None:
    reader = Reader()
    assert reader.file.refresh(notes)
    assert reader.file.refresh(notes)
    assert (reader.said, reader.looks) == (["first"], [True])
    with opened(notes) as connection:
        connection.execute("INSERT INTO notes VALUES ('second')")
    reader.file.refresh(notes)
    assert (reader.said, reader.looks) == (["first", "second"], [True, False])
    with opened(notes.with_name("backup.db"), schema=SCHEMA) as connection:
        connection.execute("INSERT INTO notes VALUES ('of a backup')")
    # What is put in its place alone would be overlaid with what was last written to the one before.
    for left in ("notes.db-wal", "notes.db-shm"):
        notes.with_name(left).unlink()
    notes.with_name("backup.db").replace(notes)
    reader.file.refresh(notes)
    assert (reader.said, reader.looks) == (["of a backup"], [True, False, True])
    reader.file.close()


def test_a_file_that_never_was_is_none_and_one_that_is_gone_is_told_until_it_is_back(
    notes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reader = Reader()
    assert not reader.file.refresh(notes.with_name("none.db"))
    reader.file.refresh(notes)
    kept = notes.rename(notes.with_name("away.db"))
    for _ in range(2):
        with pytest.raises(UnusableFileError, match="is gone; restore it"):
            reader.file.refresh(notes)
    assert caplog.messages == ["notes.db is gone; restore it from a backup"]
    kept.rename(notes)
    assert reader.file.refresh(notes)
    assert (reader.said, reader.looks) == (["first"], [True, True])
    reader.file.close()
    notes.unlink()
    assert not reader.file.refresh(notes)


@pytest.mark.parametrize(("damage", "told"), DAMAGES[:6])
def test_what_is_followed_is_read_again_once_it_is_mended(
    damage: Callable[[Path], None], told: str, notes: Path
) -> None:
    sound = notes.read_bytes()
    reader = Reader()
    damage(notes)
    with pytest.raises(UnusableFileError) as caught:
        reader.file.refresh(notes)
    assert caught.value.told.startswith(f"notes.db {told}")
    put_back(sound, notes)
    assert reader.file.refresh(notes)
    assert reader.said == ["first"]
    reader.file.close()
