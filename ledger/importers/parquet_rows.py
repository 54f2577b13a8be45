"""Parquet files as rows of text: numbers in their shortest exact text, instants in ISO 8601 with their offset."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import duckdb

from ledger import quoting
from ledger.errors import InputError
from ledger.importers.source import Source

NOT_SCALAR = ("STRUCT", "MAP", "UNION", "BLOB", "VARIANT")
EXACT_FLOATS = 2**53  # below it a whole float is one whole number
ROW_NUMBER = "file_row_number"


def open_parquet(path: Path, connection: duckdb.DuckDBPyConnection) -> Source:
    """Read a file's columns; `line` is the row, from 1.

    Raises
    ------
    InputError
        When it is no Parquet file.
    """
    try:
        found = connection.read_parquet(str(path), file_row_number=True)
        types = {name: str(kind) for name, kind in zip(found.columns, found.types, strict=True)}
    except duckdb.Error as error:
        # What DuckDB says may hold bytes of the file.
        raise InputError(f"{path.name} cannot be read as Parquet: it is damaged or something else") from error
    names = [name for name in types if name != ROW_NUMBER]
    kinds = [types[name] for name in names]
    return Source(path, path.name, "row", tuple(names), select=partial(_select, path, names, kinds))


def _select(path: Path, names: list[str], kinds: list[str], positions: Mapping[str, int]) -> str:
    texts = []
    for alias, position in positions.items():
        name, kind = names[position], kinds[position]
        if kind.startswith(NOT_SCALAR) or kind.endswith("]"):
            held = kind.split("(", 1)[0].lower()
            raise InputError(f"{path.name}: column {alias} holds {held} values, not single ones")
        texts.append(f'{_as_text(quoting.name(name), kind)} AS "{alias}"')
    file = quoting.text(path)
    return (
        f"SELECT {ROW_NUMBER} + 1 AS line, {', '.join(texts)} FROM read_parquet({file}, {ROW_NUMBER} = true)"
    )


def _as_text(column: str, kind: str) -> str:
    """Return SQL for a cell's text."""
    if kind in ("DOUBLE", "FLOAT"):
        # A column of ids with gaps often became floating point on its way: 17850.0 is customer 17850, NaN a gap.
        whole = f"{column} = trunc({column}) AND abs({column}) < {EXACT_FLOATS}"
        text = f"CASE WHEN {whole} THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
        return f"CASE WHEN NOT isnan({column}) THEN {text} END"
    return f"CAST({column} AS VARCHAR)"
