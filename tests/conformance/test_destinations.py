"""Every destination that ships, the day it is listed."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from serving.export.destination import Destination
from serving.export.shipped import DESTINATIONS

every_destination = pytest.mark.parametrize(
    "destination", DESTINATIONS, ids=lambda destination: destination.name
)

TABLE = pa.table(
    {
        "customer_id": ["c-1", "=HYPERLINK(1)", "Zoë, “Z” \n2"],
        "as_of": pa.array([dt.datetime(2018, 1, 1, 5, tzinfo=dt.UTC)] * 3, pa.timestamp("us", tz="UTC")),
        "clv_365d": [12.5, None, -0.25],
        "reasons": pa.array([["a", "b"], [], None], pa.list_(pa.string())),
    }
)


def test_names_and_file_endings_are_each_used_once() -> None:
    assert len({destination.name for destination in DESTINATIONS}) == len(DESTINATIONS)
    assert len({destination.extension for destination in DESTINATIONS}) == len(DESTINATIONS)


@every_destination
def test_a_destination_says_for_whom_it_is(destination: Destination) -> None:
    assert destination.means.endswith(".")
    assert destination.extension.startswith(".")


@every_destination
def test_a_destination_writes_a_file_that_is_not_empty(destination: Destination, tmp_path: Path) -> None:
    destination.write(TABLE, tmp_path / "out")
    assert (tmp_path / "out").stat().st_size > 0


@every_destination
def test_a_destination_writes_a_table_without_rows(destination: Destination, tmp_path: Path) -> None:
    destination.write(TABLE.slice(0, 0), tmp_path / "out")
    assert (tmp_path / "out").stat().st_size > 0


@every_destination
def test_a_destination_writes_the_same_bytes_twice(destination: Destination, tmp_path: Path) -> None:
    destination.write(TABLE, tmp_path / "one")
    destination.write(TABLE, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
