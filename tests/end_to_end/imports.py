"""Imports in processes of their own, ended or killed at a chosen call or moment, and what they leave."""

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import FrameType
from typing import Any

from ledger.home import Home
from ledger.schema import Table
from ledger.store import Ledger
from ledger.tables.customers import CUSTOMERS
from ledger.tables.rejected import REJECTED
from ledger.tables.shipped import TABLES
from regulars import cli

WATCHED = ("ledger", "shutil", "tempfile", "pathlib")  # packages and modules whose calls are counted
WAIT_SECONDS = 60
Content = dict[str, tuple[object, ...]]
Call = tuple[str, int]  # a name, and which of its calls, from 1
FORKED = multiprocessing.get_context("forkserver")
# Read once by the server from which the imports are forked; it finds what is installed, not the tests.
READ_ONCE = ("regulars.cli", "regulars.settings", "regulars.findings", "ledger.importers.load", "pandas")
FORKED.set_forkserver_preload(list(READ_ONCE))


def start(
    arguments: Sequence[str], *, die_at: Call | None = None, calls: Path | None = None
) -> ForkServerProcess:
    """Start `regulars` in a process of its own.

    Parameters
    ----------
    arguments : sequence of str
    die_at : Call, optional
        Before which the process kills itself.
    calls : Path, optional
        Where to write what is called, one name a call.
    """
    process = FORKED.Process(target=_run, args=(list(arguments), die_at, calls))
    process.start()
    return process


def run(arguments: Sequence[str], *, die_at: Call | None = None, calls: Path | None = None) -> int:
    """Run `regulars` in a process of its own and return its exit code, negative when a signal ended it."""
    return ended(start(arguments, die_at=die_at, calls=calls))


def run_for(arguments: Sequence[str], seconds: float) -> int:
    """Run `regulars` and kill it unless it has ended within some seconds; return its exit code."""
    process = start(arguments)
    process.join(seconds)
    process.kill()
    return ended(process)


def ended(process: ForkServerProcess) -> int:
    """Wait for a process and return its exit code."""
    process.join(WAIT_SECONDS)
    code = process.exitcode
    if code is None:
        process.kill()
        raise TimeoutError(f"an import has not ended within {WAIT_SECONDS} s")
    process.close()
    return code


def _run(arguments: list[str], die_at: Call | None, calls: Path | None) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    called: list[str] = []

    def watch(frame: FrameType, event: str, callee: Any) -> None:  # noqa: ANN401 - as sys.setprofile gives it
        module = str(frame.f_globals.get("__name__", ""))
        if event not in ("call", "c_call") or module.partition(".")[0] not in WATCHED:
            return
        what = f" > {callee.__name__}" if event == "c_call" else ""
        name = f"{module}.{frame.f_code.co_name}{what}"
        called.append(name)
        if die_at and name == die_at[0] and called.count(name) == die_at[1]:
            os.kill(os.getpid(), signal.SIGKILL)

    if die_at or calls:
        sys.setprofile(watch)
    try:
        cli.main(arguments)
    finally:
        sys.setprofile(None)
        if calls:
            calls.write_text(json.dumps(called), encoding="utf-8")


def stage_of(home: Home, before: set[Path], *, counts: bool) -> str:
    """Return how far a killed import came, as its home shows.

    Parameters
    ----------
    home : Home
    before : set of Path
        `files_of` the home when the import started.
    counts : bool
        Whether what it imported counts.
    """
    workspace = home.work.exists() and any(path.is_dir() for path in home.work.iterdir())
    new = {path for path in files_of(home) - before if path.parts[0] == "ledger"}
    if counts:
        return "tidying up" if workspace else "ended"
    if any("_delta_log" in path.parts and path.suffix == ".json" for path in new):
        return "committing tables"
    if any(path.suffix == ".parquet" for path in new):
        return "writing rows"
    return "reading" if workspace else "starting"


# Customers who are known by an address alone are known since the import.
WHEN_IMPORTED = {REJECTED.name: "imported_at", CUSTOMERS.name: "known_at"}


def files_of(home: Home) -> set[Path]:
    """Return the home's files, relative to it."""
    if not home.path.exists():
        return set()
    return {path.relative_to(home.path) for path in home.path.rglob("*") if path.is_file()}


def content(home: Home) -> Content:
    """Return count and hash of what each table holds, less when it was imported."""
    with Ledger(home).connect() as connection:
        found = {}
        for table in TABLES:
            hashed = f"SELECT count(*), CAST(sum(md5_number_lower({_text(table)})) AS VARCHAR) FROM ledger_{table.name}"
            found[table.name] = connection.execute(hashed).fetchall()[0]
        return found


def _text(table: Table) -> str:
    names = [name for name in table.names if name != WHEN_IMPORTED.get(table.name)]
    return f"concat_ws(chr(31), {', '.join(f'coalesce(CAST({name} AS VARCHAR), chr(30))' for name in names)})"
