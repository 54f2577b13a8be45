"""The log: each line JSON, one a request, in which nobody is named: the route and not the path, no query, no body."""

import json
import logging
import re
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

NAME = "regulars.requests"
THEIRS = "tracehandler"
"""BentoML's handler of a worker's log, which writes what all loggers say to standard output."""
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


class Structured(logging.Formatter):
    """A line of JSON a record: when (UTC), and the request or who says what."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        at = f"{seconds}.{int(record.msecs):03}Z"
        if record.name == NAME:
            return f'{{"at": "{at}", "request": {record.getMessage()}}}'
        line = {
            "at": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "says": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def to_standard_output() -> None:
    """Write each line of this process's log once, to its standard output."""
    logger.setLevel(logging.INFO)
    theirs = [handler for handler in logging.getLogger().handlers if handler.name == THEIRS]
    if not theirs and not logger.handlers:
        logger.addHandler(logging.StreamHandler(sys.stdout))
    for handler in (*theirs, *logger.handlers):
        handler.setFormatter(Structured())
    # They have the same handler themselves and would be written by it twice.
    for name in ("uvicorn.error", "circus"):
        logging.getLogger(name).propagate = not theirs
