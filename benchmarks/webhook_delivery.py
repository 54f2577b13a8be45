"""What it takes to post the members of a large segment to a receiver, to its end, and to go on after it failed midway.

`python benchmarks/webhook_delivery.py --home DIR --segment NAME` delivers a segment of a scored home to an HTTP server
on this machine, in a process of its own: to a first one whole and then what changed since, which is nothing; to
another one that takes half of the messages, the last of them without saying so, fails, and is delivered to again once
it is well. It checks that each member arrived exactly once, for a receiver that skips the keys it has seen. Nothing is
written into the home: records of the deliveries are kept beside links to it.
"""

import argparse
import json
import math
import multiprocessing as mp
import random
import resource
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

from ledger.errors import InputError
from ledger.home import Home
from serving.export import members
from serving.export.courier import Courier, World, checked
from serving.export.delivery import Delivered, Request, to_webhook
from serving.export.signature import Secret, is_signed

SECRET = Secret(random.Random(7).randbytes(32))  # noqa: S311 - for messages to this machine
WORLD = World(now=lambda: datetime.now(UTC), sleep=lambda _: None, random=random.Random(7).random)  # noqa: S311


@dataclass
class Seen:
    """What a receiver knows.

    Parameters
    ----------
    posts, bytes : int
        All that came.
    keys : set of str
        Of messages that were taken.
    customers : list of str
        Added by these.
    """

    posts: int = 0
    bytes: int = 0
    keys: set[str] = field(default_factory=set)
    customers: list[str] = field(default_factory=list)


def receive(pipe: Connection, well_until: float) -> None:
    """Run a receiver; for each line of the pipe send back what it saw, and mend it. None ends it.

    Parameters
    ----------
    pipe : Connection
        Is sent the port first.
    well_until : float
        The message that is taken but not answered; from there on everything is answered 503. Infinite when none is.
    """
    seen, failing = Seen(), True

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5  # a connection that is kept open

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            seen.posts += 1
            seen.bytes += len(body)
            if failing and seen.posts > well_until:
                self.answer(503)
                return
            signed = {name.lower(): value for name, value in self.headers.items()}
            if not is_signed(SECRET, signed, body, datetime.now(UTC)):
                self.answer(401)
                return
            if (key := signed["idempotency-key"]) not in seen.keys:
                seen.keys.add(key)
                seen.customers += [each["customer_id"] for each in json.loads(body)["adds"]]
            if failing and seen.posts == well_until:
                self.close_connection = True
                return
            self.answer(204)

        def answer(self, code: int) -> None:
            self.send_response(code)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        pipe.send(server.server_port)
        while pipe.recv() is not None:
            pipe.send(seen)
            failing = False
        server.shutdown()


@contextmanager
def receiving(well_until: float = math.inf) -> Iterator[tuple[str, Connection]]:
    """Run a receiver in a process of its own; give its address and the pipe to it."""
    here, there = mp.Pipe()
    process = mp.get_context("spawn").Process(target=receive, args=(there, well_until), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/hook", here
    finally:
        here.send(None)
        process.join(timeout=10)


def seen_by(pipe: Connection) -> Seen:
    """Return what a receiver saw until now."""
    pipe.send("tell")
    found: Seen = pipe.recv()
    return found


def deliver(what: str, home: Home, segment: str, url: str, *, delta: bool) -> Delivered | None:
    """Deliver once and print what it took; None when the receiver failed."""
    started, used = time.perf_counter(), time.process_time()
    told = None
    try:
        told = to_webhook(
            Request(home, segment, datetime.now(UTC), delta=delta),
            checked(url),
            Courier(checked(url), SECRET, WORLD),
        )
        answer = f"{told.added:,} added, {told.removed:,} removed"
    except InputError as error:
        answer = str(error)
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:<28} {wall:7.1f} s  {cpu:7.1f} s of CPU  {peak:7,.0f} MB at most  {answer}", flush=True)
    return told


def check(what: str, ids: Sequence[str], seen: Seen) -> None:
    """Print what arrived, and fail when it is not each member once."""
    print(
        f"  {what}: {seen.posts:,} posts, {seen.bytes / 1e6:,.0f} MB, {len(seen.customers):,} customers added"
    )
    if sorted(seen.customers) != sorted(ids):
        raise SystemExit("what arrived is not each member once")


def linked(home: Path, directory: Path) -> Home:
    """Return a home of links to another, which keeps its deliveries to itself."""
    directory.mkdir()
    for each in home.iterdir():
        if each.name not in {"deliveries", "scoring.lock"}:
            (directory / each.name).symlink_to(each.resolve())
    return Home(directory)


def main() -> None:
    """Deliver and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--segment", default="likely_to_churn")
    given = parser.parse_args()
    segment = given.segment
    with tempfile.TemporaryDirectory() as scratch:
        home = linked(given.home, Path(scratch) / "home")
        ids = members.newest(home, segment, told=False)["customer_id"].to_pylist()
        print(f"{segment}: {len(ids):,} members")
        with receiving() as (url, pipe):
            deliver("whole", home, segment, url, delta=False)
            whole = seen_by(pipe)
            check("arrived", ids, whole)
            deliver("what changed since", home, segment, url, delta=True)
            if seen_by(pipe).posts > whole.posts:
                raise SystemExit("something was posted though nothing changed")
        with receiving(well_until=-(-whole.posts // 2)) as (url, pipe):
            deliver("to one that fails midway", home, segment, url, delta=True)
            broken_off = seen_by(pipe)
            print(f"  taken: {len(broken_off.keys):,} messages, {len(broken_off.customers):,} customers")
            deliver("again, once it is well", home, segment, url, delta=True)
            check("arrived in both", ids, seen_by(pipe))


if __name__ == "__main__":
    main()
