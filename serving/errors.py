"""Problem documents (RFC 9457): every error answer of the service, made in one place and safe to show."""

import json
import re
from dataclasses import dataclass
from http import HTTPStatus

MEDIA_TYPE = "application/problem+json"
SHOWN_LENGTH = 60
HARMLESS = re.compile(r"[\w .,:+@#/-]*", re.ASCII)

# kind -> (status, title). The kind is the stable part that a client may branch on.
KINDS: dict[str, tuple[HTTPStatus, str]] = {
    "bad-request": (HTTPStatus.BAD_REQUEST, "The request cannot be read"),
    "bad-cursor": (HTTPStatus.BAD_REQUEST, "The cursor is not one of this list's"),
    "bad-token": (HTTPStatus.BAD_REQUEST, "The token is not one of this feed's"),
    "no-key": (HTTPStatus.UNAUTHORIZED, "A key is needed"),
    "wrong-scope": (HTTPStatus.FORBIDDEN, "The key does not open this"),
    "wrong-signature": (HTTPStatus.UNAUTHORIZED, "The signature is not this body's"),
    "webhook-off": (HTTPStatus.FORBIDDEN, "This webhook is not set up"),
    "cross-site": (HTTPStatus.FORBIDDEN, "The request comes from another site's page"),
    "bad-host": (HTTPStatus.MISDIRECTED_REQUEST, "The Host header names no host of this service"),
    "not-found": (HTTPStatus.NOT_FOUND, "There is nothing at this address"),
    "unknown-customer": (HTTPStatus.NOT_FOUND, "No such customer"),
    "too-new-customer": (HTTPStatus.NOT_FOUND, "The customer has no scores yet"),
    "erased-customer": (HTTPStatus.GONE, "The customer was erased"),
    "unknown-segment": (HTTPStatus.NOT_FOUND, "No such segment"),
    "unknown-product": (HTTPStatus.NOT_FOUND, "No such product or category in the latest run"),
    "wrong-method": (HTTPStatus.METHOD_NOT_ALLOWED, "This address does not take that method"),
    "too-large": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is larger than the service takes"),
    "wrong-media-type": (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be JSON"),
    "invalid-history": (HTTPStatus.UNPROCESSABLE_ENTITY, "The history cannot be used"),
    "invalid-expression": (HTTPStatus.UNPROCESSABLE_ENTITY, "The condition is refused"),
    "invalid-rows": (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Nothing was taken: a row is not one that an import takes",
    ),
    "no-history": (HTTPStatus.UNPROCESSABLE_ENTITY, "No order was known before as_of"),
    "too-many": (HTTPStatus.TOO_MANY_REQUESTS, "Too many requests at once"),
    "rate-limited": (HTTPStatus.TOO_MANY_REQUESTS, "This key's requests of the minute are used up"),
    "failed": (HTTPStatus.INTERNAL_SERVER_ERROR, "The service failed to answer"),
    "not-ready": (HTTPStatus.SERVICE_UNAVAILABLE, "The service is not ready"),
    "unusable-file": (HTTPStatus.SERVICE_UNAVAILABLE, "A file that the answer rests on cannot be used"),
    "too-slow": (HTTPStatus.GATEWAY_TIMEOUT, "The answer took too long"),
}
RETRIED = frozenset({"too-many", "not-ready", "unusable-file"})
"""Worth another try in a second."""
KIND_OF_STATUS = {int(status): kind for kind, (status, _) in reversed(KINDS.items())}


@dataclass(frozen=True)
class Problem:
    """One problem document.

    Parameters
    ----------
    kind : str
        A key of `KINDS`; gives `type`, `title` and `status`.
    detail : str
        What went wrong here and what to do next, without the caller's values.
    field : str or None
        Path of the field at fault, such as `customers[2].orders[0].net_amount`.
    expected, got : str or None
        What was expected and what came, the latter already through `shown`.
    instance : str or None
        Path of the request.
    request_id : str or None
        By which the log tells of it.
    """

    kind: str
    detail: str
    field: str | None = None
    expected: str | None = None
    got: str | None = None
    instance: str | None = None
    request_id: str | None = None

    @property
    def status(self) -> int:
        """HTTP status of this problem."""
        return int(KINDS[self.kind][0])

    def document(self) -> dict[str, object]:
        """Return the members of RFC 9457 and ours, absent ones left out."""
        members: dict[str, object] = {
            "type": f"urn:regulars:problem:{self.kind}",
            "title": KINDS[self.kind][1],
            "status": self.status,
            "detail": self.detail,
            "field": self.field,
            "expected": self.expected,
            "got": self.got,
            "instance": self.instance,
            "request_id": self.request_id,
        }
        return {name: value for name, value in members.items() if value is not None}

    def body(self) -> bytes:
        """Return the document as JSON, ASCII only so that no text direction or control mark survives."""
        return json.dumps(self.document(), ensure_ascii=True).encode("ascii")


class ProblemError(Exception):
    """A request that is answered with a problem document.

    Parameters
    ----------
    problem : Problem
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.kind)
        self.problem = problem


def shown(value: object) -> str:
    """
    Describe a caller's value so that it is safe to send back.

    Parameters
    ----------
    value : object
        Anything JSON can hold.

    Returns
    -------
    str
        The value itself when it is short and plain; otherwise what it is and how long.
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        plain = len(value) <= SHOWN_LENGTH and HARMLESS.fullmatch(value) is not None
        return f"'{value}'" if plain else f"a text of {len(value)} characters"
    if isinstance(value, int) and value.bit_length() > 64:  # noqa: PLR2004 - larger than any count or amount
        return "a very large number"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, dict):
        return f"an object of {len(value)} fields"
    return f"a list of {len(value)}" if isinstance(value, list) else f"a {type(value).__name__}"


def instance_of(raw_path: bytes | str) -> str | None:
    """Return a request's path for `instance`, or None when it is too long to repeat or not plain."""
    text = raw_path.decode("latin-1") if isinstance(raw_path, bytes) else raw_path
    return text if len(text) <= 2 * SHOWN_LENGTH and re.fullmatch(r"[\w./~%:-]*", text, re.ASCII) else None
