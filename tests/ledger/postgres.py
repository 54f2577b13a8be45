"""A PostgreSQL server of the tests' own: made in a directory of its own, on a free port, gone afterwards."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

OWNER = "owner"
PASSWORD = "s3cret/@word"  # noqa: S105 - of a server that lives as long as the tests, with what a URL must encode
PASSWORD_IN_URL = "s3cret%2F%40word"  # noqa: S105
START_SECONDS = 60
INSTALLED = Path("/usr/lib/postgresql")  # where Debian keeps what is not on the PATH


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int

    @property
    def url(self) -> str:
        return f"postgresql://{OWNER}:{PASSWORD_IN_URL}@127.0.0.1:{self.port}/postgres"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


def server_binaries() -> Path | None:
    """Return the directory of initdb and pg_ctl, if any."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else []
    places += sorted(INSTALLED.glob("*/bin"), key=lambda place: int(place.parent.name), reverse=True)
    return next(
        (place for place in places if (place / "pg_ctl").exists() and (place / "initdb").exists()), None
    )


@contextmanager
def running_server(binaries: Path) -> Iterator[Server]:
    """Run a server that asks for a password and trusts its disk."""
    # Not under pytest's directory: that is closed to the user who must run the server when the tests run as root.
    directory = Path(tempfile.mkdtemp(prefix="regulars-tests-postgres-"))
    password_file = directory / "password"
    password_file.write_text(PASSWORD, encoding="utf-8")
    as_user = _unprivileged(directory)
    data, port = str(directory / "data"), _free_port()

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [*as_user, str(binaries / program), "-D", data, *arguments],
            check=True,
            cwd=directory,
            stdout=subprocess.DEVNULL,
        )

    try:
        run(
            "initdb", "--username", OWNER, "--pwfile", str(password_file), "--auth", "scram-sha-256",
            "--encoding", "UTF8", "--locale", "C", "--no-sync",
        )  # fmt: skip
        options = f"-p {port} -k {directory} -c listen_addresses=127.0.0.1 -c fsync=off -c timezone=America/New_York"
        run("pg_ctl", "-w", "-t", str(START_SECONDS), "-l", str(directory / "log"), "-o", options, "start")
        try:
            yield Server(port)
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(directory)


def _unprivileged(directory: Path) -> list[str]:
    """Return what goes before a command so that the server does not run as root, which it refuses."""
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    for path in (directory, *directory.iterdir()):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
