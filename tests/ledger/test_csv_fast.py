"""The fast way to read CSV: either the very rows of the exact reader with their lines, or nothing."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.engine import open_engine
from ledger.importers.csv_fast import BLOCK_BYTES, CELL_BYTES, LINE_BYTES, fast_csv

Rows = list[tuple[int, tuple[str, ...]]]


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as connection:
        yield connection


def _exact(path: Path, separator: str) -> Rows | None:
    """Return line and cells of every row by the standard library's reader, None when any line is malformed."""
    rows: Rows = []
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.reader(handle, strict=True, delimiter=separator)
        line = 1
        try:
            for fields in reader:
                if len(fields) > 1 or (fields and fields[0].strip()):
                    rows.append((line, tuple(fields)))
                line = reader.line_num + 1
        except (csv.Error, UnicodeDecodeError):
            return None
    same_width = len({len(cells) for _, cells in rows}) == 1
    return rows[1:] if same_width else None


def _fast(engine: duckdb.DuckDBPyConnection, path: Path, separator: str = ",") -> Rows | None:
    """Return what the fast reader gives, None when it declines, fails or cannot prove it."""
    fast = fast_csv(path, "utf-8", separator)
    if fast is None:
        return None
    try:
        engine.execute(f"CREATE OR REPLACE TEMP TABLE loaded AS {fast.sql}")
    except duckdb.Error:
        return None
    if engine.execute(f"SELECT {fast.proof} FROM loaded").fetchall() != [(True,)]:
        return None
    assert [name for name, *_ in engine.execute("DESCRIBE loaded").fetchall()] == list(fast.names)
    rows = engine.execute("SELECT * FROM loaded ORDER BY rowid").fetchall()
    assert len(rows) == fast.expected_records
    return [(number, cells) for number, cells in enumerate(rows, start=2)]


CELLS = st.one_of(
    st.sampled_from(
        [
            "",
            "x",
            '""',
            '"a b"',
            '"say ""x"""',
            '"a,b"',
            'a"b',
            'a""',
            "NULL",
            r"\N",
            "nan",
            r"\"",
            "ü€𝄞",
            " a ",
            "#x",
        ]
    ),
    st.sampled_from(
        ['"a\nb"', ' "a"', '"a" ', '"a" "b"', '"" ""', '"a"b', '"', "\r", "\n", ",", "\0", "\ufeff", "\t"]
    ),
    st.text(st.sampled_from("ab,;\t|\" \\'\r\n\x0b\x0c\x85\u2028é"), max_size=6),
)
ROWS = st.one_of(
    st.lists(CELLS, min_size=2, max_size=2),
    st.lists(CELLS.filter(lambda cell: not set(cell) & set('\r\n"')), min_size=2, max_size=2),
    st.lists(CELLS, min_size=0, max_size=4),
)


@st.composite
def csv_texts(draw: st.DrawFn) -> tuple[str, str]:
    separator = draw(st.sampled_from([",", ";", "\t", "|"]))
    line_end = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    header = draw(
        st.sampled_from([["a", "b"], ['"a"', "b"], ["", "b c"], ["\ufeffa", "b"], ["a"], ["a", "A"]])
    )
    lines = [header, *draw(st.lists(ROWS, max_size=5))]
    last = draw(st.sampled_from(["", line_end, line_end * 2, "\n"]))
    return separator, line_end.join(separator.join(line) for line in lines) + last


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(csv_texts())
def test_what_is_read_fast_is_what_the_exact_reader_gives_line_by_line_and_cell_by_cell(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path, case: tuple[str, str]
) -> None:
    separator, text = case
    path = tmp_path / "generated.csv"
    path.write_bytes(text.encode())

    rows = _fast(engine, path, separator)

    assert rows is None or rows == _exact(path, separator)


@pytest.mark.parametrize(
    "text",
    [
        "a,b\nx,y\n1,2\n",
        "a,b\nx,y\n1,2",
        "a,b\r\nx,y\r\n1,2\r\n",
        "\ufeffa,b\nx,y\n",
        'a,b\n"x, ""y""",2\n',
        "a,b\nx,y\n\n\n",
        ",b\n0,y\n",
        'a,b\nx"y,"z"\n',
        'a,"b, ""c"""\nNULL,\\N\n,""\n',
    ],
)
def test_an_ordinary_file_is_read_fast(engine: duckdb.DuckDBPyConnection, tmp_path: Path, text: str) -> None:
    path = tmp_path / "it's.csv"
    path.write_bytes(text.encode())

    rows = _fast(engine, path)

    assert rows
    assert rows == _exact(path, ",")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_every_separator_is_read_fast(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path, separator: str
) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(f'a{separator}b\nx{separator}"y{separator}z"\n', encoding="utf-8")

    assert _fast(engine, path, separator) == [(2, ("x", f"y{separator}z"))]


@pytest.mark.parametrize(
    ("why", "text"),
    [
        ("a quoted line break moves the lines after it", 'a,b\n"x\ny",z\n1,2\n'),
        ("a blank line moves the lines after it", "a,b\nx,y\n\n1,2\n"),
        ("a blank line above the header", "\na,b\nx,y\n"),
        ("DuckDB drops an empty cell too many", "a,b\nx,y,\n"),
        ("DuckDB drops blanks before a quote", 'a,b\n "x",y\n'),
        ("DuckDB drops blanks after a quote", 'a,b\n"x" ,y\n'),
        ("DuckDB joins two quoted texts of a cell", 'a,b\n"x" "y",z\n'),
        ("line ends of two kinds", "a,b\r\nx,y\n"),
        ("a return alone ends a line for the exact reader", "a,b\nx,\r1,2\n"),
        ("one column shows no blank lines", "a\nx\n"),
        ("two columns that SQL takes for one", "a,A\nx,y\n"),
        ("a header over two lines", 'a,"b\nc"\nx,y\n'),
        ("a header and no rows", "a,b\n"),
        ("no line end at all", "a,b"),
        ("a row too short", "a,b\nx\n"),
        ("a row too long", "a,b\nx,y,z\n"),
        ("a quote left open", 'a,b\nx,"y\n'),
        ("a cell longer than the exact reader takes", f"a,b\nx,{'y' * (CELL_BYTES + 1)}\n"),
        ("a line longer than is looked at", f"a,b\nx,{'y' * (BLOCK_BYTES + LINE_BYTES)}\n"),
    ],
)
def test_a_file_that_may_not_be_read_fast_is_left_to_the_exact_reader(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path, why: str, text: str
) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(text.encode())

    assert _fast(engine, path) is None, why


@pytest.mark.parametrize(
    "undecodable", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"]
)
@pytest.mark.parametrize("template", [b"a,b\nx,%b\n", b"a,%b\nx,y\n"])
def test_what_is_not_utf_8_is_not_read_fast(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path, template: bytes, undecodable: bytes
) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(template % undecodable)

    assert _fast(engine, path) is None


@pytest.mark.parametrize(
    ("name", "encoding", "separator"),
    [
        ("orders.csv", "latin-1", ","),
        ("orders.csv", "utf-8", "'"),
        ("orders*.csv", "utf-8", ","),
        ("orders[1].csv", "utf-8", ","),
        ("orders\udcff.csv", "utf-8", ","),
    ],
)
def test_other_encodings_separators_and_paths_that_look_like_patterns_are_declined(
    tmp_path: Path, name: str, encoding: str, separator: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"a,b\nx,y\n")

    assert fast_csv(path, encoding, separator) is None


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_file_of_many_blocks_keeps_its_order_and_its_lines(
    engine: duckdb.DuckDBPyConnection, tmp_path: Path, line_end: str
) -> None:
    cells: Sequence[str] = ("plain", '"quoted, ""twice"""', "", "ü€𝄞", '"' + "long " * 40 + '"')
    lines = ["number,cell", *(f"{number},{cells[number % len(cells)]}" for number in range(60_000))]
    path = tmp_path / "orders.csv"
    path.write_bytes((line_end.join(lines) + line_end).encode())
    assert path.stat().st_size > 3 * BLOCK_BYTES

    assert _fast(engine, path) == _exact(path, ",")
