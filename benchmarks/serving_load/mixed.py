"""Reads, scoring and orders at once while releases are promoted, a broken one is tried, and workers are killed.

What is checked: every answer is the one expected, whichever release gave it; every order that was acknowledged is in
the ledger afterwards; and no request fails but on a connection that a kill cut.
"""

import asyncio
import json
import random
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle, takewhile
from time import perf_counter
from typing import Any

from benchmarks.serving_load.load import CUT, Asked, Load, get, post
from benchmarks.serving_load.server import Server, regulars
from ledger.errors import InputError
from ledger.home import Home
from ledger.settling import settle
from ledger.store import Ledger
from models.deployments import promote
from models.release import Predictors, Release, load_deployed, load_release, write_release
from segments.segment import load_library
from serving import answers
from serving.store import PublishedRun
from serving.tried import open_scorer

A_SECOND, CALLERS = 20.0, 8
"""Requests, and how many are under way at most: two workers that share a processor must keep up while one restarts."""
READ, HISTORIES, BUYERS = 200, 20, 40
ORDERS_OF_ALL, REREAD_OF_ALL, SCORED_OF_ALL = 0.03, 0.01, 0.2
"""Shares of the requests; the others are reads of customers to whom nothing happens."""
PROMOTED_EVERY, KILLED_EVERY = 60.0, 300.0
AFTER_A_KILL = 3.0
"""Seconds within which a cut is one of the kill's."""
SEED = 11


@dataclass
class Seen:
    """What came of the requests.

    Parameters
    ----------
    wrong : list of str
        What was answered otherwise than expected.
    counts : Counter
    acknowledged : dict of str to datetime
        Orders by id, and when they were made.
    latest : dict of str to datetime
        The last acknowledged order of each buyer.
    kills, cuts : list of float
        When.
    back_seconds : list of float
        From a kill until all workers are there again.
    """

    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    acknowledged: dict[str, datetime] = field(default_factory=dict)
    latest: dict[str, datetime] = field(default_factory=dict)
    kills: list[float] = field(default_factory=list)
    cuts: list[float] = field(default_factory=list)
    back_seconds: list[float] = field(default_factory=list)

    def answered(self, kind: str, status: int, body: bytes) -> Any:  # noqa: ANN401 - parsed JSON
        """Count an answer and return its body, None when there is none."""
        self.counts[kind] += 1
        if status == CUT:
            self.cuts.append(perf_counter())
            return None
        if status != 200:  # noqa: PLR2004 - OK
            self.wrong.append(f"{kind}: answered with {status}")
            return None
        return json.loads(body)

    def expect(self, kind: str, got: object, wanted: object) -> None:
        """Note an answer that is not the one expected."""
        if got != wanted:
            self.wrong.append(f"{kind}: not as expected")


class Mix:
    """The requests, in a random order that is the same each time.

    Parameters
    ----------
    home : Home
    releases : sequence of Release
        Any of which may answer.
    seen : Seen
    """

    def __init__(self, home: Home, releases: list[Release], seen: Seen) -> None:
        self._seen, self._chance = seen, random.Random(SEED)  # noqa: S311 - which request is next
        run = PublishedRun.open(home)
        customers = run.tables["scores"]["customer_id"].to_pylist()
        self._chance.shuffle(customers)
        self._read, self._buyers = customers[:READ], customers[READ : READ + BUYERS]
        self.stored: dict[str, Any] = {}
        self._made = max(run.facts.as_of, datetime.now(UTC) - timedelta(days=30))
        at = datetime.now(UTC)
        scorers = [open_scorer(home, release, load_library()) for release in releases]
        self._histories = []
        for _ in range(HISTORIES):
            body = {"as_of": run.facts.as_of.date().isoformat(), "customers": self._history(run.facts.as_of)}
            self._histories.append(
                (body, {each.release.id: answers.score(body, each, run, at) for each in scorers})
            )

    def reads(self) -> Iterator[Asked]:
        """Yield a read of each customer to whom nothing will happen, whose answers are expected from then on."""
        for customer in self._read:
            yield get(f"/v1/customers/{customer}", partial(self._keep, customer))

    def __iter__(self) -> Iterator[Asked]:
        """Yield requests without end."""
        number = 0
        while True:
            number, draw = number + 1, self._chance.random()
            if draw < ORDERS_OF_ALL:
                yield self._order(number)
            elif draw < ORDERS_OF_ALL + REREAD_OF_ALL and self._seen.latest:
                yield self._reread()
            elif draw < ORDERS_OF_ALL + REREAD_OF_ALL + SCORED_OF_ALL:
                yield self._score()
            else:
                customer = self._chance.choice(self._read)
                yield get(f"/v1/customers/{customer}", partial(self._check_read, customer))

    def _keep(self, customer: str, _: int, body: bytes) -> None:
        self.stored[customer] = json.loads(body)

    def _check_read(self, customer: str, status: int, body: bytes) -> None:
        got = self._seen.answered("read", status, body)
        if got is not None:
            self._seen.expect("read", got, self.stored[customer])

    def _score(self) -> Asked:
        body, wanted = self._chance.choice(self._histories)

        def check(status: int, answer: bytes) -> None:
            got = self._seen.answered("score", status, answer)
            if got is not None:
                self._seen.counts[f"scored by {got['release']}"] += 1
                self._seen.expect("score", got, json.loads(json.dumps(wanted.get(got["release"]))))

        return post("/v1/score", body, check)

    def _order(self, number: int) -> Asked:
        buyer, order = self._chance.choice(self._buyers), f"load-{number}"
        made = self._made + timedelta(seconds=number)
        line = {
            "customer_id": buyer,
            "order_id": order,
            "ordered_at": made.isoformat(),
            "net_amount": "12.50",
        }

        def check(status: int, answer: bytes) -> None:
            got = self._seen.answered("order", status, answer)
            if got is not None:
                self._seen.expect("order", got["added"], 1)
                self._seen.acknowledged[order] = made
                self._seen.latest[buyer] = max(made, self._seen.latest.get(buyer, made))

        return post("/v1/orders", {"orders": [line]}, check)

    def _reread(self) -> Asked:
        buyer, made = self._chance.choice(sorted(self._seen.latest.items()))

        def check(status: int, answer: bytes) -> None:
            got = self._seen.answered("read after an order", status, answer)
            if got is not None and datetime.fromisoformat(got["data_through"]) < made:
                self._seen.wrong.append("an acknowledged order was not told of")

        return get(f"/v1/customers/{buyer}", check)

    def _history(self, as_of: datetime) -> dict[str, object]:
        days = sorted(self._chance.sample(range(1, 400), 12))
        orders = [
            {
                "order_id": str(day),
                "ordered_at": (as_of - timedelta(days=day)).date().isoformat(),
                "net_amount": 20,
            }
            for day in days
        ]
        return {"customer_id": "made-up", "orders": orders}


async def run(home: Home, processors: set[int], seconds: float, a_second: float) -> list[dict[str, object]]:
    """Return what happened, a row a thing.

    Parameters
    ----------
    home : Home
        Written to.
    processors : set of int
        For the service.
    seconds : float
    a_second : float
        Requests, at most.
    """
    first = load_deployed(home)
    second = without_trees(home, first)
    broken = altered(home, second)
    seen = Seen()
    mix = Mix(home, [first, second], seen)
    with regulars(home.path, 2, processors) as server:
        load = Load(server.port)
        await load.one_by_one(mix.reads())
        until = perf_counter() + seconds
        changing = asyncio.create_task(
            _promote(home, (second.id, first.id, broken), min(PROMOTED_EVERY, seconds / 6), until, seen)
        )
        killing = asyncio.create_task(_kill(server, min(KILLED_EVERY, seconds / 2.5), until, seen))
        requests = takewhile(lambda _: perf_counter() < until, mix)
        took = await load.at_most(CALLERS, requests, a_second)
        await asyncio.gather(changing, killing)
    settle(Ledger(home), datetime.now(UTC))
    with Ledger(home).connect() as connection:
        there = {
            order
            for (order,) in connection.execute(
                "SELECT order_id FROM ledger_orders WHERE order_id LIKE 'load-%'"
            ).fetchall()
        }
    by_kill = [cut for cut in seen.cuts if any(0 <= cut - kill <= AFTER_A_KILL for kill in seen.kills)]
    told = {
        "seconds": round(seconds),
        "requests": len(took.seconds),
        **dict(sorted(seen.counts.items())),
        "p50 / p99, ms": f"{took.milliseconds(50):.1f} / {took.milliseconds(99):.1f}",
        "kills": len(seen.kills),
        "seconds until all workers are back": ", ".join(f"{each:.1f}" for each in seen.back_seconds),
        "cut by a kill": len(by_kill),
        "cut otherwise": len(seen.cuts) - len(by_kill),
        "orders acknowledged": len(seen.acknowledged),
        "of them lost": len(seen.acknowledged.keys() - there),
        "wrong answers": len(seen.wrong),
        **{f"wrong: {what}": number for what, number in Counter(seen.wrong).most_common(5)},
    }
    return [{"what": what, "found": found} for what, found in told.items()]


def without_trees(home: Home, release: Release) -> Release:
    """Write a release that scores otherwise: this one's purchase process alone."""
    worth = replace(release.predictors.worth, orders_correction=None, value_correction=None)
    next_order = replace(release.predictors.next_order, correction=None)
    facts = release.manifest.model_dump(exclude={"release", "files"})
    predictors = Predictors(next_order, worth, release.predictors.replenishment)
    return load_release(write_release(home, predictors, release.reference, facts))


def altered(home: Home, release: Release) -> str:
    """Write a release one of whose files is not the one that was released, and return its name."""
    directory = home.releases / f"{release.manifest.as_of}-000000000000"
    shutil.copytree(home.releases / release.id, directory)
    (directory / "reference.json").write_text("{}")
    return directory.name


async def _promote(home: Home, names: Sequence[str], every: float, until: float, seen: Seen) -> None:
    def accept(release: Release) -> None:
        open_scorer(home, release, load_library())

    for name in cycle(names):
        if perf_counter() + every > until:
            return
        await asyncio.sleep(every)
        try:
            await asyncio.to_thread(promote, home, name, by="load", at=datetime.now(UTC), accept=accept)
        except InputError:
            seen.counts["promotions refused"] += 1
        else:
            seen.counts["promotions"] += 1


async def _kill(server: Server, every: float, until: float, seen: Seen) -> None:
    there = len(server.workers())
    while perf_counter() + every < until:
        await asyncio.sleep(every)
        seen.kills.append(perf_counter())
        killed = server.kill_a_worker()
        while killed in (now := server.workers()) or len(now) < there:  # noqa: ASYNC110 - of another program
            await asyncio.sleep(0.1)
        seen.back_seconds.append(perf_counter() - seen.kills[-1])
