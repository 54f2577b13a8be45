"""Who bought what on which days: the rows that replenishment is computed from, numbered and read in chunks.

A pair is a customer with a product, or a customer with a category. Customers and items are small numbers in the
order of their ids; a day on which a pair was bought is one row, whatever was bought of it on that day. Lines that
were refunded in full are no purchase (`features.history`).
"""

from dataclasses import dataclass
from typing import Final, Literal

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Names = npt.NDArray[np.object_]
Level = Literal["product", "category"]
LEVELS: Final[tuple[Level, ...]] = ("product", "category")

CHUNK_ROWS: Final = 300_000
"""Days of pairs that are described at once: what a chunk needs stays below some 300 MB."""

_ITEM_COLUMN: Final[dict[Level, str]] = {"product": "product_id", "category": "category"}

_CUSTOMERS = """
CREATE OR REPLACE TEMP TABLE replenishment_customers AS
SELECT customer_id, CAST(row_number() OVER (ORDER BY customer_id) - 1 AS INTEGER) AS customer
FROM (SELECT DISTINCT customer_id FROM history_items)
"""

_VISITS = """
CREATE OR REPLACE TEMP TABLE replenishment_visits AS
SELECT DISTINCT customer, CAST(order_day AS INTEGER) AS day
FROM history_items JOIN replenishment_customers USING (customer_id)
ORDER BY customer, day
"""

_ITEMS = """
CREATE OR REPLACE TEMP TABLE replenishment_{level}_items AS
SELECT name, category, CAST(row_number() OVER (ORDER BY name) - 1 AS INTEGER) AS item
FROM (
    SELECT {column} AS name, min(category) AS category FROM history_items WHERE {column} IS NOT NULL GROUP BY ALL
)
"""

# In the order in which they are read: some customers' rows are then found without a look at all the others.
_DAYS = """
CREATE OR REPLACE TEMP TABLE replenishment_{level}_days AS
SELECT customer, item, CAST(order_day AS INTEGER) AS day, CAST(sum(quantity_milli) AS BIGINT) AS quantity_milli,
       CAST(sum(net_minor) AS BIGINT) AS net_minor
FROM history_items
JOIN replenishment_customers USING (customer_id)
JOIN replenishment_{level}_items AS known ON known.name = history_items.{column}
GROUP BY ALL
ORDER BY customer, item, day
"""

_SPAN = "SELECT min(order_day), max(order_day + age_days) FROM history_items"


@dataclass(frozen=True)
class Items:
    """The items of one level; an item's number is its place here.

    Parameters
    ----------
    names : (items,) str
        Product ids or category paths, rising.
    categories : (items,) str or None
        Category of each; the name itself at level "category".
    """

    names: Names
    categories: Names


@dataclass(frozen=True)
class Days:
    """The days on which some customers bought items, by customer, item and day; and the days on which they came.

    Parameters
    ----------
    customer, item, day : (n,) int
        Day is a local day number.
    quantity : (n,) float, pieces
        NaN where the store does not say.
    spent : (n,) float, hundredths of the currency
    visit_customer, visit_day : (m,) int
        A row a customer and day on which he bought any product, by customer and day.
    """

    customer: Ints
    item: Ints
    day: Ints
    quantity: Floats
    spent: Floats
    visit_customer: Ints
    visit_day: Ints

    def before(self, day: int) -> "Days":
        """Return what was known before a day: purchases of that day and later left out."""
        kept, came = self.day < day, self.visit_day < day
        columns = (
            self.customer[kept],
            self.item[kept],
            self.day[kept],
            self.quantity[kept],
            self.spent[kept],
        )
        return Days(*columns, self.visit_customer[came], self.visit_day[came])


def stage_days(connection: duckdb.DuckDBPyConnection) -> None:
    """Stage the days of numbered customers and items, at both levels, from the history as it is staged.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds `history_items` as `features.history.stage` leaves it; customer_id, product_id, category, order_day,
        age_days, quantity_milli and net_minor are read.
    """
    connection.execute(_CUSTOMERS)
    connection.execute(_VISITS)
    for level in LEVELS:
        for statement in (_ITEMS, _DAYS):
            connection.execute(statement.format(level=level, column=_ITEM_COLUMN[level]))


def span(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Return the first local day with a purchase and the cutoff's; both 0 without any."""
    found = connection.execute(_SPAN).fetchone()
    return (0, 0) if found is None or found[0] is None else (int(found[0]), int(found[1]))


def read_items(connection: duckdb.DuckDBPyConnection, level: Level) -> Items:
    """Return the items of a level, after `stage_days`."""
    rows = connection.execute(f"SELECT name, category FROM replenishment_{level}_items ORDER BY item").df()
    return Items(_names(rows["name"].to_numpy(object)), _names(rows["category"].to_numpy(object)))


def chunks(connection: duckdb.DuckDBPyConnection, rows: int = CHUNK_ROWS) -> list[tuple[int, int]]:
    """Return ranges of customers, [first, last), that hold about so many days of pairs each.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        After `stage_days`.
    rows : int
        Of the level that has more of them.
    """
    counts = [f"(SELECT count(*) FROM replenishment_{level}_days)" for level in LEVELS]
    count = f"SELECT (SELECT count(*) FROM replenishment_customers), greatest({', '.join(counts)})"
    found = connection.execute(count).fetchone() or (0, 0)
    customers, days = int(found[0]), int(found[1])
    step = max(1, customers * rows // max(days, 1))
    return [(first, min(first + step, customers)) for first in range(0, customers, step)]


def read_days(
    connection: duckdb.DuckDBPyConnection,
    level: Level,
    customers: tuple[int, int],
    share: float = 1.0,
    seed: int = 0,
) -> Days:
    """Return the days of some customers.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        After `stage_days`.
    level : "product" or "category"
    customers : (int, int)
        Numbers, the second exclusive.
    share : float
        Of these customers, those who are read: spread evenly over the numbers, and for one seed always the same.
    seed : int
    """
    where = f"WHERE customer >= {customers[0]} AND customer < {customers[1]}"
    if share < 1:
        # Multiples of the golden ratio fall evenly between 0 and 1 (Knuth, The Art of Computer Programming 3, 6.4).
        scattered = f"CAST(customer + {seed % 4096} AS BIGINT) * 2654435769 % 4294967296"
        where = f"{where} AND {scattered} < {int(share * 4294967296)}"
    days = connection.execute(
        f"SELECT * FROM replenishment_{level}_days {where} ORDER BY customer, item, day"
    ).fetchnumpy()
    visits = connection.execute(
        f"SELECT * FROM replenishment_visits {where} ORDER BY customer, day"
    ).fetchnumpy()
    return Days(
        customer=np.asarray(days["customer"], dtype=np.int64),
        item=np.asarray(days["item"], dtype=np.int64),
        day=np.asarray(days["day"], dtype=np.int64),
        quantity=np.ma.filled(np.ma.asarray(days["quantity_milli"]).astype(np.float64), np.nan) / 1000.0,
        spent=np.asarray(days["net_minor"], dtype=np.float64),
        visit_customer=np.asarray(visits["customer"], dtype=np.int64),
        visit_day=np.asarray(visits["day"], dtype=np.int64),
    )


def read_ids(connection: duckdb.DuckDBPyConnection, customers: tuple[int, int]) -> pa.ChunkedArray:
    """Return the ids of some customers, in the order of their numbers, after `stage_days`."""
    rows = connection.sql(
        "SELECT customer_id FROM replenishment_customers WHERE customer >= ? AND customer < ? ORDER BY customer",
        params=list(customers),
    )
    return rows.to_arrow_table()["customer_id"]


def _names(values: npt.NDArray[np.object_]) -> Names:
    """Return texts, None where there is none."""
    return np.asarray([value if isinstance(value, str) else None for value in values], dtype=object)
