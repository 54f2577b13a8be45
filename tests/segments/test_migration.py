from datetime import UTC, datetime

import pyarrow as pa

from ledger.engine import open_engine
from segments.migration import migration
from segments.movement import STAYS


def day(number: int) -> datetime:
    return datetime(2024, 1, number, tzinfo=UTC)


def test_every_customer_is_counted_once_where_he_was_and_where_he_is() -> None:
    stays = [("a", "new", 1, 3), ("a", "loyal", 3, None), ("b", "new", 1, None), ("c", "new", 2, None)]
    stays += [("d", "loyal", 1, 2), ("b", "else", 1, None)]
    rows: list[dict[str, object]] = [
        {
            "customer_id": who,
            "segment": what,
            "entered_at": day(start),
            "left_at": end and day(end),
            "reasons": [],
        }
        for who, what, start, end in stays
    ]
    with open_engine() as connection:
        connection.register("recorded", pa.Table.from_pylist(rows, STAYS))
        found = migration(connection, ["new", "loyal"], day(1), day(3))
    assert found.counts == {
        ("new", "loyal"): 1,
        ("new", "new"): 1,
        (None, "new"): 1,
        ("loyal", None): 1,
    }
    assert found.rows() == [
        {"before": "new", "new": 1, "loyal": 1, "gone": 0},
        {"before": "loyal", "new": 0, "loyal": 0, "gone": 1},
        {"before": None, "new": 1, "loyal": 0, "gone": 0},
    ]
