"""Staging with numbers for ids: what every customer of a large ledger is described from.

The steps never look into an id. They compare ids, group and join by them, and put the smaller before the larger; so
the very same text may be run over numbers that were given to the ids in their order, and says the same. Numbers of
four bytes are hashed, sorted and kept in a fraction of the time and memory that texts take. The ids are put back into
the answer.

A relation staged here has `numbered_` before its name; the store's one row holds no id and keeps its own.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import duckdb

from ledger.staging import Step

CUSTOMERS = "numbered_customers"
PRODUCTS = "numbered_products"
CATEGORIES = "numbered_categories"

_NAMES = re.compile(r"\b(?:history_(?!store\b)\w+|identities_resolved|ledger_(?:products|customers))\b")


def name(sql: str, prefix: str = "numbered") -> str:
    """Return a step's text, or a table's name, over relations that are staged with numbers."""
    return _NAMES.sub(lambda found: f"{prefix}_{found.group()}", sql)


def fill(
    connection: duckdb.DuckDBPyConnection,
    step: Step,
    values: Mapping[str, datetime | int],
    prefix: str = "numbered",
) -> None:
    """Run a step over numbers; as `Step.fill`."""
    replace(step, table=name(step.table, prefix), sql=name(step.sql, prefix)).fill(connection, **values)


ORDERED = "select customer_id as id, greatest(known_at, ordered_at) as from_at from ledger_orders"
"""Whose ids are customers', and since when: whoever has ordered, be it undone later."""

# Every id that one of theirs may be resolved to has a number, whatever the cutoff; numbers are compared as the ids are,
# in the order of their bytes.
_IDS = {
    CUSTOMERS: """
        select id, min(from_at) as from_at
        from (
            {known}
            union all select anonymous_id, null from ledger_identities
            union all select customer_id, null from ledger_identities where customer_id is not null
        )
        group by id""",
    PRODUCTS: "select product_id as id from ledger_orders where product_id is not null group by product_id",
    CATEGORIES: "select category as id from ledger_products where category is not null group by category",
}

_LEDGER_PRODUCTS = f"""
create or replace temp table numbered_ledger_products as
select p.number as product_id, k.known_at, c.number as category, k.price_minor
from ledger_products k
join {PRODUCTS} p on k.product_id = p.id
left join {CATEGORIES} c on k.category = c.id
"""


def assign(connection: duckdb.DuckDBPyConnection, known: str = ORDERED) -> None:
    """Give every id its number; needed again only when the ledger's views change.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With views of the ledger's tables in the stored schema.
    known : str
        SELECT of the ids that are customers' and since when, as `ORDERED`.
    """
    for table, ids in _IDS.items():
        connection.execute(
            f"create or replace temp table {table} as "
            f"select *, row_number() over (order by id)::int as number from ({ids.format(known=known)})"
        )
    connection.execute(_LEDGER_PRODUCTS)
