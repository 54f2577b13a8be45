"""`regulars serve` as a process, on a free port of loopback."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ledger.home import Home

READY_WITHIN_SECONDS = 90


@dataclass(frozen=True)
class Running:
    """A service that answers."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def workers(self) -> set[int]:
        """Return the ids of its workers."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        children = b" ".join(_said(task / "children") for task in tasks).split()
        return {int(pid) for pid in children if b"worker" in _said(Path(f"/proc/{int(pid)}/cmdline"))}

    def wait_until_ready(self) -> None:
        """Ask until it answers that it is ready."""
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(f"{self.address}/readyz", timeout=5).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.2)  # a process that starts says nothing until it listens
        self.process.terminate()
        _, said = self.process.communicate(timeout=30)
        pytest.fail(f"the service did not get ready: {said.decode(errors='replace')[-2000:]}")


def _said(path: Path) -> bytes:
    """Return what the system says of a process or thread; nothing once it has ended."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


@contextmanager
def running(home: Home, *options: str) -> Iterator[Running]:
    """Serve a home until the end of the block."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    main = "from regulars.cli import main; main()"
    command = [
        *(sys.executable, "-c", main, "serve"),
        *("--home", str(home.path), "--port", str(port), *options),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        service = Running(port, process)
        try:
            service.wait_until_ready()
            yield service
        finally:
            process.terminate()
            process.communicate(timeout=30)
