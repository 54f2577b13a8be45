"""Reading CSV: the line of every row, and going on after a malformed one."""

import codecs
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.errors import InputError
from ledger.importers.csv_rows import open_csv
from ledger.importers.header import match_header
from ledger.tables.orders import ORDERS

HEADER = "customer_id,order_id,ordered_at,net_amount\n"
WriteFile = Callable[[str, str], Path]
Row = dict[str, object]


def read(path: Path, encoding: str = "utf-8", separator: str = ",") -> tuple[list[Row], list[Row]]:
    """Return the rows and, apart, what is no row with why and its text."""
    source = open_csv(path, encoding, separator, lambda _what, _share: None)
    assert source.stream is not None
    batches = source.stream(match_header(ORDERS, source.names, path.name).positions)
    found = [row for batch in batches for row in batch.to_pylist()]
    rows = [
        {name: row[name] for name in row if name not in ("refused", "text")}
        for row in found
        if not row["refused"]
    ]
    malformed = [{name: row[name] for name in ("line", "refused", "text")} for row in found if row["refused"]]
    return rows, malformed


def column(rows: list[Row], name: str) -> list[object]:
    return [row[name] for row in rows]


def test_a_row_has_the_line_it_starts_on_also_after_quoted_line_breaks_and_blank_lines(
    write_file: WriteFile,
) -> None:
    path = write_file(
        "orders.csv", HEADER + 'a,1,2024-01-01,1\n\n"b\nb\nb",2,2024-01-01,1\nc,3,2024-01-01,1\n'
    )

    rows, _ = read(path)

    assert column(rows, "line") == [2, 4, 7]
    assert column(rows, "customer_id") == ["a", "b\nb\nb", "c"]


def test_a_line_with_too_few_or_too_many_fields_is_set_aside(write_file: WriteFile) -> None:
    path = write_file("orders.csv", HEADER + "a,1\nb,2,2024-01-01,1\nc,3,2024-01-01,1,5\n")

    rows, malformed = read(path)

    assert column(rows, "line") == [3]
    assert malformed == [
        {"line": 2, "refused": "has 2 fields, the header has 4", "text": "a,1"},
        {"line": 4, "refused": "has 5 fields, the header has 4", "text": "c,3,2024-01-01,1,5"},
    ]


def test_an_open_quote_costs_its_own_line_only(write_file: WriteFile) -> None:
    path = write_file("orders.csv", HEADER + '"a,1,2024-01-01,1\nb,2,2024-01-01,1\nc,3,2024-01-01,1\n')

    rows, malformed = read(path)

    assert column(rows, "line") == [3, 4]
    assert column(malformed, "line") == [2]
    assert column(malformed, "refused") == ["malformed CSV: unexpected end of data"]


def test_thousands_of_malformed_lines_are_all_set_aside(write_file: WriteFile) -> None:
    path = write_file("orders.csv", HEADER + '"a"x,1,2024-01-01,1\n' * 5000 + "b,2,2024-01-01,1\n")

    rows, malformed = read(path)

    assert column(malformed, "line") == list(range(2, 5002))
    assert column(rows, "line") == [5002]


def test_a_field_of_a_megabyte_costs_its_own_line_only(write_file: WriteFile) -> None:
    path = write_file("orders.csv", HEADER + "x" * 1_000_000 + ",1,2024-01-01,1\nb,2,2024-01-01,1\n")

    rows, malformed = read(path)

    assert column(rows, "line") == [3]
    assert column(malformed, "line") == [2]


def test_the_mark_that_spreadsheets_put_at_the_start_is_no_part_of_the_header(write_file: WriteFile) -> None:
    path = write_file("orders.csv", "\ufeff" + HEADER + "a,1,2024-01-01,1\n")

    assert column(read(path, "UTF-8")[0], "customer_id") == ["a"]


def test_windows_line_ends_are_read_as_line_ends(write_file: WriteFile) -> None:
    path = write_file("orders.csv", (HEADER + "a,1,2024-01-01,1\n").replace("\n", "\r\n"))

    rows, _ = read(path)

    assert rows == [
        {"line": 2, "customer_id": "a", "order_id": "1", "ordered_at": "2024-01-01", "net_amount": "1"}
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "orders.csv is empty; a header line and rows are expected, see docs/ledger.md"),
        ("\n\n", "orders.csv is empty; a header line and rows are expected, see docs/ledger.md"),
        (
            '"customer_id"x,order_id\n1,2\n',
            "orders.csv: line 1, the header, is malformed CSV; check its quotes",
        ),
    ],
)
def test_a_file_without_a_header_is_refused(write_file: WriteFile, text: str, error: str) -> None:
    with pytest.raises(InputError) as caught:
        read(write_file("orders.csv", text), "utf-8")

    assert str(caught.value) == error


def test_a_file_in_another_encoding_is_told_where_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(HEADER.encode() + "a,1,2024-01-01,1\nJürgen,2,2024-01-01,1\n".encode("latin-1"))

    with pytest.raises(InputError) as caught:
        read(path, "utf-8")

    # 43 bytes of header and 17 of the first row come before line 3; its second byte is the u with dots.
    assert str(caught.value) == (
        "orders.csv is not utf-8: byte 62 (line 3); save it as UTF-8 or import it with --encoding latin-1"
    )
    assert column(read(path, "latin-1")[0], "customer_id") == ["a", "Jürgen"]


def test_a_utf_16_file_is_recognised_and_read_as_such(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes((HEADER + "a,1,2024-01-01,1\n").encode("utf-16"))

    with pytest.raises(InputError, match="is not utf-8 but UTF-16; import it with --encoding utf-16"):
        read(path, "utf-8")
    assert column(read(path, "utf-16")[0], "line") == [2]


def test_an_unknown_encoding_is_refused_with_examples(write_file: WriteFile) -> None:
    with pytest.raises(InputError, match="unknown encoding 'utf-88'; try utf-8, latin-1, cp1252 or utf-16"):
        read(write_file("orders.csv", HEADER), "utf-88")


def test_cells_may_be_separated_by_another_mark(write_file: WriteFile) -> None:
    path = write_file("orders.csv", HEADER.replace(",", ";") + '"a;b";1;2024-01-01;1,5\nc;2\n')

    rows, malformed = read(path, separator=";")

    assert rows == [
        {"line": 2, "customer_id": "a;b", "order_id": "1", "ordered_at": "2024-01-01", "net_amount": "1,5"}
    ]
    assert column(malformed, "text") == ["c;2"]


@pytest.mark.parametrize("encoding", ["", "a\0b", "hex"])
def test_what_is_no_encoding_of_texts_is_refused_with_examples(write_file: WriteFile, encoding: str) -> None:
    with pytest.raises(InputError, match=r"^unknown encoding .*; try utf-8, latin-1, cp1252 or utf-16$"):
        read(write_file("o.csv", "a,b\n1,2\n"), encoding)


def test_an_encoding_that_does_not_tell_where_it_failed_is_told_all_the_same(write_file: WriteFile) -> None:
    class Decoder(codecs.IncrementalDecoder):
        def decode(self, _read: object, final: bool = False) -> str:  # noqa: FBT001, FBT002 - as is called
            raise UnicodeError(final)

    reticent = codecs.CodecInfo(
        codecs.utf_8_encode, codecs.utf_8_decode, incrementaldecoder=Decoder, name="reticent"
    )

    def find(name: str) -> codecs.CodecInfo | None:
        return reticent if name == reticent.name else None

    codecs.register(find)
    try:
        with pytest.raises(InputError, match=r"^o\.csv is not reticent; save it as UTF-8"):
            read(write_file("o.csv", "a,b\n1,2\n"), "reticent")
    finally:
        codecs.unregister(find)


def test_an_encoding_with_a_line_break_in_its_name_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_bytes(b"a,b\n\xff,1\n")

    with pytest.raises(InputError, match=r"^o\.csv is not utf-8: byte 5 \(line 2\); [^\n]*$"):
        read(tmp_path / "o.csv", "utf-8\n")
