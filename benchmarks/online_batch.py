"""Whether the API tells what the batch stored: `python -m benchmarks.online_batch HOME [--customers N] [--alone N]`.

The orders of customers of a home that was scored are posted as a client would, some of them alone, the others in
crowds, and answered as of the published run. Printed is how many scores, segments and reasons are others than those
stored; of the segments those are compared that orders alone decide and that the run had with the same condition.
For homes that know of orders alone: of events and descriptions nothing is posted.
"""

import argparse
import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any

from ledger.home import Home
from ledger.store import Ledger
from models.release import load_deployed
from regulars.terminal import show
from segments.segment import load_library
from serving import answers, customers
from serving.schemas.scores import LINES_A_REQUEST
from serving.store import PublishedRun
from serving.tried import open_scorer

CUSTOMERS, ALONE = 2_000, 200
LINES_TOGETHER = 8_000
NEAR = 1e-9
SEED = 5
# As a file of plain format has them.
LINES = """
SELECT customer_id, order_id, line_id, strftime(ordered_at, '%Y-%m-%dT%H:%M:%S.%fZ') AS ordered_at,
    strftime(known_at, '%Y-%m-%dT%H:%M:%S.%fZ') AS known_at, product_id,
    CAST(CAST(quantity_milli AS DECIMAL(18, 0)) / 1000 AS VARCHAR) AS quantity,
    CAST(CAST(net_minor AS DECIMAL(18, 0)) / 100 AS VARCHAR) AS net_amount,
    CAST(CAST(discount_minor AS DECIMAL(18, 0)) / 100 AS VARCHAR) AS discount_amount, currency, status, channel
FROM ledger_orders WHERE customer_id IN (SELECT unnest($ids)) ORDER BY customer_id, ordered_at, order_id, line_id
"""


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("home", type=Path)
    options.add_argument("--customers", type=int, default=CUSTOMERS)
    options.add_argument("--alone", type=int, default=ALONE, help="how many of them in requests of their own")
    given = options.parse_args()
    home = Home(given.home)
    run, release = PublishedRun.open(home), load_deployed(home)
    ids = run.tables["scores"]["customer_id"].to_pylist()
    random.Random(SEED).shuffle(ids)  # noqa: S311 - which customers are tried
    histories = posted(home, ids[: given.customers])
    scorer, seen = open_scorer(home, release, load_library()), Counter[str]()
    as_run = {(segment.name, segment.expression) for segment in run.facts.segments}
    compared = {
        each.name for each in scorer.segments if (each.name, each.expression) in as_run
    } & scorer.of_posted
    seen["segments compared"] = len(compared)
    start = process_time()
    for some in together(histories, given.alone):
        body = {"as_of": run.facts.as_of.isoformat(), "customers": some if len(some) > 1 else some[0]}
        for told in answers.score(body, scorer, run, datetime.now(UTC))["results"]:
            wanted = customers.customer(run, told["customer_id"], release)
            seen.update(differences(told, wanted, compared))
    seen["processor seconds"] = round(process_time() - start)
    show([{"what": what, "found": found} for what, found in seen.items()])


def posted(home: Home, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the histories of customers as a client would post them, those that are too long for it left out."""
    with Ledger(home).connect() as connection:
        found = connection.execute(LINES, {"ids": list(ids)})
        names = [column[0] for column in found.description or ()][1:]
        histories: dict[str, list[dict[str, str]]] = {}
        while rows := found.fetchmany(50_000):
            for customer_id, *values in rows:
                line = {name: value for name, value in zip(names, values, strict=True) if value is not None}
                histories.setdefault(customer_id, []).append(line)
    return [
        {"customer_id": customer_id, "orders": lines}
        for customer_id, lines in histories.items()
        if len(lines) <= LINES_A_REQUEST
    ]


def together(histories: Sequence[dict[str, Any]], alone: int) -> Iterator[list[dict[str, Any]]]:
    """Yield the first of them alone and the others as many at once as one request may hold."""
    yield from ([each] for each in histories[:alone])
    some: list[dict[str, Any]] = []
    for each in histories[alone:]:
        if sum(len(one["orders"]) for one in (*some, each)) > LINES_TOGETHER and some:
            yield some
            some = []
        some.append(each)
    if some:
        yield some


def differences(
    told: Mapping[str, Any], wanted: Mapping[str, Any], segments: Collection[str]
) -> Counter[str]:
    """Count what is compared of one customer, and what of it is otherwise than stored."""
    if "error" in told:
        return Counter({"customers": 1, "answered with a problem": 1})
    mine, his = (
        {each["name"]: each["reasons"] for each in one["segments"] if each["name"] in segments}
        for one in (told, wanted)
    )
    scores = [(value, wanted["scores"][name]) for name, value in told["scores"].items()]
    reasons = [(value, wanted["reasons"][name]) for name, value in told["reasons"].items()]
    return Counter(
        {
            "customers": 1,
            "scores": len(scores),
            f"of them farther than {NEAR:g} from the batch's": sum(far(*each) for each in scores),
            "memberships": len(his),
            "of them missing or too many": len(mine.keys() ^ his.keys()),
            "of them with other reasons": sum(mine[name] != his[name] for name in mine.keys() & his.keys()),
            "scores with reasons": len(reasons),
            "of these with others": sum(one != other for one, other in reasons),
        }
    )


def far(one: float | None, other: float | None) -> bool:
    """Return whether two scores are not the same."""
    if one is None or other is None:
        return one is not other
    return abs(one - other) > NEAR * max(1.0, abs(other))


if __name__ == "__main__":
    main()
