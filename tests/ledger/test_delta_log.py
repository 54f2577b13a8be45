from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import TableNotFoundError

from ledger.delta_log import forget_the_past


def rows(*names: str) -> pa.Table:
    return pa.table({"name": list(names)})


def bytes_of(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a table whose present has b and c, and whose past has had a."""
    write_deltalake(str(tmp_path), rows("a"))
    write_deltalake(str(tmp_path), rows("b"), mode="overwrite")
    write_deltalake(str(tmp_path), rows("c"), mode="append")
    return tmp_path


def test_the_present_stays_and_no_file_nor_log_of_the_past_does(table: Path) -> None:
    assert b'"name\\":\\"a\\"' in bytes_of(table)
    forget_the_past(table)
    assert sorted(DeltaTable(str(table)).to_pyarrow_table()["name"].to_pylist()) == ["b", "c"]
    assert b'"name\\":\\"a\\"' not in bytes_of(table)
    assert sorted(path.name for path in (table / "_delta_log").iterdir()) == [
        "00000000000000000002.checkpoint.parquet",
        "00000000000000000002.json",
        "_last_checkpoint",
    ]


def test_no_earlier_version_can_be_read(table: Path) -> None:
    forget_the_past(table)
    for version in (0, 1):
        with pytest.raises(TableNotFoundError):
            DeltaTable(str(table), version=version)


def test_it_can_be_done_again_and_the_table_goes_on(table: Path) -> None:
    forget_the_past(table)
    forget_the_past(table)
    write_deltalake(str(table), rows("d"), mode="append")
    found = DeltaTable(str(table))
    assert (found.version(), sorted(found.to_pyarrow_table()["name"].to_pylist())) == (3, ["b", "c", "d"])


def test_where_there_is_no_table_nothing_is_done(tmp_path: Path) -> None:
    forget_the_past(tmp_path / "none")
    assert not (tmp_path / "none").exists()
