"""What the tests of segments share: the shipped vocabulary, lifecycle limits, and an empty table to bind against."""

from collections.abc import Iterator, Mapping

import duckdb
import pytest

from features.catalog.shipped import CATALOG
from models.scores import SCORES
from segments.vocabulary import SegmentColumn, vocabulary

KNOWN = {f"{limit}_{count}": days for count in range(4) for limit, days in (("A", 40.0), ("C", 150.0))}


@pytest.fixture(scope="session")
def columns() -> dict[str, SegmentColumn]:
    return vocabulary((*CATALOG, *SCORES), currency="USD")


@pytest.fixture(scope="session")
def limits() -> Mapping[str, float]:
    return KNOWN


@pytest.fixture(scope="session")
def engine(columns: dict[str, SegmentColumn]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give an engine with an empty table of every column, without access to files or the network."""
    types = {"text": "VARCHAR", "names": "VARCHAR"}
    fields = ", ".join(f'"{name}" {types.get(each.unit, "DOUBLE")}' for name, each in columns.items())
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        connection.execute(f"CREATE TABLE customers ({fields})")
        yield connection
