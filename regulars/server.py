"""Starting the service: this process becomes BentoML's, in loopback by default and without telemetry."""

import os
import socket
import sys

from pydantic import SecretStr

from ledger.errors import InputError
from ledger.home import Home

SERVICE = "serving.service:Regulars"
GRACE_SECONDS = 10
"""How long requests under way may take after a stop is asked for."""

MEMORY = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "4194304", "MALLOC_MMAP_THRESHOLD_": "131072"}
"""For glibc, which reads them when a process starts and else keeps what large requests used, each thread its own. Up to
4 MB are kept: what is given back after each small request is taken again by the next, a page fault for every 4 kB."""


def require_free_port(host: str, port: int) -> None:
    """
    Fail early, in one line, when the port is taken.

    Raises
    ------
    InputError
        When something listens there already, or the address is not this machine's.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the server binds: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = str(error.strerror).lower()
            raise InputError(
                f"cannot listen on {host}:{port}: {why}; choose another port with --port"
            ) from error


def require_keys(home: Home, host: str) -> None:
    """
    Refuse to listen where other machines reach the service while nobody needs a key.

    Raises
    ------
    InputError
        When the host is none of this machine's own and no key is in use.
    """
    from serving.keys import listed  # noqa: PLC0415 - for one command

    own = host == "localhost" or host.startswith("127.") or host == "::1"
    if not own and all(key.revoked_at for key in listed(home.keys)):
        raise InputError(
            f"{host} is reached by other machines: make a key first with `regulars keys create NAME --scope "
            "scores`, or listen on 127.0.0.1"
        )


def command(host: str, port: int) -> list[str]:
    """Return the command line of the service."""
    return [
        sys.executable,
        "-m",
        "bentoml",
        "serve",
        SERVICE,
        "--host",
        host,
        "--port",
        str(port),
        "--timeout-graceful-shutdown",
        str(GRACE_SECONDS),
    ]


def environment(
    home: Home, workers: int, inherited: dict[str, str], shopify_secret: SecretStr | None = None
) -> dict[str, str]:
    """Return the environment of the service: the home, BentoML's own files in it, how many workers, and the secret."""
    absolute = Home(home.path.resolve())
    options = [inherited.get("BENTOML_CONFIG_OPTIONS", ""), f"services.regulars.workers={workers}"]
    return (MEMORY | inherited) | {
        "REGULARS_HOME": str(absolute.path),
        "BENTOML_HOME": str(absolute.bentoml),
        "BENTOML_CONFIG_OPTIONS": " ".join(filter(None, options)),
        **({"REGULARS_SHOPIFY_SECRET": shopify_secret.get_secret_value()} if shopify_secret else {}),
    }


def why_not_ready(home: Home) -> str | None:
    """
    Return why the service will start without answers; None when there is a run to serve.

    Raises
    ------
    InputError
        When the home is no shop's.
    """
    from serving.store import PublishedRun  # noqa: PLC0415 - for one command

    if not home.shop_facts.exists():
        raise InputError(f"{home.path} holds no shop; `regulars import orders` makes one")
    try:
        PublishedRun.open(home)
    except InputError as error:
        return str(error)
    return None


def serve(home: Home, host: str, port: int, workers: int, shopify_secret: SecretStr | None = None) -> None:
    """Become the service; returns never."""
    sys.stdout.flush()
    sys.stderr.flush()
    variables = environment(home, workers, dict(os.environ), shopify_secret)
    os.execve(sys.executable, command(host, port), variables)  # noqa: S606 - no shell, own command
