"""How fast the running service answers: `python benchmarks/service_load.py [HOME] [--requests N] [--mixed MINUTES]`.

A copy of a home that was scored, by default the demo's, is served by `regulars serve` on one processor, and asked from
another. Beside it in the same run: Starlette on uvicorn with a route that does nothing but read and answer JSON.
`--mixed` instead promotes and kills under load, see `benchmarks.serving_load.mixed`.
"""

import argparse
import asyncio
import itertools
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.serving_load import mixed
from benchmarks.serving_load.load import Asked, Load, Took, get, post
from benchmarks.serving_load.server import Server, nothing, regulars, split_processors
from ledger.home import Home
from regulars import demo
from regulars.settings import load
from regulars.terminal import show
from serving.store import PublishedRun

SECONDS = 20
CUSTOMERS = 1_000
MANY = 5
REQUESTS = 20_000
SEED = 7


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("home", nargs="?", type=Path)
    options.add_argument("--requests", type=int, default=REQUESTS, help="after which memory is told")
    options.add_argument("--mixed", type=float, metavar="MINUTES", help="promotions and kills under load")
    options.add_argument("--rate", type=float, default=mixed.A_SECOND, help="requests a second, when mixed")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="regulars-load-") as scratch:
        home = Home(Path(scratch) / "home")
        scored(given.home, home)
        processors = split_processors()
        if given.mixed:
            show(asyncio.run(mixed.run(home, processors, given.mixed * 60, given.rate)))
            return
        rows: list[dict[str, object]] = []
        with nothing(processors) as server:
            rows += asyncio.run(of_nothing(server))
        per_request = rows[0]["cpu_ms"]
        with regulars(home.path, 1, processors) as server:
            rows += asyncio.run(of_the_service(server, PublishedRun.open(home), given.requests))
        for row in rows:
            if isinstance(row["cpu_ms"], float) and isinstance(per_request, float):
                row["times_nothing"] = round(row["cpu_ms"] / per_request, 1)
        show(rows)


def scored(given: Path | None, home: Home) -> None:
    """Copy a home, or make the demo's."""
    if given is not None:
        shutil.copytree(given, home.path, ignore=shutil.ignore_patterns("bentoml"))
        return
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    settings = load(home=home.path)
    demo.run(
        "complete-journey", settings, now=datetime.now(UTC), command="regulars", progress=lambda *_: None
    )


async def of_nothing(server: Server) -> list[dict[str, object]]:
    """Return the row of a route that does nothing."""
    rate, load = 300, Load(server.port)
    asked = post("/v1/nothing", {"a": 1})
    await load.at_rate(itertools.repeat(asked, rate), rate)
    return [
        await row(
            server,
            "POST nothing, Starlette alone",
            rate,
            load,
            lambda: itertools.repeat(asked, rate * SECONDS),
        )
    ]


async def of_the_service(server: Server, run: PublishedRun, requests: int) -> list[dict[str, object]]:
    """Return a row a kind of request."""
    load, chance = Load(server.port), random.Random(SEED)  # noqa: S311 - which customers are asked for
    customers = run.tables["scores"]["customer_id"].to_pylist()
    chance.shuffle(customers)
    paths = [f"/v1/customers/{customer}" for customer in customers[:CUSTOMERS]]
    as_of = run.facts.as_of

    def posted(many: int, orders: int, rows: int) -> Iterator[Asked]:
        for _ in range(rows):
            histories: Any = [history(chance, as_of, orders) for _ in range(many)]
            body = {"as_of": as_of.date().isoformat(), "customers": histories if many > 1 else histories[0]}
            yield post("/v1/score", body)

    def reads(rows: int) -> Iterator[Asked]:
        return (get(chance.choice(paths)) for _ in range(rows))

    looked_up = post("/v1/customers/lookup", {"customer_ids": customers[:1_000]})
    await load.one_by_one(posted(1, 50, 20))
    await load.one_by_one(posted(100, 10, 2))
    one_id = "GET /v1/customers/{id}"
    table = [
        await row(server, f"{one_id}, first of each", 50, load, lambda: map(get, paths)),
        await row(server, one_id, 300, load, lambda: reads(300 * SECONDS)),
        await row(server, "POST /v1/score, 50 orders", 50, load, lambda: posted(1, 50, 50 * SECONDS)),
        await row(server, "POST /v1/score, 1,000 x 10 orders", None, load, lambda: posted(1_000, 10, MANY)),
        await row(
            server, "POST /v1/customers/lookup, 1,000", None, load, lambda: itertools.repeat(looked_up, 20)
        ),
    ]
    before = server.megabytes()
    await load.at_rate(reads(requests), 400)
    after = server.megabytes()
    for what, place in (("memory of a worker, MB", 0), ("with mapped files of the home, MB", 1)):
        was, now = f"{before[place]:.0f} before", f"{after[place]:.0f} after {requests:,} reads"
        table.append({"work": what, "asked": was, "p50_ms": now, "p99_ms": "", "cpu_ms": "", "failed": ""})
    return table


async def row(
    server: Server, work: str, a_second: float | None, load: Load, requests: Callable[[], Iterator[Asked]]
) -> dict[str, object]:
    """Return what one kind of request took; one by one without a rate."""
    before = server.cpu_seconds()
    took: Took = await (
        load.one_by_one(requests()) if a_second is None else load.at_rate(requests(), a_second)
    )
    used = server.cpu_seconds() - before
    return {
        "work": work,
        "asked": "one by one" if a_second is None else f"{a_second:.0f} a second",
        "p50_ms": round(took.milliseconds(50), 2),
        "p99_ms": round(took.milliseconds(99), 2),
        "cpu_ms": round(used / len(took.seconds) * 1e3, 3),
        "failed": took.failed,
    }


def history(chance: random.Random, as_of: datetime, orders: int) -> dict[str, object]:
    """Return a made-up customer."""
    days = sorted(chance.sample(range(1, 700), orders))
    return {
        "customer_id": f"made-up-{chance.randrange(10**9)}",
        "orders": [
            {
                "order_id": str(day),
                "ordered_at": (as_of - timedelta(days=day)).date().isoformat(),
                "net_amount": f"{chance.randrange(100, 9_000) / 100:.2f}",
            }
            for day in days
        ],
    }


if __name__ == "__main__":
    main()
