"""What it costs to take orders over the API and to answer from them: `python benchmarks/live_ledger.py [HOME]`.

Of a home that was scored, by default CDNOW's, made for the purpose: a copy of it is served in this process, guard and
routes and no network, and posted to. Each line is the median of its turns; CPU is that of all threads.
"""

import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from ledger.home import Home
from regulars import demo
from regulars.settings import load
from regulars.terminal import show
from segments.segment import load_library
from serving import pages
from serving.guard import Guard
from serving.keys import Keyring, create
from serving.live import Live
from serving.store import PublishedRun

READS = 100
POSTS = 9
LINES = 100


def main(arguments: list[str]) -> None:
    """Print what each kind of request costs."""
    os.environ.setdefault(
        "OMP_WAIT_POLICY", "PASSIVE"
    )  # as the command line sets it, before LightGBM is loaded
    with tempfile.TemporaryDirectory(prefix="regulars-live-") as scratch:
        path = Path(scratch) / "home"
        if arguments:
            shutil.copytree(arguments[0], path)
        else:
            demo.run(
                "cdnow", load(home=path), now=datetime.now(UTC), command="regulars", progress=lambda *_: None
            )
        show(asyncio.run(measured(Home(path))))


async def measured(home: Home) -> list[dict[str, object]]:
    """Return a row a kind of request."""
    run = PublishedRun.open(home)
    mine, other = (
        run.tables["scores"]["customer_id"][0].as_py(),
        run.tables["scores"]["customer_id"][1].as_py(),
    )
    live = Live()
    live.open(home, load_library)
    guard = Guard(
        pages.application(live),
        allowed_hosts=frozenset,
        not_ready=live.not_ready,
        state=live.state,
        keys=Keyring(lambda: home.keys),
    )
    numbers = count()
    at = run.facts.as_of + timedelta(hours=1)

    def lines(customer: str, rows: int) -> dict[str, Any]:
        line = {"customer_id": customer, "ordered_at": at.isoformat(), "net_amount": "10"}
        return {"orders": [line | {"order_id": f"live-{next(numbers)}"} for _ in range(rows)]}

    transport = httpx.ASGITransport(app=guard)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:3000") as client:

        async def read(customer: str) -> None:
            (await client.get(f"/v1/customers/{customer}")).raise_for_status()

        async def post(customer: str, rows: int) -> None:
            (await client.post("/v1/orders", json=lines(customer, rows))).raise_for_status()

        rows = [await timed("GET a customer, nothing ever posted", READS, lambda: read(other))]
        rows.append(await timed("POST one order line", POSTS, lambda: post(mine, 1)))
        rows.append(await timed(f"POST {LINES} order lines", POSTS, lambda: post(mine, LINES)))
        rows.append(await timed("GET a customer, orders of another posted", READS, lambda: read(other)))
        rows.append(await timed("GET the customer again", READS, lambda: read(mine)))
        first = []
        for _ in range(POSTS):
            await post(mine, 1)
            first.append(await once(lambda: read(mine)))
        rows.append(row("GET a customer first after an order", first))
        _, key = create(home.keys, "benchmark", ["scores"], 1_000_000, at)
        client.headers["authorization"] = f"Bearer {key}"
        rows.append(
            await timed("GET a customer with a key, orders of another posted", READS, lambda: read(other))
        )
    live.close()
    return rows


async def timed(what: str, turns: int, ask: Callable[[], Coroutine[Any, Any, None]]) -> dict[str, object]:
    """Return a row: what one of several turns costs."""
    await ask()
    return row(what, [await once(ask) for _ in range(turns)])


async def once(ask: Callable[[], Coroutine[Any, Any, None]]) -> tuple[float, float]:
    """Return wall and CPU milliseconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    await ask()
    return 1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu)


def row(what: str, turns: list[tuple[float, float]]) -> dict[str, object]:
    """Return medians."""
    wall, cpu = (statistics.median(each) for each in zip(*turns, strict=True))
    return {"request": what, "wall_ms": round(wall, 2), "cpu_ms": round(cpu, 2)}


if __name__ == "__main__":
    main(sys.argv[1:])
