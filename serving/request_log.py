"""One line of JSON a request, in which nobody is named: the route and not the path, no query, no body."""

import json
import logging
import re
import secrets
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass

NAME = "regulars.requests"
GIVEN = re.compile(rb"[0-9A-Za-z_-]{8,64}")
METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
)  # a caller may send any word

logger = logging.getLogger(NAME)


@dataclass(frozen=True)
class Line:
    """What is told of a request.

    Parameters
    ----------
    request_id : str
    method, route : str
    status : int or None
        None when the client was gone before it was answered.
    duration_ms : float, milliseconds
    bytes_in, bytes_out : int
        Of the bodies, as they were sent.
    key : str or None
        Public part of the API key.
    """

    request_id: str
    method: str
    route: str
    status: int | None
    duration_ms: float
    bytes_in: int
    bytes_out: int
    key: str | None

    def write(self) -> None:
        """Log it."""
        logger.info("%s", json.dumps(asdict(self)))


def request_id(headers: Mapping[bytes, bytes]) -> str:
    """Return the X-Request-Id that came, or a new one where none came that is safe to repeat."""
    given = headers.get(b"x-request-id", b"")
    return given.decode() if GIVEN.fullmatch(given) else secrets.token_hex(16)


def method_of(method: str) -> str:
    """Return a method's name as it is logged."""
    return method if method in METHODS else "other"


def to_standard_output() -> None:
    """Send the lines to this process's standard output, once."""
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(
            logging.Formatter(
                '{"at": "%(asctime)s.%(msecs)03d", "request": %(message)s}', "%Y-%m-%dT%H:%M:%S"
            )
        )
        logger.addHandler(handler)
