"""`regulars identities` on a small home: what is printed, what is stored, what is refused."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ledger.errors import InputError
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.identities import IDENTITIES
from ledger.tables.orders import ORDERS
from regulars import identifying

ORDERS_FILE = """customer_id,order_id,ordered_at,net_amount
guest,o1,2024-05-01,10
guest,o2,2024-05-02,10
ann,o3,2024-05-03,10
"""
# The guest was thought to be Ben for two days; the tablet in the shop was six people.
IDENTITIES_FILE = """anonymous_id,customer_id,known_at,how
guest,ben,2024-05-10,identified
guest,,2024-05-12,unmerged
tablet,p1,2024-05-01,identified
tablet,p2,2024-05-02,identified
tablet,p3,2024-05-03,identified
tablet,p4,2024-05-04,identified
tablet,p5,2024-05-05,identified
tablet,p6,2024-05-06,identified
"""
IMPORTED_AT = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    for table, text in ((ORDERS, ORDERS_FILE), (IDENTITIES, IDENTITIES_FILE)):
        file = tmp_path / f"{table.name}.csv"
        file.write_text(text, encoding="utf-8")
        import_files(
            Ledger(made), table, [file], imported_at=IMPORTED_AT, currency="EUR", time_zone="Europe/Berlin"
        )
    return made


def told(home: Home, *arguments: str) -> Any:  # noqa: ANN401 - a JSON document
    ran = CliRunner().invoke(
        identifying.commands, [*arguments, "--home", str(home.path), "--json"], catch_exceptions=False
    )
    return json.loads(ran.stdout)


def refused(home: Home, *arguments: str) -> str:
    ran = CliRunner().invoke(identifying.commands, [*arguments, "--home", str(home.path)])
    assert isinstance(ran.exception, InputError)
    return str(ran.exception)


def test_a_merge_by_hand_is_shown_with_its_audit_trail(home: Home) -> None:
    today = datetime.now(UTC)

    change = told(home, "merge", "guest", "ann", "--how", "phone call")
    shown = told(home, "show", "guest")

    assert (change["customer_id"], change["ids"], change["orders"]) == ("ann", 1, 2)
    assert today <= datetime.fromisoformat(change["known_at"]) <= today + timedelta(minutes=5)
    assert date.fromisoformat(change["counts_as_of"]) > today.date()
    assert (shown["id"], shown["customer_id"], shown["together_with"]) == ("guest", "ann", ["ann"])
    assert [(row["customer_id"], row["how"], row["state"]) for row in shown["trail"]] == [
        ("ben", "identified", "superseded"),
        (None, "unmerged", "superseded"),
        ("ann", "phone call", "in force"),
    ]


def test_a_day_in_the_past_is_shown_as_it_was_known_then(home: Home) -> None:
    # What is known from midnight on does not count as of that midnight, but as of the next.
    assert told(home, "show", "guest", "--as-of", "2024-05-11")["customer_id"] == "ben"
    assert told(home, "show", "guest", "--as-of", "2024-05-10")["customer_id"] == "guest"
    assert told(home, "show", "guest", "--as-of", "2024-05-13")["customer_id"] == "guest"


def test_an_un_merge_parts_the_two_again(home: Home) -> None:
    told(home, "merge", "guest", "ann")

    change = told(home, "unmerge", "guest")

    assert (change["customer_id"], change["how"], change["orders"]) == ("guest", "unmerged", 2)
    assert told(home, "show", "ann")["together_with"] == []


def test_hubs_are_listed_and_shown_as_such(home: Home) -> None:
    assert told(home, "hubs") == [{"anonymous_id": "tablet", "customers": 6}]

    tablet = told(home, "show", "tablet")
    assert (tablet["customer_id"], tablet["hub_of"], tablet["trail"][-1]["state"]) == ("tablet", 6, "hub")


def test_text_is_printed_without_json(home: Home) -> None:
    ran = CliRunner().invoke(identifying.commands, ["show", "guest", "--home", str(home.path)])

    assert ran.exit_code == 0
    assert "customer id: guest" in ran.stdout
    assert "superseded" in ran.stdout


def test_an_id_that_no_row_names_is_refused(home: Home) -> None:
    expected = "no row of the ledger names 'nobody'; give an id as it was imported"

    assert refused(home, "show", "nobody") == expected
    assert refused(home, "merge", "nobody", "ann") == expected
    assert refused(home, "unmerge", "nobody") == expected
