"""Files that shops never meant to send, each from a seed: whole files, lines and cells damaged in every way known."""

import csv
import gzip
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from ledger import readings
from ledger.importers.layout import Layout
from ledger.importers.shipped import LAYOUTS
from ledger.readings import Reading
from ledger.schema import Table
from ledger.tables.shipped import TABLES
from tests.properties.hostile_cells import DATES, NUMBERS, TEXTS

Line = list[str]
IMPORTED = tuple(table for table in TABLES if any(column.required for column in table.given))
SAMPLES = Path(__file__).parents[1] / "conformance" / "layouts"
LINES = 120  # a file, at most
LAYOUT_SHARE, PARQUET_SHARE, WHOLE_FILE_SHARE, OPTION_SHARE = 0.2, 0.15, 0.3, 0.06
LINE_SHARE, CELL_SHARE = 0.15, 0.12

PLAUSIBLE: Mapping[Reading, Sequence[str]] = {
    readings.NAME: ("1", "2", "a-7", "É", "p 4", "tea"),
    readings.CUSTOMER: ("ann", "bob", "17850", "Cy@Example.com", "dee@example.com"),
    readings.TEXT: ("Green tea, 100 g", 'He said "no"', "Berlin", ""),
    readings.CATEGORY: ("Food > Tea", "Food>Coffee", ""),
    readings.EVENT: ("Product Viewed", "order completed", "Hummed"),
    readings.HOW: ("identified", "merged", "unmerged"),
    readings.EMAIL: ("ann@example.com", "Bob <bob@example.com>", ""),
    readings.PHONE: ("+49 30 5550100", "030 555 0100", ""),
    readings.COUNTRY: ("DE", "gb", ""),
    readings.DATE: ("1980-02-29", ""),
    readings.WHOLE: ("30", "007", ""),
    readings.JSON_OBJECT: ('{"colour": "red"}', "{}", ""),
    readings.INSTANT: ("2024-01-31", "2024-01-31 18:05:00", "2024-02-01T00:30:00+09:00", "2023-06-01"),
    readings.MONEY: ("12.50", "3", "0", "-2.5"),
    readings.QUANTITY: ("1", "0.75"),
    readings.STATUS: ("paid", "refunded", "cancelled", ""),
    readings.CURRENCY: ("EUR", ""),
    readings.FLAG: ("yes", "0", ""),
}
NOT_UTF_8 = (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80")
LINE_ENDS = (b"\n", b"\r\n", b"\r", b"\n\r", b"\r\r\n")
ENCODINGS = (
    "utf-16", "utf-16-le", "utf-32", "utf-7", "latin-1", "cp1252", "cp037", "ascii", "shift_jis", "gb18030", "big5",
    "hz", "iso2022_jp", "raw_unicode_escape", "punycode", "idna", "undefined", "klingon", "hex", "base64", "rot13",
    "zip", "", " ", "a\0b", "utf-8\n", "UTF_8", "utf-8-sig", "../x", "x" * 5000, "mbcs", "charmap",
)  # fmt: skip
SEPARATORS = ("", ",,", "#", '"', "\n", "\0", " ", "tab", "😀", ";", "\t", "|")
NAMES = (
    "", " ", "customer_id", "CUSTOMER_ID", "line", "refused", "text", "reason", "file_row_number", 'a"b', "a'b",
    "known_at", "x\ny", "😀", "{x}", "c0",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One file and how it is imported.

    Parameters
    ----------
    seed : int
    kind : str
        What was done to the file as a whole, or "lines" when only lines and cells are damaged.
    table : Table
    name : str
        Of the file.
    content : bytes
    layout : Layout, optional
    options : mapping of str to Any
        Further arguments of the import.
    """

    seed: int
    kind: str
    table: Table
    name: str
    content: bytes
    layout: Layout | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Name the case so that it can be made again."""
        return f"case {self.seed}: {self.kind}, {self.layout.name if self.layout else self.table.name}, {self.options}"


def case_of(seed: int) -> Case:
    """Make the case of a seed."""
    from tests.properties.malformed_parquet import parquet_case  # noqa: PLC0415 - it builds on what is here

    random = Random(f"malformed {seed}")  # noqa: S311 - a case can be made again
    if random.random() < PARQUET_SHARE:
        return parquet_case(seed, random)
    layout = random.choice(LAYOUTS) if random.random() < LAYOUT_SHARE else None
    table = layout.tables[0] if layout else random.choice(IMPORTED)
    header, lines = _of_layout(layout, random) if layout else plain_lines(table, random)
    content = csv_bytes(header, [_damaged_cells(line, random) for line in lines], random)
    kind, name = "lines", f"{table.name}.csv"
    if random.random() < WHOLE_FILE_SHARE:
        kind = random.choice(sorted(WHOLE_FILES))
        content = WHOLE_FILES[kind](content, random)
    if kind == "empty":
        content = b""
    options = _options(header, random) if random.random() < OPTION_SHARE else {}
    return Case(seed, kind, table, name, content, layout, options)


def plain_lines(table: Table, random: Random) -> tuple[Line, list[Line]]:
    """Return a header with the required columns and some others, and rows that could be accepted."""
    columns = [column for column in table.given if column.required or random.random() < 0.5]
    random.shuffle(columns)
    rows = [
        [random.choice(PLAUSIBLE[column.reads]) if column.reads else "" for column in columns]
        for _ in range(random.randrange(1, LINES))
    ]
    return [column.given for column in columns], rows


def _of_layout(layout: Layout, random: Random) -> tuple[Line, list[Line]]:
    with (SAMPLES / f"{layout.name}.csv").open(encoding="utf-8", newline="") as handle:
        header, *rows = csv.reader(handle)
    return header, [list(random.choice(rows)) for _ in range(random.randrange(1, LINES))]


def hostile_text(random: Random) -> str:
    """Return a cell that no column means, or only some."""
    pool = random.choice((NUMBERS, DATES, TEXTS, TEXTS))
    text = random.choice(pool)
    if random.random() < 0.1:
        marks = (random.randrange(random.choice((32, 0x250, 0xD800))) for _ in range(8))
        text = "".join(map(chr, marks))
    return text


def _damaged_cells(line: Line, random: Random) -> Line:
    return [hostile_text(random) if random.random() < CELL_SHARE else cell for cell in line]


def csv_bytes(header: Line, lines: Sequence[Line], random: Random) -> bytes:
    """Return a file in which some lines are malformed."""
    end = random.choice((b"\n", b"\n", b"\r\n"))
    written = [_written(header), *(_damaged_line(_written(line), random) for line in lines)]
    return end.join(written) + (end if random.random() < 0.8 else b"")


def _written(line: Line) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(line)
    return text.getvalue().encode("utf-8", errors="surrogatepass")


def _damaged_line(line: bytes, random: Random) -> bytes:
    return random.choice(LINE_DAMAGES)(line, random) if random.random() < LINE_SHARE else line


def _inserted(line: bytes, what: bytes, random: Random) -> bytes:
    place = random.randrange(len(line) + 1)
    return line[:place] + what + line[place:]


LINE_DAMAGES: tuple[Callable[[bytes, Random], bytes], ...] = (
    lambda line, _: line.replace(b",", b"", 1),
    lambda line, random: line + b"," * random.randrange(1, 50),
    lambda line, _: b'"' + line,
    lambda line, _: line + b'"',
    lambda line, _: line.replace(b",", b'","'),
    lambda line, _: b'"' + line.replace(b",", b'"  "') + b'"',
    lambda line, _: b",".join(b'"' + cell + b'" ' for cell in line.split(b",")),
    lambda line, random: _inserted(line, b'"', random),
    lambda line, random: _inserted(line, b'"a" "b"', random),
    lambda line, random: _inserted(line, b"\r", random),
    lambda line, random: _inserted(line, b"\n", random),
    lambda line, random: _inserted(line, b"\n\n\r\n", random),
    lambda line, random: _inserted(line, b"\0", random),
    lambda line, random: _inserted(line, bytes([random.randrange(32)]), random),
    lambda line, random: _inserted(line, "\u2028\x85\x0b\x0c\x1c".encode(), random),
    lambda line, random: line[: random.randrange(len(line) + 1)],
    lambda line, _: b"#" + line,
    lambda line, _: line.replace(b",", b";"),
    lambda line, _: line.replace(b",", b"\t"),
    lambda line, _: b"\xef\xbb\xbf" + line,
    lambda line, _: line + b"\\",
    lambda _line, _random: b"",
    lambda _line, random: b" " * random.randrange(5),
    lambda _line, random: b"," * random.randrange(50),
    lambda _line, random: b'"' * random.randrange(1, 50),
    lambda line, _: line + b"," + line,
    lambda line, _: b"w" * 200_000 + line,
)


def _with_header(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    head, _, body = content.partition(b"\n")
    return change(head) + b"\n" + body


def _zipped(content: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("orders.csv", content)
    return held.getvalue()


def _flipped(content: bytes, random: Random) -> bytes:
    flipped = bytearray(content)
    for _ in range(random.randrange(1, 30)):
        flipped[random.randrange(len(flipped))] = random.randrange(256)
    return bytes(flipped)


WHOLE_FILES: dict[str, Callable[[bytes, Random], bytes]] = {
    "empty": lambda _content, _random: b"",
    "header alone": lambda content, _: content.split(b"\n")[0] + b"\n",
    "half a header": lambda content, random: content[: random.randrange(1, 30)],
    "no header": lambda content, _: content.partition(b"\n")[2] or b"\n",
    "blank lines before the header": lambda content, random: b"\n" * random.randrange(1, 5) + content,
    "a byte order mark": lambda content, _: b"\xef\xbb\xbf" + content,
    "two byte order marks": lambda content, _: b"\xef\xbb\xbf" * 2 + content,
    "UTF-16": lambda content, _: content.decode(errors="replace").encode("utf-16"),
    "half of UTF-16": lambda content, _: content.decode(errors="replace").encode("utf-16")[:-1],
    "latin-1": lambda content, _: content.decode(errors="replace").encode("latin-1", errors="replace") + b"\xfc\n",
    "invalid UTF-8": lambda content, random: _inserted(content, random.choice(NOT_UTF_8), random),
    "cut short": lambda content, random: content[: random.randrange(1, len(content))],
    "bytes changed": _flipped,
    "random bytes": lambda content, random: random.randbytes(len(content)),
    "zip": lambda content, _: _zipped(content),
    "gzip": lambda content, _: gzip.compress(content, mtime=0),
    "Parquet by its name": lambda _content, _: b"PAR1" + b"\0" * 50 + b"PAR1",
    "HTML": lambda content, _: b"<!doctype html>\n<table><tr><td>" + content,
    "NULs": lambda content, _: b"\0" * len(content),
    "quotes alone": lambda content, _: b'"' * min(len(content), 5000),
    "an open quote from the header on": lambda content, _: b'"' + content,
    "an open quote from the first row on": lambda content, _: _with_header(content, lambda head: head + b'\n"'),
    "old Mac's line ends": lambda content, _: content.replace(b"\r\n", b"\r").replace(b"\n", b"\r"),
    "mixed line ends": lambda content, random: b"".join(
        line.rstrip(b"\r\n") + random.choice(LINE_ENDS) for line in content.splitlines()
    ),
    "a column twice": lambda content, _: _with_header(content, lambda head: head.rstrip() + b"," + head.split(b",")[0]),
    "thousands of columns": lambda content, _: _with_header(
        content, lambda head: head.rstrip() + b"".join(b",c%d" % k for k in range(3000))
    ),
    "thousands of columns with cells": lambda content, _: b"\n".join(
        line.rstrip(b"\r") + b"".join(b",%s%d" % (b"x" if not number else b"", k) for k in range(2000))
        for number, line in enumerate(content.split(b"\n")[:5])
    ),
    "nameless columns": lambda content, _: _with_header(content, lambda head: b",," + head.rstrip() + b",,"),
    "strange names": lambda content, random: _with_header(
        content, lambda head: head.rstrip() + b"," + _written(random.choices(NAMES, k=3))
    ),
    "names in capitals": lambda content, _: _with_header(content, bytes.upper),
    "semicolons": lambda content, _: content.replace(b",", b";"),
    "every cell quoted": lambda content, _: b"\n".join(
        b'"' + line.replace(b'"', b"").replace(b",", b'","') + b'"' for line in content.splitlines()
    ),
    "a line of a megabyte": lambda content, _: content + b"v" * 1_200_000 + b"\n",
    "the same lines many times": lambda content, _: content + b"\n".join(content.split(b"\n")[1:]) * 20,
    "an SQL script": lambda content, _: b"INSERT INTO orders VALUES ('" + content + b"');\n",
    "JSON lines": lambda content, _: b'{"customer_id": "x", "text": "' + content[:100].replace(b'"', b"") + b'"}\n',
}  # fmt: skip


def _options(header: Line, random: Random) -> dict[str, Any]:
    """Return arguments of an import that do not fit the file."""
    name = random.choice([*header, *NAMES, "no such"])
    return random.choice(
        (
            {"encoding": random.choice(ENCODINGS)},
            {"encoding": random.choice(ENCODINGS)},
            {"separator": random.choice(SEPARATORS)},
            {"renamed": {random.choice((*header, "customer_id", "no such", "")): name}},
            {"renamed": {random.choice(header): name, random.choice(header): name}},
        )
    )
