"""Servers under load, each a process of its own, on a processor of its own where there are two; what they use."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

READY_WITHIN_SECONDS = 180.0
TICKS = os.sysconf("SC_CLK_TCK")
NOTHING = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

async def nothing(request):
    await request.json()
    return JSONResponse({"ok": True})

async def ready(request):
    return JSONResponse({"status": "ready"})

routes = [Route("/v1/nothing", nothing, methods=["POST"]), Route("/readyz", ready)]
uvicorn.run(Starlette(routes=routes), port=int(sys.argv[1]), log_level="error", access_log=False)
"""


@dataclass(frozen=True)
class Server:
    """A running server.

    Parameters
    ----------
    port, pid : int
        The process that was started; its workers are beneath it.
    """

    port: int
    pid: int

    def workers(self) -> list[int]:
        """Return the processes beneath the one that was started, itself when there is none."""
        return _beneath(self.pid) or [self.pid]

    def cpu_seconds(self) -> float:
        """Return what all of its processes have used of processors."""
        return sum(_cpu_seconds(pid) for pid in (self.pid, *_beneath(self.pid)))

    def megabytes(self) -> tuple[float, float]:
        """Return the memory of its largest worker: its own, and with the files of the home that it maps."""
        return max((_of_status(pid, "RssAnon"), _of_status(pid, "VmRSS")) for pid in self.workers())

    def kill_a_worker(self) -> int:
        """Kill a worker as `kill -9` does, and return its id."""
        pid = self.workers()[0]
        os.kill(pid, signal.SIGKILL)
        return pid

    def is_ready(self) -> bool:
        """Return whether it answers that it is ready."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)  # noqa: PLR2004 - OK
        except (URLError, OSError):
            return False

    def wait_until_ready(self) -> float:
        """Return the seconds until it is."""
        start = time.monotonic()
        while not self.is_ready():
            if time.monotonic() - start > READY_WITHIN_SECONDS:
                raise TimeoutError("the server did not get ready")
            time.sleep(0.05)
        return time.monotonic() - start


def split_processors() -> set[int]:
    """Keep this process to one processor and return the others, for servers; all when there is one alone."""
    all_of_them = os.sched_getaffinity(0)
    mine = max(all_of_them)
    os.sched_setaffinity(0, {mine})
    return all_of_them - {mine} or all_of_them


@contextmanager
def regulars(home: Path, workers: int, processors: set[int]) -> Iterator[Server]:
    """Run `regulars serve` on a home."""
    main = "from regulars.cli import main; main()"
    options = ["--home", str(home), "--workers", str(workers)]
    with _running(["-c", main, "serve", *options, "--port"], processors) as server:
        yield server


@contextmanager
def nothing(processors: set[int]) -> Iterator[Server]:
    """Run Starlette on uvicorn, as installed, with a route that reads JSON and answers JSON."""
    with _running(["-c", NOTHING], processors) as server:
        yield server


@contextmanager
def _running(arguments: list[str], processors: set[int]) -> Iterator[Server]:
    port, own = _free_port(), os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)  # a child starts where its parent runs
    with subprocess.Popen(  # noqa: S603 - our own commands
        [sys.executable, *arguments, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        os.sched_setaffinity(0, own)
        server = Server(port, process.pid)
        try:
            server.wait_until_ready()
            yield server
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


def _beneath(pid: int) -> list[int]:
    found = []
    for child in _children(pid):
        # What multiprocessing leaves beside a worker answers nothing.
        if b"resource_tracker" not in _read(Path(f"/proc/{child}/cmdline")):
            found += [child, *_beneath(child)]
    return found


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    listed = b" ".join(_read(task / "children") for task in (tasks.iterdir() if tasks.exists() else ()))
    return [int(child) for child in listed.split()]


def _read(path: Path) -> bytes:
    """Return what a process or thread says of itself; nothing once it has ended."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _of_status(pid: int, name: str) -> float:
    """Return megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0
