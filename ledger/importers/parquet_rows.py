"""Parquet files as rows of text: numbers in their shortest exact text, instants in ISO 8601 with their offset."""

from pathlib import Path

import duckdb

from ledger.engine import open_engine
from ledger.errors import InputError
from ledger.importers.header import match_header
from ledger.importers.rows import MALFORMED_SCHEMA, Progress, Rows
from ledger.readings import NAME
from ledger.schema import Column, Table

NOT_SCALAR = ("STRUCT", "MAP", "UNION", "BLOB", "VARIANT")
EXACT_FLOATS = 2**53  # below it a whole float is one whole number


def read_parquet(table: Table, path: Path, progress: Progress | None) -> Rows:
    """Read a Parquet file; `line` is the row, from 1.

    Raises
    ------
    InputError
        When it is no Parquet file, has no rows, lacks a required column, or has a nested one in its place.
    """
    if progress:
        progress(f"reading {path.name}", 0.0)
    with open_engine() as connection:
        try:
            source = connection.read_parquet(str(path), file_row_number=True)
            names = [name for name in source.columns if name != "file_row_number"]
            types = {name: str(kind) for name, kind in zip(source.columns, source.types, strict=True)}
            header = match_header(table, names, path.name)
            columns = {c.given: c for c in table.given}
            texts = [
                f"{_as_text(columns[plain], names[position], types[names[position]], path)} AS {plain}"
                for plain, position in header.positions.items()
            ]
            raw = source.project(f"file_row_number + 1 AS line, {', '.join(texts)}").to_arrow_table()
        except duckdb.Error as error:
            raise InputError(f"{path.name} cannot be read as Parquet: {_first_line(error)}") from error
    if not raw.num_rows:
        raise InputError(f"{path.name} has columns and no rows; nothing was imported")
    if progress:
        progress(f"reading {path.name}", 1.0)
    return Rows(path, raw, MALFORMED_SCHEMA.empty_table(), header.unknown, "row")


def _as_text(column: Column, name: str, kind: str, path: Path) -> str:
    """Return SQL for a cell's text."""
    quoted = '"' + name.replace('"', '""') + '"'
    if kind.startswith(NOT_SCALAR) or kind.endswith("]"):
        raise InputError(
            f"{path.name}: column {column.given} holds {kind.split('(', 1)[0].lower()} values, not single ones"
        )
    if column.reads is NAME and kind in ("DOUBLE", "FLOAT"):
        # A column of ids with gaps often became floating point on its way: 17850.0 is customer 17850.
        whole = f"{quoted} = trunc({quoted}) AND abs({quoted}) < {EXACT_FLOATS}"
        return f"CASE WHEN {whole} THEN CAST(CAST({quoted} AS BIGINT) AS VARCHAR) ELSE CAST({quoted} AS VARCHAR) END"
    return f"CAST({quoted} AS VARCHAR)"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
