"""Every destination that ships, the day it is listed: what it writes or posts is read back and compared."""

import csv
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from serving.export.contacts import CONTACTS
from serving.export.csv import FORMULA_START
from serving.export.destination import Audience, Destination
from serving.export.google import GOOGLE
from serving.export.hashing import sha256, sha256_each
from serving.export.klaviyo import KLAVIYO
from serving.export.meta import META
from serving.export.shipped import DESTINATIONS
from serving.export.webhook import PAGE, Occasion, pages

SEGMENT, AS_OF = "loyal", dt.datetime(2018, 1, 1, 5, tzinfo=dt.UTC)
HOSTILE = (
    "c-1",
    "=HYPERLINK(1)",
    "+1+1",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "a;=1+1",
    "a\n\n\n=1",
    "a|+2",
    "\uff1d1",
    "Zoë, “Z” \n2",
    "مرحبا\u202eabc",
    "日本語 \U0001f600",
    "'quoted'",
    '"=1"',
    "null",
    "",
    " ",
    "%s{0}\\x00",
    "x" * 255,
)
TABLE = pa.table(
    {
        "customer_id": list(HOSTILE),
        "as_of": pa.array([AS_OF] * len(HOSTILE), pa.timestamp("us", tz="UTC")),
        "clv_365d": [12.5, None, -0.25] * (len(HOSTILE) // 3),
        "reasons": pa.array([["a", "=b"], [], None] * (len(HOSTILE) // 3), pa.list_(pa.string())),
    }
)
LARGE = pa.table({"customer_id": [f"c{number}" for number in range(100_000)], "clv_365d": [1.5] * 100_000})

every_destination = pytest.mark.parametrize("destination", DESTINATIONS, ids=lambda each: each.name)
every_audience = pytest.mark.parametrize(
    "destination", [each for each in DESTINATIONS if each.audience], ids=lambda each: each.name
)
of_any_table = [each for each in DESTINATIONS if not each.audience]
every_other = pytest.mark.parametrize("destination", of_any_table, ids=lambda each: each.name)

Rows = list[dict[str, Any]]


def csv_rows(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def plain_csv_text(value: object) -> str:
    """Return what a spreadsheet shows of a cell, without the apostrophe that makes it text."""
    if isinstance(value, list):
        return "; ".join(value)
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def posted(table: pa.Table) -> Rows:
    """Return a table's rows as a receiver of its pages has them."""
    occasion = Occasion(SEGMENT, "webhook", AS_OF, None, "t", everybody=True)
    told = table.append_column("entered_at", pa.nulls(table.num_rows, pa.timestamp("us", tz="UTC")))
    if "reasons" not in told.column_names:
        told = told.append_column("reasons", pa.nulls(table.num_rows, pa.list_(pa.string())))
    none = pa.table({"customer_id": pa.array([], pa.string()), "id_key": pa.array([], pa.string())})
    messages = [json.loads(page.body) for page in pages(occasion, told, none)]
    assert all(len(message["adds"]) <= PAGE for message in messages)
    return [
        {name: one[name] for name in ("customer_id", "reasons")} | one["scores"]
        for message in messages
        for one in message["adds"]
    ]


def read_back(destination: Destination, table: pa.Table, path: Path) -> Rows:
    """Return a table's rows as they are read back from what the destination made of it."""
    if destination.write is None:
        return posted(table)
    destination.write(table, path)
    if destination.name == "parquet":
        found: Rows = pa_parquet.read_table(path).to_pylist()
        return found
    return csv_rows(path)


def expected(destination: Destination, table: pa.Table) -> Rows:
    if destination.name == "csv":
        return [{name: plain_csv_text(cell) for name, cell in row.items()} for row in table.to_pylist()]
    rows: Rows = table.to_pylist()
    if destination.name == "webhook":
        return [{"reasons": None} | {name: row[name] for name in row if name != "as_of"} for row in rows]
    return rows


def defused(destination: Destination, rows: Rows) -> Rows:
    """Take away the apostrophes that the CSV destination put before what would be a formula."""
    if destination.name != "csv":
        return rows
    starts = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
    marks = ";,|\t\r\n"

    def cell(text: str) -> str:
        kept = []
        for place, sign in enumerate(text):
            before, after = text[place - 1 : place], text[place + 1 : place + 2]
            put_there = sign == "'" and after and after in starts and (place == 0 or before in marks)
            kept += [] if put_there else [sign]
        return "".join(kept)

    return [
        {name: cell(value) if name in {"customer_id", "reasons"} else value for name, value in row.items()}
        for row in rows
    ]


def test_names_and_file_endings_are_each_used_once() -> None:
    endings = [each.extension for each in DESTINATIONS if each.extension is not None]
    assert len({destination.name for destination in DESTINATIONS}) == len(DESTINATIONS)
    assert len(set(endings)) == len(endings)


@every_destination
def test_a_destination_says_for_whom_it_is(destination: Destination) -> None:
    assert destination.means.endswith(".")
    assert destination.extension is None or destination.extension.startswith(".")


@every_destination
def test_the_guide_tells_of_a_destination(destination: Destination) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "destinations.md").read_text(encoding="utf-8")
    assert f"--to {destination.name}" in guide


@every_other
def test_hostile_cells_come_back_as_they_were(destination: Destination, tmp_path: Path) -> None:
    found = defused(destination, read_back(destination, TABLE, tmp_path / "out"))
    assert found == expected(destination, TABLE)


@every_other
def test_a_table_without_rows_has_its_columns(destination: Destination, tmp_path: Path) -> None:
    assert read_back(destination, TABLE.slice(0, 0), tmp_path / "out") == []
    if destination.write is not None:
        assert (tmp_path / "out").stat().st_size > 0


@every_other
def test_a_hundred_thousand_rows_come_back_in_order(destination: Destination, tmp_path: Path) -> None:
    assert read_back(destination, LARGE, tmp_path / "out") == expected(destination, LARGE)


@every_destination
def test_a_destination_writes_the_same_bytes_twice(destination: Destination, tmp_path: Path) -> None:
    if destination.write is None:
        assert posted(TABLE) == posted(TABLE)
        return
    for name in ("one", "two"):
        destination.write(TABLE.drop_columns(["reasons"]), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_no_cell_of_the_spreadsheet_starts_a_formula_by_whichever_mark_it_is_split(tmp_path: Path) -> None:
    (csv_file,) = [each for each in DESTINATIONS if each.name == "csv"]
    for row in read_back(csv_file, TABLE, tmp_path / "out"):
        text = row["customer_id"]
        parts = [text]
        for mark in ";,|\t\r\n":
            parts = [piece for part in parts for piece in part.split(mark)]
        assert not any(part.startswith(("=", "+", "-", "@", "\uff1d")) for part in parts)
    assert FORMULA_START.startswith("(^|")


@pytest.mark.parametrize(("cell", "first"), [("Zoë", b"\xef\xbb\xbf"), ("Zoe", b'"cu')])
def test_a_spreadsheet_is_told_that_it_is_utf_8_where_it_matters(
    cell: str, first: bytes, tmp_path: Path
) -> None:
    (csv_file,) = [each for each in DESTINATIONS if each.name == "csv"]
    assert csv_file.write is not None
    csv_file.write(pa.table({"customer_id": [cell]}), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes()[:3] == first


# --- lists of people -------------------------------------------------------------------------------------------


def contacts_of(audience: Audience, count: int) -> pa.Table:
    """Return so many contacts as `contacts.by_address` gives them, with hostile cities and nulls."""
    emails = [None if number % 5 == 4 else f"+-{number}'x@ex-{number % 7}.org" for number in range(count)]
    phones = [None if number % 5 != 4 and number % 3 else f"+4930{number:07d}" for number in range(count)]
    made = {
        "customer_id": [f"=c{number}" for number in range(count)],
        "email": emails,
        "phone": phones,
        "country": ["DE" if number % 2 else None for number in range(count)],
        "city": [HOSTILE[number % len(HOSTILE)] or None for number in range(count)],
        "birth_date": [dt.date(1980, 1, 31) if number % 2 else None for number in range(count)],
        "entered_at": [AS_OF] * count,
        "email_key": sha256_each(email and audience.email(email) for email in emails),
        "phone_key": sha256_each(phone and audience.phone(phone) for phone in phones),
        "id_key": [None] * count,
    }
    return pa.table([pa.array(made[field.name], field.type) for field in CONTACTS], schema=CONTACTS)


def hashed(text: object) -> str:
    return sha256(str(text)) if text else ""


def of_meta(row: dict[str, Any]) -> dict[str, str]:
    letters = "".join(sign for sign in (row["city"] or "").lower() if sign.isalnum())
    born = row["birth_date"]
    return {
        "email": hashed(row["email"]),
        "phone": hashed((row["phone"] or "")[1:]),
        "ct": hashed(letters),
        "country": hashed("de" if row["country"] else ""),
        "dob": hashed("19800131" if born else ""),
    }


def of_google(row: dict[str, Any]) -> dict[str, str]:
    return {"Email": hashed(row["email"]), "Phone": hashed(row["phone"])}


def of_klaviyo(row: dict[str, Any]) -> dict[str, str]:
    who = {"Email": row["email"] or "", "Phone Number": row["phone"] or ""}
    return who | {"regulars_loyal": "true", "regulars_loyal_since": "2018-01-01T05:00:00"}


ADDED: dict[str, Callable[[dict[str, Any]], dict[str, str]]] = {
    META.name: of_meta,
    GOOGLE.name: of_google,
    KLAVIYO.name: of_klaviyo,
}
REMOVED: dict[str, Callable[[dict[str, Any]], dict[str, str]]] = {
    META.name: lambda row: {name: of_meta(row)[name] for name in ("email", "phone")},
    GOOGLE.name: of_google,
    KLAVIYO.name: lambda row: {**of_klaviyo(row), "regulars_loyal": "false"},
}


@every_audience
@pytest.mark.parametrize("count", [0, 42, 100_000])
def test_people_come_back_as_the_platform_knows_them(
    destination: Destination, count: int, tmp_path: Path
) -> None:
    assert destination.audience is not None
    people = contacts_of(destination.audience, count)
    found = read_back(destination, destination.audience.adds(people, SEGMENT), tmp_path / "out")
    assert found == [ADDED[destination.name](row) for row in people.to_pylist()]


@every_audience
@pytest.mark.parametrize("count", [0, 42])
def test_who_is_to_be_removed_comes_back_by_the_same_keys(
    destination: Destination, count: int, tmp_path: Path
) -> None:
    assert destination.audience is not None
    people = contacts_of(destination.audience, count)
    found = read_back(destination, destination.audience.removes(people, SEGMENT), tmp_path / "out")
    wanted = [REMOVED[destination.name](row) for row in people.to_pylist()]
    assert found == [{name: row[name] for name in found[0]} for row in wanted] if found else wanted == []


@every_audience
def test_what_is_hashed_shows_no_address(destination: Destination, tmp_path: Path) -> None:
    assert destination.audience is not None
    if not destination.audience.hashed:
        return
    assert destination.write is not None
    people = contacts_of(destination.audience, 42)
    for make in (destination.audience.adds, destination.audience.removes):
        destination.write(make(people, SEGMENT), tmp_path / "out")
        cells = {cell for row in csv_rows(tmp_path / "out") for cell in row.values()}
        assert all(cell == "" or (len(cell) == 64 and set(cell) <= set("0123456789abcdef")) for cell in cells)


@every_audience
def test_an_import_file_has_a_header_and_no_mark_before_it(destination: Destination, tmp_path: Path) -> None:
    assert destination.audience is not None
    assert destination.write is not None
    destination.write(
        destination.audience.adds(contacts_of(destination.audience, 0), SEGMENT), tmp_path / "out"
    )
    first = (tmp_path / "out").read_bytes()
    assert first.lower().startswith(b"email,")
    assert first.count(b"\n") == 1
