"""Ways in which an SQLite file of a home may be damaged."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ledger.sqlite import connect


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(b"no database, and longer than its header is" * 200)


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("gone"))


def other_tables(change: str) -> Callable[[Path], None]:
    def altered(path: Path) -> None:
        with closing(connect(path)) as connection:
            named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            for (table,) in connection.execute(named).fetchall():
                column = connection.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchall()[-1][
                    0
                ]
                connection.execute(change.format(table=table, column=column))

    return altered


LOST = "is damaged; restore it from a backup"
NO_FILE = "cannot be opened: it must be a file that this user may write"
OTHER = "has not the tables of this version: restore it from a backup"
DAMAGES = [
    (empty, LOST),
    (garbage, LOST),
    (half, LOST),
    (directory, NO_FILE),
    (link_to_nothing, NO_FILE),
    (other_tables("DROP TABLE {table}"), OTHER),
    (other_tables("ALTER TABLE {table} RENAME {column} TO told"), OTHER),
    (other_tables("ALTER TABLE {table} ADD more TEXT"), OTHER),
]
"""What may befall a closed SQLite file, and how it is told of; the last is seen by who writes to it alone."""


def put_back(sound: bytes, path: Path) -> None:
    """Put what was damaged in order again."""
    if path.is_dir():
        path.rmdir()
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
    path.write_bytes(sound)
