"""The merge of files into the ledger agrees with a plain reference, and with itself however rows come in files."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ledger.home import Home
from ledger.importers.load import import_files
from ledger.schema import Table
from ledger.store import EPOCH, Ledger
from ledger.tables.customers import CUSTOMERS
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from tests.properties.merge_reference import Key, ReferenceLedger, Row, Values, Version

Choices = Sequence[tuple[str, Any]]  # a cell and what the ledger stores of it
DAY = timedelta(days=1)
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
# Local hours hang on the zone, so what is imported before orders has to give it.
CURRENCY, TIME_ZONE = "USD", "UTC"
FIRST_IMPORT = datetime(2024, 3, 1, 12, tzinfo=UTC)


def days(*numbers: int) -> Choices:
    return tuple((f"{FIRST_DAY + number * DAY:%Y-%m-%d}", FIRST_DAY + number * DAY) for number in numbers)


EMPTY = ("", None)
KNOWN_AT = (*[EMPTY] * 3, *days(9, 10, 11, 12))


@dataclass(frozen=True)
class Kind:
    """A table's cells from which files are drawn; a key is `things` times the rest of it."""

    table: Table
    thing: str
    cells: Mapping[str, Choices]
    needed: frozenset[str]
    defaults: Values


KINDS = (
    Kind(
        PRODUCTS,
        "product_id",
        {
            "known_at": KNOWN_AT,
            "title": (("Tea", "Tea"), ("Milk", "Milk"), EMPTY),
            "category": (("Food", "Food"), EMPTY),
            "price": (("1", 100), ("2.50", 250)),
        },
        frozenset(),
        {},
    ),
    Kind(
        CUSTOMERS,
        "customer_id",
        {
            "known_at": (*KNOWN_AT, (f"{FIRST_IMPORT:%Y-%m-%dT%H:%M:%SZ}", FIRST_IMPORT)),
            "city": (("Ulm", "Ulm"), ("Bonn", "Bonn"), EMPTY),
            "loyalty_member": (("yes", True), ("no", False), EMPTY),
        },
        frozenset(),
        {},
    ),
    Kind(
        ORDERS,
        "order_id",
        {
            "customer_id": (("ann", "ann"), ("bob", "bob")),
            "ordered_at": days(8, 9),
            "known_at": KNOWN_AT,
            "line_id": (EMPTY, ("1", "1"), ("p#1", "p#1"), ("p#2", "p#2"), ("#1", "#1")),
            "product_id": (("p", "p"), EMPTY),
            "quantity": (("1", 1000), EMPTY),
            "net_amount": (("1", 100), ("2", 200)),
            "status": (("", "paid"), ("paid", "paid"), ("Cancelled", "cancelled")),
        },
        frozenset({"customer_id", "ordered_at", "net_amount"}),
        {"status": "paid", "currency": "USD"},
    ),
)
THINGS = 60
STORED = {column.given: column.name for kind in KINDS for column in kind.table.given}


@dataclass(frozen=True)
class Drawn:
    """A file: its cells, and what they mean."""

    columns: tuple[str, ...]
    cells: list[list[str]]
    rows: list[Row]

    def write(self, path: Path) -> Path:
        with path.open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle).writerows([self.columns, *self.cells])
        return path


def draw(kind: Kind, random: Random) -> Drawn:
    chosen = [name for name in kind.cells if name in kind.needed or random.random() < 0.7]
    if "known_at" not in chosen and "status" in chosen:
        chosen.remove("status")  # a cancelled order says when that was known
    cells, rows = [], []
    for line in range(2, 2 + random.randrange(THINGS, 4 * THINGS)):
        thing = f"t{random.randrange(THINGS)}"
        drawn = {name: random.choice(kind.cells[name]) for name in chosen}
        if kind.table is ORDERS and "known_at" in drawn:
            _hold_to_the_rules(drawn, random)
        cells.append([thing, *(cell for cell, _ in drawn.values())])
        rows.append(
            Row(line, {kind.thing: thing, **{STORED[name]: value for name, (_, value) in drawn.items()}})
        )
    return Drawn((kind.thing, *chosen), cells, rows)


def _hold_to_the_rules(drawn: dict[str, tuple[str, Any]], random: Random) -> None:
    """Let a cancelled order say when that was known, and some orders give the known_at that is the default."""
    at = drawn["known_at"]
    cancelled = drawn.get("status", EMPTY)[1] == "cancelled"
    if cancelled if at == EMPTY else random.random() < 0.3:
        drawn["known_at"] = drawn["ordered_at"]


def versions_in(ledger: Ledger, kind: Kind) -> dict[Key, list[Version]]:
    columns = [column.name for column in kind.table.given if column.name != "known_at"]
    instants = {column.name for column in kind.table.given if str(column.type).startswith("timestamp")}
    selected = ", ".join(f"epoch_us({name})" if name in instants else name for name in columns)
    held: dict[Key, list[Version]] = {}
    with ledger.connect() as connection:
        for known_at, *cells in connection.execute(
            f"SELECT epoch_us(known_at), {selected} FROM ledger_{kind.table.name} ORDER BY 1"
        ).fetchall():
            values = {
                name: EPOCH + cell * timedelta(microseconds=1)
                if name in instants and cell is not None
                else cell
                for name, cell in zip(columns, cells, strict=True)
            }
            key = tuple(values[name] for name in kind.table.key)
            held.setdefault(key, []).append(Version(EPOCH + known_at * timedelta(microseconds=1), values))
    return held


def shown(kind: Kind, versions: Sequence[Version]) -> list[tuple[Any, ...]]:
    return sorted(
        (version.known_at, *(str(version.values.get(name)) for name in kind.table.content))
        for version in versions
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.table.name)
@pytest.mark.parametrize("seed", range(2))
def test_imports_leave_what_the_plain_reference_leaves(kind: Kind, seed: int, tmp_path: Path) -> None:
    random = Random(seed)  # noqa: S311 - reproducible
    ledger, reference = Ledger(Home(tmp_path / "home")), ReferenceLedger(kind.table, kind.defaults)
    told: dict[Key, list[str]] = {}
    for number in range(3):
        imported_at = FIRST_IMPORT + number * DAY
        files = [draw(kind, random) for _ in range(random.choice((1, 1, 2)))]
        files += random.choices(files, k=random.randrange(2))  # the same bytes again
        paths = [file.write(tmp_path / f"{number}-{place}.csv") for place, file in enumerate(files)]

        report = import_files(
            ledger, kind.table, paths, imported_at=imported_at, currency=CURRENCY, time_zone=TIME_ZONE
        )
        expected: Counter[str] = Counter()
        for file in files:
            expected.update(reference.import_file(file.rows, imported_at))
            for row in file.rows:
                told.setdefault((row.values[kind.thing],), []).append(f"import {number}: {row}")

        found = versions_in(ledger, kind)
        for key in sorted(reference.held.keys() | found.keys()):
            thing = key[kind.table.key.index(kind.thing)]
            assert shown(kind, found.get(key, [])) == shown(kind, reference.held.get(key, [])), (
                key, "\n".join(told[(thing,)]))  # fmt: skip
        counted = {name: getattr(report, name) for name in ("added", "unchanged", "corrected", "rejected")}
        assert counted == {name: expected[name] for name in counted}


def _told_once(kind: Kind, random: Random) -> list[list[str]]:
    """Draw rows of which no two speak of one key and instant; each says its known_at and all columns."""
    instants = [cell for cell, at in KNOWN_AT if at]
    rows = []
    for thing in range(THINGS):
        for known_at in random.sample(instants, random.randrange(1, len(instants) + 1)):
            drawn = {name: random.choice(choices)[0] for name, choices in kind.cells.items()}
            drawn |= {"known_at": known_at} | (
                {"line_id": "1", "status": "paid"} if kind.table is ORDERS else {}
            )
            rows.append([f"t{thing}", *drawn.values()])
    return rows


def _states(kind: Kind, ledger: Ledger) -> dict[Key, list[tuple[Any, ...]]]:
    """Return what was known of each key, and from when on."""
    states = {}
    for key, versions in versions_in(ledger, kind).items():
        told = shown(kind, versions)
        states[key] = [now for then, now in pairwise([(None,), *told]) if now[1:] != then[1:]]
    return states


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.table.name)
def test_rows_that_say_when_they_were_known_leave_the_same_in_one_file_or_in_many_as_time_goes_by(
    kind: Kind, tmp_path: Path
) -> None:
    random = Random(1)  # noqa: S311 - reproducible
    columns = (kind.thing, *kind.cells)
    rows = sorted(_told_once(kind, random), key=lambda row: row[columns.index("known_at")])
    ledgers = []
    for number, sizes in enumerate(((1,), (1, 1, 1), (2, 3), (4,))):
        ledgers.append(Ledger(Home(tmp_path / f"home {number}")))
        cuts = [0, *sorted(random.sample(range(len(rows)), sum(sizes) - 1)), len(rows)]
        files = [Drawn(columns, random.sample(rows[a:b], b - a), []) for a, b in pairwise(cuts)]
        paths = [file.write(tmp_path / f"{number}-{place}.csv") for place, file in enumerate(files)]
        for size in sizes:
            import_files(
                ledgers[-1],
                kind.table,
                paths[:size],
                imported_at=FIRST_IMPORT,
                currency=CURRENCY,
                time_zone=TIME_ZONE,
            )
            del paths[:size]

    first, *others = [_states(kind, ledger) for ledger in ledgers]
    assert len(first) == THINGS
    assert max(len(states) for states in first.values()) > 2
    for other in others:
        assert other == first
